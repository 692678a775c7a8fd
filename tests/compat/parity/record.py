"""`make compare-parity`: record what the containers of a real dockerd look like from inside.

DOCKER_HOST: its socket; DOCKERD_PID: its process, for the namespaces that containers share with it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
from parity.filters import filters_of
from parity.scenes import HERE, IMAGE, all_of, compacted, image


def docker(*words: str) -> str:
    done = subprocess.run(["docker", *words], capture_output=True, timeout=120)
    if done.returncode:
        raise SystemExit(f"{words}: {done.stderr.decode()}{done.stdout.decode()[-500:]}")
    return done.stdout.decode()


def main() -> None:
    pid = int(os.environ["DOCKERD_PID"])
    subprocess.run(["docker", "import", "-", IMAGE], input=image(), check=True, capture_output=True)
    try:
        answers = all_of(docker, pid)
        (HERE / "recorded.json").write_text(json.dumps(compacted(answers), indent=1) + "\n")
        (HERE / "filters.json").write_text(
            json.dumps(compacted(filters_of(docker)), indent=1) + "\n"
        )
    finally:
        docker("rmi", "-f", IMAGE)
        docker("volume", "rm", "-f", "orlop-parity-v", "orlop-parity-w")
    print(len(answers), "scenes")


if __name__ == "__main__":
    main()
