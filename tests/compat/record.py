"""`make compare`: record the answers of a real dockerd (DOCKER_HOST) to the corpus anew.

With arguments: only to the scenarios that they name. Each has a file of its own in recorded/.
"prune" wants a dockerd of its own, with nothing but busybox in it.

Wants a registry that this dockerd reaches (REG, default 127.0.0.1:5000) and the image busybox.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from replay import ALONE, run_scenario, scenarios

RECORDED = Path(__file__).parent / "recorded"


def main() -> None:
    host = os.environ["DOCKER_HOST"]
    registry = os.environ.get("REG", "127.0.0.1:5000")
    version = subprocess.run(
        ["docker", "version", "--format", "{{.Client.Version}} {{.Server.Version}}"],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    for name in sys.argv[1:] or sorted(set(scenarios()) - set(ALONE)):
        with tempfile.TemporaryDirectory(prefix="compare-", dir="/var/tmp") as tmp:
            subprocess.run(
                ["docker", "save", "-o", f"{tmp}/busybox.tar", "busybox:latest"], check=True
            )
            lines = run_scenario(name, host=host, registry=registry, tmp=Path(tmp), tools=tmp)
        answers = {
            "client": version[0],
            "server": version[1],
            "lines": [asdict(line) for line in lines],
        }
        (RECORDED / f"{name}.json").write_text(json.dumps(answers, indent=1) + "\n")
        print(name, len(lines))


if __name__ == "__main__":
    main()
