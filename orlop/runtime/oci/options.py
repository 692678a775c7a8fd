"""The command line: runc's options, a few of crun's. A table per verb, and its parser. Pure.

A row: names (without dashes) -> kind: "b" flag, "s" text, "i" integer, "l" text that may come
again. Names with one letter take one dash, and as urfave/cli reads them the long ones may too.
"""

from __future__ import annotations

from orlop.errors import InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

GLOBAL = {
    "root": "s", "log": "s", "log-format": "s", "systemd-cgroup": "b", "rootless": "s",
    "debug": "b", "cgroup-manager": "s", "help h": "b", "version v": "b", "criu": "s",
}  # fmt: skip

_LAUNCH = {
    "bundle b": "s", "console-socket": "s", "pid-file": "s", "no-pivot": "b",
    "no-new-keyring": "b", "preserve-fds": "i", "config f": "s", "no-subreaper": "b",
}  # fmt: skip

VERBS: dict[str, dict[str, str]] = {
    "create": _LAUNCH,
    "run": {**_LAUNCH, "detach d": "b", "keep": "b"},
    "start": {},
    "state": {},
    "kill": {"all a": "b", "signal s": "s"},
    "delete": {"force f": "b", "regex r": "b"},
    "exec": {
        "console-socket": "s", "cwd": "s", "env e": "l", "tty t": "b", "user u": "s",
        "additional-gids g": "l", "process p": "s", "detach d": "b", "pid-file": "s",
        "process-label": "s", "apparmor": "s", "no-new-privs": "b", "cap c": "l",
        "preserve-fds": "i", "cgroup": "l", "ignore-paused": "b", "no-subreaper": "b",
    },
    "pause": {},
    "resume": {},
    "ps": {"format f": "s"},
    "events": {"interval": "s", "stats": "b"},
    "features": {},
    "spec": {"bundle b": "s", "rootless": "b", "config f": "s"},
    "list": {"format f": "s", "quiet q": "b"},
    "update": {
        "resources r": "s", "blkio-weight": "s", "cpu-period": "s", "cpu-quota": "s",
        "cpu-burst": "s", "cpu-rt-period": "s", "cpu-rt-runtime": "s", "cpu-share": "s",
        "cpu-idle": "s", "cpuset-cpus": "s", "cpuset-mems": "s", "memory": "s",
        "memory-reservation": "s", "memory-swap": "s", "kernel-memory": "s",
        "kernel-memory-tcp": "s", "pids-limit": "s", "l3-cache-schema": "s",
        "mem-bw-schema": "s",
    },
    "checkpoint": {},
    "restore": {},
}  # fmt: skip
_IN_ORDER = {"exec", "checkpoint", "restore"}  # what follows the ID belongs to the program
_TRUE, _FALSE = {"true", "1", "t"}, {"false", "0", "f"}


def parse(
    words: list[str], table: dict[str, str], in_order: bool
) -> tuple[dict[str, Any], list[str]]:
    """(options by first name, the other words). `in_order`: stop at the first other word."""
    names = {name: (row.split()[0], kind) for row, kind in table.items() for name in row.split()}
    names.setdefault("help", ("help", "b"))
    names.setdefault("h", ("help", "b"))
    found: dict[str, Any] = {}
    rest: list[str] = []
    left = list(words)
    while left:
        word = left.pop(0)
        if word == "--":
            return found, rest + left
        if word[:1] != "-" or word == "-":
            rest.append(word)
            if in_order:
                return found, rest + left
            continue
        _take(word, left, names, found)
    return found, rest


def _take(
    word: str, left: list[str], names: dict[str, tuple[str, str]], found: dict[str, Any]
) -> None:
    text, equals, value = word.lstrip("-").partition("=")
    if text not in names and word[1] != "-" and not equals:
        letters = word[1:]
        if all(names.get(c, ("", ""))[1] == "b" for c in letters):  # -it
            found.update({names[c][0]: True for c in letters})
            return
        if letters[0] in names and names[letters[0]][1] != "b":  # -f9
            text, equals, value = letters[0], "=", letters[1:]
    if text not in names:
        raise InvalidArgument(f"flag provided but not defined: -{text}")
    name, kind = names[text]
    if kind == "b":
        if equals and value.lower() not in _TRUE | _FALSE:
            raise InvalidArgument(f"invalid boolean value {value!r} for -{text}")
        found[name] = not equals or value.lower() in _TRUE
        return
    if not equals:
        if not left:
            raise InvalidArgument(f"flag needs an argument: -{text}")
        value = left.pop(0)
    if kind == "i":
        if not value.isascii() or not value.isdigit() or len(value) > 9:
            raise InvalidArgument(f"invalid value {value!r} for flag -{text}: not a number")
        found[name] = int(value)
    elif kind == "l":
        found.setdefault(name, []).append(value)
    else:
        found[name] = value


def split(argv: list[str]) -> tuple[dict[str, Any], str, dict[str, Any], list[str]]:
    """(global options, verb, its options, its arguments). Raises InvalidArgument."""
    glob, rest = parse(argv, GLOBAL, in_order=True)
    if not rest:
        return glob, "", {}, []
    verb, *words = rest
    if verb not in VERBS:
        raise InvalidArgument(f"unknown command {verb!r}")
    if verb in ("checkpoint", "restore"):
        return glob, verb, {}, words
    own, arguments = parse(words, VERBS[verb], verb in _IN_ORDER)
    return glob, verb, own, arguments
