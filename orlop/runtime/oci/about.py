"""`--version`, `--help`."""

from __future__ import annotations

import orlop
from orlop.runtime.oci.options import VERBS
from orlop.runtime.oci.output import show

_TEXTS = {
    "create": "create a container from a bundle",
    "run": "create and start a container, and stay until it ends",
    "start": "execute the program of a created container",
    "state": "show the state of a container as JSON",
    "kill": "send a signal (default SIGTERM) to a container's first process",
    "delete": "remove what a container holds",
    "exec": "run another process in a container",
    "pause": "suspend all processes of a container",
    "resume": "let them go on",
    "ps": "show the processes in a container",
    "events": "show counters of a container",
    "features": "show what this runtime can do as JSON",
    "spec": "write a config.json to start from",
    "list": "list containers",
    "update": "change limits of a container",
    "checkpoint": "not supported",
    "restore": "not supported",
}


def version() -> int:
    show(f"orlop-runtime version {orlop.__version__}\nspec: 1.2.0\n+APPARMOR +CAP +SECCOMP +EBPF\n")
    return 0


def usage(verb: str = "") -> int:
    if verb:
        head = f"Usage: orlop-runtime {verb} [options] ID\n\n{_TEXTS[verb]}\n\n"
        show(head + _options(VERBS[verb]))
        return 0
    rows = "".join(f"  {name:<12}{text}\n" for name, text in _TEXTS.items())
    show(
        "Usage: orlop-runtime [--root DIR] [--log FILE] [--log-format text|json] [--debug] "
        f"[--systemd-cgroup] [--rootless MODE] COMMAND\n\nCommands:\n{rows}"
    )
    return 0


def _options(table: dict[str, str]) -> str:
    if not table:
        return ""
    rows = []
    for names, kind in table.items():
        words = [f"-{n}" if len(n) == 1 else f"--{n}" for n in names.split()]
        rows.append(f"  {', '.join(words)}{'' if kind == 'b' else ' VALUE'}\n")
    return "Options:\n" + "".join(rows)
