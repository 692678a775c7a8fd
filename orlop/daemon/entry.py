"""The launcher's way in: `python -I -S …/orlop/daemon/entry.py`. Finds the libraries by itself.

`-S` skips site, which costs 10-45 ms; installed, the libraries are in PREFIX/lib/orlop/venv beside
the app, in a checkout they are in .venv.
"""

import os
import sys


def main() -> int:
    here = os.path.abspath(__file__)
    root = os.path.dirname(os.path.dirname(os.path.dirname(here)))
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    sys.path.insert(0, root)
    for venv in (os.path.join(os.path.dirname(root), "venv"), os.path.join(root, ".venv")):
        packages = os.path.join(venv, "lib", name, "site-packages")
        if os.path.isdir(packages):
            sys.path.append(packages)
            break
    from orlop.daemon.main import main as run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
