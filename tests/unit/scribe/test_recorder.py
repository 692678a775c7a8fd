from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from orlop.kernel import pipes
from orlop.scribe import ledger, logfile, recorder
from orlop.scribe.decode import decode
from orlop.scribe.ledger import Ledger
from orlop.scribe.logfile import LogFile
from orlop.scribe.poller import Poller
from orlop.scribe.recorder import Recorder


class Bench:
    """A FIFO with its log, as scribe and keeper hold them."""

    def __init__(self, directory: Path, **limits: Any) -> None:
        self.path = str(directory / "x-json.log")
        self.limits = {"max_size": 0, "max_file": 1, "compress_": False, **limits}
        self.fds = ledger.create()
        self.reader, self.writer = os.pipe2(os.O_NONBLOCK)
        self.made: list[LogFile] = []

    def recorder(self) -> Recorder:
        log = LogFile(Poller(), self.path, **self.limits)
        self.made.append(log)
        return Recorder(Ledger(*self.fds), 3, log, "stdout", b"")

    def pump(self, to: Recorder) -> None:
        while data := to.ledger.take(3, self.reader):
            to.settle(data)

    def records(self) -> list[bytes]:
        names = sorted(Path(self.path).parent.glob("x-json.log*"), key=_age, reverse=True)
        return [
            piece
            for name in names
            for run in decode(name.read_bytes())
            for piece in (run.text.splitlines(True) if run.lines > 1 else [run.text])
        ]

    def close(self) -> None:
        for fd in (*self.fds, self.reader, self.writer):
            if fd >= 0:
                os.close(fd)
        for log in self.made:
            log.close()


def _age(path: Path) -> int:
    suffix = path.name.rpartition(".")[2]
    return int(suffix) if suffix.isdigit() else 0


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.close()


def docker_copier(data: bytes) -> list[bytes]:
    out = []
    while data:
        newline = data.find(b"\n", 0, 16384)
        end = newline + 1 if newline >= 0 else min(16384, len(data))
        out.append(data[:end])
        data = data[end:]
    return out


def sample(seed: int) -> bytes:
    made = random.Random(seed)
    lengths = made.choices(
        [0, 3, 80, 200, 16383, 16384, 16385, 50000], [9, 9, 9, 9, 1, 1, 1, 1], k=40
    )
    return b"".join(bytes([97 + n % 26]) * length + b"\n" for n, length in enumerate(lengths))


@pytest.mark.parametrize("seed", range(8))
def test_records_do_not_depend_on_how_it_was_read(bench: Bench, seed: int) -> None:
    rest = sample(seed) + b"tail"
    made = random.Random(seed)
    record = bench.recorder()
    while rest:
        written = os.write(bench.writer, rest[: made.randrange(1, 60000)])
        rest = rest[written:]
        bench.pump(record)
    record.end()
    assert bench.records() == docker_copier(sample(seed) + b"tail")


def test_pieces_of_a_line_share_their_time(bench: Bench) -> None:
    record = bench.recorder()
    for piece in (b"a" * 16384, b"b" * 16384, b"end\nnext\n"):
        os.write(bench.writer, piece)
        bench.pump(record)
    runs = list(decode(Path(bench.path).read_bytes()))
    assert [run.text[:2] for run in runs] == [b"aa", b"bb", b"en", b"ne"]
    assert len({run.time_ns for run in runs[:3]}) == 1
    assert runs[3].time_ns > runs[0].time_ns


WATCHED = {ledger.__file__, recorder.__file__, logfile.__file__}


def run_until_line(bench: Bench, number: int) -> bool:
    """Pump in a fork that dies before its `number`-th line; False when it was done before."""
    pid = os.fork()
    if pid == 0:
        count = 0

        def trace(frame: FrameType, event: str, _argument: object) -> Any:
            nonlocal count
            if frame.f_code.co_filename not in WATCHED:
                return None
            if event == "line":
                count += 1
                if count == number:
                    os._exit(9)
            return trace

        status = 1
        try:
            record = bench.recorder()
            if record.ledger.state[0]:
                record.recover()
            sys.settrace(trace)
            bench.pump(record)
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, 9)
    return code == 9


@pytest.mark.parametrize("limits", [{}, {"max_size": 3000, "max_file": 50}])
def test_killed_at_every_line(tmp_path: Path, limits: dict[str, int]) -> None:
    """Whatever line the scribe dies at, the next one loses and repeats nothing."""
    number = 1
    going = True
    while going:
        directory = tmp_path / str(number)
        directory.mkdir()
        bench = Bench(directory, **limits)
        data = b"".join(b"line %d of many, to fill some space\n" % n for n in range(150))
        data += b"l" * 16400 + b"\nbegun"
        os.write(bench.writer, data)
        going = run_until_line(bench, number)
        os.write(bench.writer, b" and ended\n")
        last = bench.recorder()
        if last.ledger.state[0]:
            last.recover()
        bench.pump(last)
        assert bench.records() == docker_copier(data + b" and ended\n"), f"killed at line {number}"
        bench.close()
        number += 1
    assert number > 60


def test_records_half_appended_are_cut_off(bench: Bench) -> None:
    record = bench.recorder()
    os.write(bench.writer, b"one\n")
    bench.pump(record)
    os.write(bench.writer, b"two\nthree\n")
    assert record.ledger.take(3, bench.reader) == b"two\nthree\n"
    size = record.log.size()
    record.ledger.writing(3, size, 200, 10, 0)
    with open(bench.path, "ab") as log:
        log.write(b'{"log":"two\\n","str')
    bench.recorder().recover()
    assert bench.records() == [b"one\n", b"two\n", b"three\n"]


def test_bytes_still_in_the_stage_are_found(bench: Bench) -> None:
    record = bench.recorder()
    os.write(bench.writer, b"two\nthree\n")
    turn = record.ledger._turn
    turn[0] = ledger.MOVING | 3 << 8
    pipes.move(bench.reader, bench.fds[2], 65536)
    bench.recorder().recover()
    assert bench.records() == [b"two\n", b"three\n"]


def test_a_slot_is_clean_for_its_next_stream(bench: Bench) -> None:
    record = bench.recorder()
    os.write(bench.writer, b"x" * 16384 + b"begun")
    bench.pump(record)
    record.end()
    assert bench.records() == [b"x" * 16384, b"begun"]
    assert record.ledger.carry(3) == b""
    assert record.ledger.stamp(3) == 0
    again = bench.recorder()
    os.write(bench.writer, b"new\n")
    bench.pump(again)
    assert bench.records()[2:] == [b"new\n"]
