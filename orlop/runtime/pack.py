"""One file with the byte code of what `orlop-runtime` imports.

    python -I -S pack.py FILE          (make install)

Seventy modules cost four milliseconds in lookups alone; from one file they cost one. The standard
library is not in it: it may be renewed without us.
"""

from __future__ import annotations

import marshal
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, ModuleType
    from typing import Any

_ROOMS = ("runtime", "runtime/cgroup", "runtime/oci")
_KERNEL = "__init__ bpf libc mount namespace netdevice pidfd process pty seccomp".split()
_ALONE = ("__init__", "errors", "oci/__init__", "oci/jsonlite")


class Finder:
    """Of the modules in a pack. `entries`: name -> (byte code, is a package, file)."""

    def __init__(self, entries: dict[str, tuple[bytes, bool, str]], root: str) -> None:
        self.entries = entries
        self.root = root

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        found = self.entries.get(name)
        if found is None:
            return None
        _, package, file = found
        make: Any = type(sys.__spec__)  # ModuleSpec, without importing importlib
        spec = make(name, self, origin=f"{self.root}/{file}", is_package=package)
        spec.has_location = True
        if package:
            spec.submodule_search_locations = [os.path.dirname(spec.origin)]
        return spec

    def create_module(self, spec: Any) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        code: CodeType = marshal.loads(self.entries[module.__name__][0])
        exec(code, module.__dict__)


def use(path: str, root: str) -> None:
    """Import from the pack at `path`, if it is there and of this very Python."""
    try:
        with open(path, "rb") as file:
            version, entries = marshal.loads(file.read())
    except (OSError, ValueError, EOFError, TypeError):
        return
    if version == sys.version:
        finder: Any = Finder(entries, root)
        sys.meta_path.insert(0, finder)


def build(path: str, root: str) -> None:
    """Compile the rooms below `root` (where the package `orlop` lies) into `path`."""
    entries = {}
    files = [f"orlop/{name}.py" for name in (*_ALONE, *(f"kernel/{k}" for k in _KERNEL))]
    for room in _ROOMS:
        names = sorted(os.listdir(f"{root}/orlop/{room}"))
        files += [f"orlop/{room}/{name}" for name in names if name.endswith(".py")]
    for file in files:
        with open(f"{root}/{file}", "rb") as source:
            code = compile(source.read(), f"{root}/{file}", "exec", dont_inherit=True, optimize=2)
        package = file.endswith("/__init__.py")
        name = file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        entries[name] = (marshal.dumps(code), package, file)
    with open(f"{path}.new", "wb") as out:
        out.write(marshal.dumps((sys.version, entries)))
    os.rename(f"{path}.new", path)


if __name__ == "__main__":
    build(sys.argv[1], os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
