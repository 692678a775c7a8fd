"""`make compare`: record the answers of a real dockerd (DOCKER_HOST) to the corpus anew.

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
from replay import run_scenario, scenarios

RECORDED = Path(__file__).parent / "recorded.json"


def main() -> None:
    host = os.environ["DOCKER_HOST"]
    registry = os.environ.get("REG", "127.0.0.1:5000")
    version = subprocess.run(
        ["docker", "version", "--format", "{{.Client.Version}} {{.Server.Version}}"],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    old = json.loads(RECORDED.read_text()) if RECORDED.exists() and sys.argv[1:] else {}
    answers = old.get("scenarios", {})
    for name in sys.argv[1:] or scenarios():
        with tempfile.TemporaryDirectory(prefix="compare-", dir="/var/tmp") as tmp:
            subprocess.run(
                ["docker", "save", "-o", f"{tmp}/busybox.tar", "busybox:latest"], check=True
            )
            lines = run_scenario(name, host=host, registry=registry, tmp=Path(tmp), tools=tmp)
            answers[name] = [asdict(line) for line in lines]
        print(name, len(answers[name]))
    RECORDED.write_text(
        json.dumps({"client": version[0], "server": version[1], "scenarios": answers}, indent=1)
        + "\n"
    )


if __name__ == "__main__":
    main()
