"""`docker top`: the host's ps on the container's processes.

Always the host's ps and never one from the container (CVE-2022-1227 and its kin).
"""

from __future__ import annotations

import re
import subprocess

from orlop.container.cgroups import processes
from orlop.container.containers import Containers
from orlop.errors import Conflict, InvalidArgument, SystemFailure

_PS = ("/usr/bin/ps", "/bin/ps")
_TIMEOUT = 10  # seconds


def top(containers: Containers, ref: str, ps_args: str = "-ef") -> dict[str, list[object]]:
    """{"Titles": [...], "Processes": [[...], ...]}. Raises Conflict, SystemFailure (ps's text)."""
    container = containers.get(ref)
    arguments = (ps_args or "-ef").split()
    for word in arguments:
        if "=" in word and "pid" in word.lower():
            # as Docker: a renamed PID column cannot be found again
            raise InvalidArgument(f'specifying "{word}" is not allowed')
    state = container.state
    if not state.running:
        raise Conflict(f"container {container.id} is not running")
    if state.restarting:
        raise Conflict(
            f"Container {container.id} is restarting, wait until the container is running"
        )
    pids = processes(containers, container.id)
    titles, rows = _table(_run(arguments))
    containers.publish(container, "top")
    return {"Titles": list(titles), "Processes": _chosen(titles, rows, pids)}


def _run(arguments: list[str]) -> str:
    for program in _PS:
        try:
            done = subprocess.run(
                [program, *arguments],
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_TIMEOUT,
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
            )
        except FileNotFoundError:
            continue
        except subprocess.TimeoutExpired:
            raise SystemFailure("ps: did not answer") from None
        if done.returncode:
            first = (done.stderr.strip() or f"exit status {done.returncode}").split("\n", 1)[0]
            raise SystemFailure("ps: " + first)
        return done.stdout
    raise SystemFailure("ps is not installed: install the package procps")


def _table(text: str) -> tuple[list[str], list[list[str]]]:
    lines = text.split("\n")
    titles = lines[0].split()
    rows = []
    for line in lines[1:]:
        fields = re.split(r"\s+", line.strip(), maxsplit=len(titles) - 1)
        if len(fields) == len(titles):
            rows.append(fields)
    return titles, rows


def _chosen(titles: list[str], rows: list[list[str]], pids: set[int]) -> list[object]:
    if "PID" not in titles:
        raise SystemFailure("Couldn't find PID field in ps output")
    column = titles.index("PID")
    out: list[object] = []
    for fields in rows:
        try:
            pid = int(fields[column])
        except ValueError:
            raise SystemFailure(f"Unexpected pid '{fields[column]}'") from None
        if pid in pids:
            out.append(fields)
    return out
