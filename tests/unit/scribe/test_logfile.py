from __future__ import annotations

import gzip
import os
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orlop.scribe import ledger, position, readlog
from orlop.scribe.decode import decode
from orlop.scribe.ledger import Ledger
from orlop.scribe.logfile import LogFile
from orlop.scribe.poller import Poller
from orlop.scribe.recorder import Recorder


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "x-json.log")


Log = Callable[..., Callable[[bytes], None]]


class Writer:
    def __init__(self, path: str, **limits: Any) -> None:
        self.poller = Poller()
        limits = {"max_size": 0, "max_file": 1, "compress_": False, **limits}
        self.log = LogFile(self.poller, path, **limits)
        self._recorder = Recorder(Ledger(*ledger.create()), 0, self.log, "stdout", b"")

    def __call__(self, data: bytes) -> None:
        for at in range(0, len(data), ledger.SHARE):
            self._recorder.ledger.hold(0, data[at : at + ledger.SHARE])
            self._recorder.settle(data[at : at + ledger.SHARE])

    def wait(self) -> None:
        """Until nothing is being compressed."""
        squeeze = self.log._squeeze
        while squeeze is not None and squeeze._pid:
            self.poller.run_once()


def numbered(first: int, last: int) -> bytes:
    return b"".join(b"line %06d\n" % n for n in range(first, last))


def text_of(path: str) -> bytes:
    return b"".join(line for _, _, line, _ in readlog.read(path))


def test_mode_is_dockers(path: str) -> None:
    Writer(path)
    assert os.stat(path).st_mode & 0o7777 == 0o640


def test_rotation_is_exact(path: str) -> None:
    """A file takes records while it is below its size, as Docker's."""
    write = Writer(path, max_size=2000, max_file=1000)
    write(numbered(0, 5000))
    write(numbered(5000, 5003))
    assert text_of(path) == numbered(0, 5003)
    record = len(Path(path + ".1").read_bytes().splitlines(True)[0])
    for name in Path(path).parent.glob("*.log.*"):
        assert 2000 <= name.stat().st_size < 2000 + record


def test_max_file_keeps_the_newest(path: str) -> None:
    write = Writer(path, max_size=1000, max_file=3)
    for n in range(0, 1000, 10):
        write(numbered(n, n + 10))
    names = sorted(p.name for p in Path(path).parent.iterdir())
    assert names == ["x-json.log", "x-json.log.1", "x-json.log.2"]
    kept = text_of(path)
    assert numbered(0, 1000).endswith(kept)
    assert len(kept) > 300


def test_one_file_only(path: str) -> None:
    write = Writer(path, max_size=1000, max_file=1)
    write(numbered(0, 100))
    assert os.listdir(Path(path).parent) == ["x-json.log"]
    assert numbered(0, 100).endswith(text_of(path))


def test_compression(path: str) -> None:
    write = Writer(path, max_size=20000, max_file=4, compress_=True)
    for n in range(0, 1000, 100):
        write(numbered(n, n + 100))
        write.wait()
    names = sorted(p.name for p in Path(path).parent.iterdir())
    assert names == ["x-json.log", *(f"x-json.log.{n}.gz" for n in (1, 2, 3))]
    assert b"line 000300" in gzip.decompress(Path(path + ".3.gz").read_bytes())
    assert numbered(0, 1000).endswith(text_of(path))


def test_rotation_does_not_wait_for_compression(path: str) -> None:
    write = Writer(path, max_size=1000, max_file=50, compress_=True)
    write(numbered(0, 400))  # many rotations in one turn, none of which can be compressed yet
    assert text_of(path) == numbered(0, 400)
    write.wait()
    left = [p.name for p in Path(path).parent.iterdir() if not p.name.endswith(".gz")]
    assert left == ["x-json.log"]
    assert text_of(path) == numbered(0, 400)


def test_leftovers_of_a_killed_scribe_go(path: str) -> None:
    Writer(path, max_size=1000, max_file=5)(numbered(0, 50))
    for name in (".gz.new", ".new"):
        Path(path + name).write_bytes(b"junk")
    again = Writer(path, max_size=1000, max_file=5, compress_=True)
    again.log.repair(fresh=False)
    again.wait()
    assert not Path(path + ".gz.new").exists()
    assert not Path(path + ".new").exists()
    assert Path(path + ".1.gz").exists()
    assert numbered(0, 50).endswith(text_of(path))


@pytest.mark.parametrize("step", range(1, 12))
def test_a_rotation_killed_between_any_two_calls(
    path: str, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Writer(path, max_size=700, max_file=4)
    write(numbered(0, 40))
    before = text_of(path)
    calls = 0

    def dying(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == step:
                raise KeyboardInterrupt
            return real(*arguments, **named)

        return call

    with monkeypatch.context() as patched:
        for name in ("rename", "link", "unlink"):
            patched.setattr(os, name, dying(getattr(os, name)))
        try:
            write.log._rotate()
        except KeyboardInterrupt:
            pass
    after = text_of(path)
    assert before.endswith(after)
    assert len(before) - len(after) <= 12 * 11  # at most the oldest file is gone
    Writer(path, max_size=700, max_file=4)(numbered(40, 41))
    assert text_of(path).endswith(numbered(39, 41))
    assert len(after) - len(text_of(path)) <= 12 * 11


def test_a_full_disk_drops_whole_records_and_tells(path: str) -> None:
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            write = Writer(path)
            write(numbered(0, 10))
            resource.setrlimit(resource.RLIMIT_FSIZE, (1500, resource.RLIM_INFINITY))
            write(numbered(10, 20))  # fits in part
            write(numbered(20, 25))
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
            write(numbered(25, 30))
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(pid, 0)[1] == 0
    assert Path(path).read_bytes().endswith(b"\n")
    lines = [(stream, line) for stream, _, line, _ in readlog.read(path)]
    notice = ("stderr", b"orlop: 10 log records were dropped: File too large\n")
    assert notice in lines
    lines.remove(notice)
    text = b"".join(line for _, line in lines)
    assert text == numbered(0, 10) + numbered(20, 30) or text == numbered(0, 10) + numbered(25, 30)


def test_no_space_at_all() -> None:
    write = Writer("/dev/full")
    write(numbered(0, 10))
    assert write.log._dropped == 10


def test_a_log_that_cannot_be_opened_hurts_nobody(tmp_path: Path) -> None:
    write = Writer(str(tmp_path / "gone" / "x-json.log"))
    write(numbered(0, 10))
    (tmp_path / "gone").mkdir()
    write(numbered(10, 12))
    text = (tmp_path / "gone" / "x-json.log").read_bytes()
    assert b"orlop: 10 log records were dropped: No such file" in text
    assert b"line 000011" in text


def test_an_administrator_may_truncate(path: str) -> None:
    write = Writer(path)
    write(numbered(0, 100))
    os.truncate(path, 0)
    write(numbered(100, 101))
    assert text_of(path) == numbered(100, 101)


def test_a_record_torn_by_a_power_cut_is_ended(path: str) -> None:
    Path(path).write_bytes(b'{"log":"torn')
    write = Writer(path)
    write.log.repair(fresh=True)
    write(b"next\n")
    assert [run.text for run in decode(Path(path).read_bytes())] == [b"next\n"]


def test_what_the_courier_never_got_is_said_in_the_log(path: str, tmp_path: Path) -> None:
    """It is at the first file, which it holds open; the second goes before it came there."""
    place = str(tmp_path / "pos")
    there = os.open(place, os.O_RDWR | os.O_CREAT)
    write = Writer(path, max_size=1000, max_file=3, position=place)
    held = os.open(path, os.O_RDONLY)  # as the courier: its inode is not used again
    position.write(there, os.fstat(held).st_ino, 0, 0)
    rotated, first = 0, os.stat(path).st_ino
    while "were not sent" not in text_of(path).decode():
        write(numbered(0, 5))
        rotated += os.stat(path).st_ino != first
        first = os.stat(path).st_ino
        assert rotated < 10
    assert rotated == 4  # of the five files that began, three are there, and one is held
    os.close(held)
    for name in (path, path + ".1", path + ".2"):
        os.unlink(name)
    write = Writer(path, max_size=1000, max_file=3, position=place)
    for n in range(0, 400, 10):  # one that keeps up
        position.write(there, os.stat(path).st_ino, 0, time.time_ns())
        write(numbered(n, n + 10))
    assert b"were not sent" not in text_of(path)
    os.close(there)
