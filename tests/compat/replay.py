"""Runs the corpus of command lines on any DOCKER_HOST and masks what may differ between runs.

A corpus file is a scenario: sh runs and records `$ line`, and runs `% line` for its effect only.
`docker` is the CLI under test, $REG the registry host, $TMP a scratch directory with busybox.tar.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
ALONE = ("prune",)  # scenarios that leave nothing of what is in the daemon

_MASKS: list[tuple[re.Pattern[str], str]] = [
    (re.compile(r"127\.0\.0\.1:\d{4,5}(?=/|\b)"), "<registry>"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "<id64>"),
    (re.compile(r"\b[0-9a-f]{12}\b"), "<id12>"),  # one in 280 has no letter
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| ?[+-]\d\d:?\d\d)( UTC)?"), "<time>"),
    (
        re.compile(r"(About (a|an) \w+|Less than a second|\d+ (second|minute|hour)s?)( ago)?"),
        "<ago>",
    ),
    (re.compile(r"\b(172\.\d+|192\.168)\.\d+\.\d+"), "<ip>"),  # of the default pools
    (re.compile(r"<ip>/20"), "<ip>/16"),
    (re.compile(r"\b([0-9a-f]{2}:){5}[0-9a-f]{2}\b"), "<mac>"),
    (re.compile(r"\b\d+(\.\d+)?(B|kB|MB|GB)\b"), "<size>"),
    (re.compile(r"size: \d+"), "size: <n>"),
    (re.compile(r"(?<![\w<])/[\w/.-]+/(volumes|containers|overlay2)/(?=[\w<])"), r"<root>/\1/"),
    (re.compile(r"dial tcp: lookup (\S+) .*"), r"dial tcp: lookup \1 <failed>"),
]
_SPACES = re.compile(r" {2,}")


@dataclass(frozen=True)
class Line:
    command: str
    stdout: str
    stderr: str
    code: int


def mask(text: str, tmp: str) -> str:
    text = text.replace(tmp, "<tmp>")
    for pattern, word in _MASKS:
        text = pattern.sub(word, text)
    # column widths follow the masked values, so runs of spaces carry nothing
    return "\n".join(_SPACES.sub("  ", line.rstrip()) for line in text.split("\n"))


def scenarios() -> list[str]:
    return sorted(p.stem for p in CORPUS.glob("*.txt"))


def commands(scenario: str) -> list[tuple[str, str]]:
    """(kind, line) of a scenario, kind "$" or "%"."""
    lines = (CORPUS / f"{scenario}.txt").read_text().splitlines()
    return [(line[0], line[2:]) for line in lines if line[:2] in ("$ ", "% ")]


def run_scenario(scenario: str, *, host: str, registry: str, tmp: Path, tools: str) -> list[Line]:
    """Run one scenario; `tools` is put in front of PATH (it holds the CLI to use as `docker`)."""
    env = {
        "PATH": f"{tools}:{os.environ['PATH']}",
        "DOCKER_HOST": host,
        "DOCKER_CONFIG": str(tmp / "config"),
        "HOME": str(tmp),
        "REG": registry,
        "TMP": str(tmp),
        "LC_ALL": "C.UTF-8",
    }
    (tmp / "config").mkdir(exist_ok=True)
    seen: list[Line] = []
    for kind, command in commands(scenario):
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=env,
            cwd=tmp,
            timeout=30,
        )
        if kind == "$":
            out, err = (
                mask(s.decode("utf-8", "replace"), str(tmp)) for s in (done.stdout, done.stderr)
            )
            seen.append(Line(command, out, err, done.returncode))
    return seen
