"""The keeper's launcher: `python -I -S …/orlop/keeper/__main__.py EXEC_ROOT READY_FD [STATE_FD]`.

Isolated and without site, so it puts its own package on sys.path. A first start (READY_FD ≥ 0)
forks once, so that the keeper is nobody's child; a re-execution stays the process it is.
"""

from __future__ import annotations

import os
import sys


def launch(arguments: list[str]) -> None:
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    sys.path.insert(0, os.path.dirname(package))
    from orlop.runtime import selfexe

    selfexe.protect([sys.executable, "-I", "-S", os.path.abspath(__file__), *arguments])
    exec_root, ready = arguments[0], int(arguments[1])
    state = int(arguments[2]) if len(arguments) > 2 else -1
    if state < 0 and os.fork():
        os._exit(0)
    from orlop.keeper import launching
    from orlop.keeper.main import exit_now, main

    command = [sys.executable, "-I", "-S", os.path.abspath(__file__), exec_root, "-1"]
    exit_now(main(exec_root, ready, state, command, launching.CALLS))


if __name__ == "__main__":
    launch(sys.argv[1:])
