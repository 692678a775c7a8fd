#!/usr/bin/env python3
"""What builds cost: the table "Builds" of BENCHMARKS.md.

    scripts/build_costs.py OUT.json NAME='CLI' [NAME='CLI' ...]

Builds the same contexts with each command line, in turns, so that all see the same machine:
ten steps, 10,000 files, three stages that keep a core busy each. Cold is `--no-cache`. Each needs
the image busybox:latest. Prints medians and least times in milliseconds. Standard library only.
"""

from __future__ import annotations

import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COLD, CACHED = 5, 15
TEN = """\
FROM busybox
ENV A=1
RUN echo 1 > /f1
RUN echo 2 > /f2
WORKDIR /w
COPY hello.txt /w/hello.txt
RUN cat hello.txt > out
RUN mkdir d && echo 3 > d/f3
ENV B=2
RUN echo $A$B > /f4
CMD ["cat","/f4"]
"""
MANY = "FROM busybox\nCOPY ctx /ctx\n"
_BUSY = "RUN i=0; while [ $i -lt 400000 ]; do i=$((i+1)); done; echo {0} > /{0}\n"
STAGES = "".join(f"FROM busybox AS {name}\n" + _BUSY.format(name) for name in "abc") + (
    "FROM scratch\nCOPY --from=a /a /\nCOPY --from=b /b /\nCOPY --from=c /c /\n"
)
ONE = "FROM busybox\n" + _BUSY.format("a")


def contexts(base: Path) -> dict[str, Path]:
    out = {}
    for name, text in (("ten", TEN), ("many", MANY), ("stages", STAGES), ("one", ONE)):
        folder = out[name] = base / name
        folder.mkdir()
        (folder / "Dockerfile").write_text(text)
    (out["ten"] / "hello.txt").write_text("hello\n")
    for number in range(10_000):
        path = out["many"] / "ctx" / f"d{number // 100}" / f"f{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(2048))
    return out


def timed(cli: str, folder: Path, *flags: str) -> float:
    """Milliseconds. Its words go nowhere."""
    words = [*shlex.split(cli), "build", "-t", "orlop-costs:1", *flags, str(folder)]
    begun = time.perf_counter()
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    took = time.perf_counter() - begun
    if done.returncode:
        raise SystemExit(f"{shlex.join(words)}: {done.stderr.decode()[-500:]}")
    return took * 1000


def main() -> None:
    engines = dict(word.split("=", 1) for word in sys.argv[2:])
    found: dict[str, dict[str, list[float]]] = {}
    with tempfile.TemporaryDirectory(prefix="orlop-costs-") as base:
        made = contexts(Path(base))
        for what, folder, flags, rounds in (
            ("10 steps, cold", made["ten"], ["--no-cache"], COLD),
            ("10 steps, cached", made["ten"], [], CACHED),
            ("10,000 files, cold", made["many"], ["--no-cache"], COLD),
            ("10,000 files, cached", made["many"], [], COLD),
            ("one busy stage", made["one"], ["--no-cache"], 3),
            ("three busy stages", made["stages"], ["--no-cache"], 3),
        ):
            for cli in engines.values():
                if not flags:
                    timed(cli, folder)  # so that there is something to find
            for _ in range(rounds):
                for name, cli in engines.items():
                    row = found.setdefault(what, {}).setdefault(name, [])
                    row.append(timed(cli, folder, *flags))
            for name, times in found[what].items():
                print(f"{what:24}{name:12}{statistics.median(times):10.0f}{min(times):10.0f}")
    Path(sys.argv[1]).write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
