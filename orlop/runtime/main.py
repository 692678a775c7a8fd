"""The program `orlop-runtime`: run with `python3 -I -S …/orlop/runtime/main.py`."""

from __future__ import annotations

import gc
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from orlop.runtime.oci.command import Command
    from orlop.runtime.oci.headstart import HeadStart
    from orlop.runtime.oci.output import Log

# verb -> module in orlop.runtime.oci, imported when it is asked for
_MODULES = {"list": "listing", "exec": "execute", "pause": "freezing", "resume": "freezing"}
_FUNCTIONS = {"list": "list_", "exec": "execute"}
_ENTERING = ("create", "run", "exec")  # verbs whose process moves into control groups


def run(argv: list[str]) -> int:
    """The exit code. Errors are told on stderr and in the log."""
    from orlop.errors import NotSupported, OrlopError
    from orlop.runtime.oci import options
    from orlop.runtime.oci.output import Log

    log = Log("", "text")
    try:
        glob, verb, own, words = options.split(argv)
        log = Log(glob.get("log") or "", glob.get("log-format") or "text")
        if log.form not in ("text", "json"):
            raise OrlopError(f"invalid log-format: {log.form}")
        if glob.get("version"):
            return _said("about", "version")
        if not verb or glob.get("help") or own.get("help"):
            return _said("about", "usage", verb)
        if verb in ("checkpoint", "restore"):
            raise NotSupported(f"{verb} is not supported: orlop-runtime has no CRIU")
        ahead = None
        if verb in _ENTERING and glob.get("cgroup-manager") != "disabled":
            from orlop.runtime.oci import headstart

            ahead = headstart.HeadStart()
        return _act(glob, verb, own, words, log, ahead)
    except OrlopError as error:
        log.error(error.message)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        log.error(f"{where}{(error.strerror or str(error)).lower()}")
    except KeyboardInterrupt:
        return 130
    return 1


def _act(
    glob: dict[str, Any],
    verb: str,
    own: dict[str, Any],
    words: list[str],
    log: Log,
    ahead: HeadStart | None,
) -> int:
    from orlop.runtime.oci.command import Command
    from orlop.runtime.process import Failure

    module = __import__(f"orlop.runtime.oci.{_MODULES.get(verb, verb)}", fromlist=[verb])
    try:
        act: Callable[[Command], int] = getattr(module, _FUNCTIONS.get(verb, verb))
        return act(Command(glob, verb, own, words, log, ahead))
    except Failure as error:
        from orlop.runtime.oci.failure import describe

        log.error(describe(error.frame))
    return 1


def _said(module: str, name: str, *arguments: str) -> int:
    found = __import__(f"orlop.runtime.oci.{module}", fromlist=[name])
    code: int = getattr(found, name)(*arguments)
    return code


def main() -> None:
    gc.disable()  # we do not live that long
    here = os.path.abspath(__file__)
    room = os.path.dirname(here)
    root = os.path.dirname(os.path.dirname(room))
    sys.path.insert(0, root)
    from orlop.runtime import pack

    pack.use(f"{room}/orlop-runtime.pack", root)
    from orlop.runtime.oci import interpreter

    interpreter.protect(here)
    os._exit(run(sys.argv[1:]) & 0xFF)


if __name__ == "__main__":
    main()
