"""`make compare-api`: record the answers of a real dockerd (DOCKER_HOST, a unix socket) anew.

Arguments: API versions (default: those that are recorded). Wants the image busybox:latest; makes
and removes objects whose names begin with `apic`, and prunes nothing else.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "api"))
import corpus
from session import Session

RECORDED = Path(__file__).parent / "api" / "recorded"


def main() -> None:
    path = os.environ["DOCKER_HOST"].removeprefix("unix://")
    for version in sys.argv[1:] or sorted(p.stem for p in RECORDED.glob("*.json")):
        session = Session(path, version)
        rows = [[name, session.ask(case)] for name, case in corpus.of(version)]
        lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
        (RECORDED / f"{version}.json").write_text(f"[\n{lines}\n]\n")
        print(version, len(rows))


if __name__ == "__main__":
    main()
