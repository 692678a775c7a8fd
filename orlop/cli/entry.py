"""The program `orlop`, run as a script with `python3 -I -S`: puts the package's root on the
path."""

import posix
import sys


def main() -> None:
    here = __file__
    if not here.startswith("/"):
        here = posix.getcwd() + "/" + here
    root = here.rsplit("/", 3)[0]
    if root not in sys.path:
        sys.path.insert(0, root)
    from orlop.cli.main import run

    # nothing is left to flush: output goes straight to the descriptors
    posix._exit(run(sys.argv[1:]) & 0xFF)


if __name__ == "__main__":
    main()
