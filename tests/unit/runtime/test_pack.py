"""The file of byte code that the installed orlop-runtime starts from."""

from __future__ import annotations

import marshal
import os
import subprocess
import sys
from pathlib import Path

from orlop.runtime import pack

ROOT = str(Path(__file__).resolve().parents[3])


def modules(*arguments: str, path: Path) -> str:
    """What a run of the command takes from the pack."""
    script = (
        f"import sys; sys.path.insert(0, {ROOT!r}); sys.argv[0] = 'x'\n"
        "from orlop.runtime import pack\n"
        f"pack.use({str(path)!r}, {ROOT!r})\n"
        "from orlop.runtime.main import run\n"
        f"code = run({list(arguments)!r})\n"
        "mine = [m for m in sys.modules.values() if isinstance(m.__spec__ and m.__spec__.loader, "
        "pack.Finder)]\n"
        "print(code, len(mine))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()[-1]


def test_a_pack_serves_what_the_command_imports(tmp_path: Path) -> None:
    pack.build(str(tmp_path / "p"), ROOT)
    code, count = modules("--root", str(tmp_path), "list", path=tmp_path / "p").split()
    assert code == "0"
    assert int(count) > 8


def test_a_pack_of_another_python_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "p").write_bytes(marshal.dumps(("3.9", {"orlop.errors": (b"", False, "x")})))
    assert modules("--root", str(tmp_path), "list", path=tmp_path / "p") == "0 0"


def test_a_broken_pack_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "p").write_bytes(b"\xff" + os.urandom(64))
    assert modules("--root", str(tmp_path), "list", path=tmp_path / "p") == "0 0"
