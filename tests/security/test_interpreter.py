"""The interpreter as a target (S22): what a container could reach of it is read-only."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from daemon import REPO, Daemon

pytestmark = pytest.mark.root
_ST_RDONLY = 1

PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
from orlop.runtime import selfexe
if sys.argv[2] == "protected":
    selfexe.protect([sys.executable, "-I", "-S", sys.argv[0], *sys.argv[1:]])
sys.stdout.write("ready\\n")
sys.stdout.flush()
sys.stdin.read()
"""


def is_read_only(pid: int) -> bool:
    fd = os.open(f"/proc/{pid}/exe", os.O_RDONLY)
    try:
        return bool(os.fstatvfs(fd).f_flag & _ST_RDONLY)
    finally:
        os.close(fd)


@pytest.mark.parametrize("name", ["keeper", "scribe-0"])
def test_keeper_and_scribe_run_from_a_read_only_clone(orlopd: Daemon, name: str) -> None:
    assert is_read_only(orlopd.pid(name))
    assert orlopd.process
    assert not is_read_only(orlopd.process.pid)  # control: an ordinary process does not


def attack(tmp_path: Path, how: str) -> int:
    """Hold the interpreter through /proc/PID/exe, wait for its end, reopen it for writing (the
    way of CVE-2019-5736): an errno, or 0 when the file could be written."""
    interpreter = tmp_path / "python"
    shutil.copy(os.path.realpath("/usr/bin/python3"), interpreter)
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    victim = subprocess.Popen(
        [str(interpreter), "-I", "-S", str(script), str(REPO), how],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with victim:
        assert victim.stdout
        assert victim.stdout.readline() == b"ready\n"
        held = os.open(f"/proc/{victim.pid}/exe", os.O_RDONLY)
        victim.kill()
        victim.wait()
    try:
        os.close(os.open(f"/proc/self/fd/{held}", os.O_WRONLY))
    except OSError as e:
        return e.errno or -1
    finally:
        os.close(held)
    return 0


def test_the_interpreter_cannot_be_written_through_proc(tmp_path: Path) -> None:
    assert attack(tmp_path, "protected") == errno.EROFS


def test_control_without_the_clone_it_can(tmp_path: Path) -> None:
    assert attack(tmp_path, "plain") == 0


def test_the_entrypoint_proc_self_exe_does_not_run_our_interpreter(orlopd: Daemon) -> None:
    done = orlopd.docker(
        "run", "--rm", "busybox", "/proc/self/exe", "-c", "print(6*7)", check=False
    )
    assert "42" not in done.stdout
    assert done.returncode in (126, 127, 255)


def test_the_launcher_takes_no_empty_file_for_the_clone(tmp_path: Path) -> None:
    """Left where the mount of an earlier call is gone, it is a program that does nothing, well."""
    clone = tmp_path / "python"
    clone.touch(0o700)
    text = (REPO / "scripts" / "orlop-runtime.in").read_text()
    real = os.path.realpath("/usr/bin/python3")
    for name, value in (("CLONE", str(clone)), ("PYTHON", real), ("APP", str(REPO))):
        text = text.replace(f"@{name}@", value)
    launcher = tmp_path / "orlop-runtime"
    launcher.write_text(text)
    assert subprocess.run([clone], executable="/bin/sh").returncode == 0  # what would be believed
    done = subprocess.run(["sh", launcher, "--version"], capture_output=True, text=True, check=True)
    assert "orlop-runtime version" in done.stdout
