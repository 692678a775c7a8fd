"""The `local` log driver's records, beside those that dockerd 28.5 wrote."""

from __future__ import annotations

import gzip
import os
import threading
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orlop.scribe import entries, parse, readlog
from orlop.scribe.codec import LOCAL
from orlop.scribe.compress import Squeeze
from orlop.scribe.entries import LocalRecords
from orlop.scribe.follow import Follow
from orlop.scribe.logfile import LogFile
from orlop.scribe.poller import Poller
from orlop.scribe.readlog import Form

DOCKERS = bytes.fromhex(
    "00000017" "0a067374646f7574108eeadfd0c9bbbef5181a036f6e65" "00000017"
    "00000017" "0a0673746465727210f5a2e1d0c9bbbef5181a0374776f" "00000017"
)  # fmt: skip
PIECE = bytes.fromhex(
    "0a067374646f757410a7caa7b8cdbbbef5181a047061727420012a4412403235386332386634633565"
    "3134666661623839373430656164323162373132396266383730383770376437383261643031643437"
    "3564636131616237306632621801"
)  # fmt: skip
PLAIN = Form(mux=False)


def text(path: Path, **limits: int) -> str:
    return b"".join(readlog.chunks(str(path), PLAIN, codec=LOCAL, **limits)).decode()


def test_the_same_bytes_as_dockerd() -> None:
    first, second = parse.parse(DOCKERS)
    assert (first.source, first.line, second.source, second.line) == (
        "stdout", b"one", "stderr", b"two",
    )  # fmt: skip
    ours = LocalRecords("stdout").lines(b"one\n", first.time_ns)
    ours += LocalRecords("stderr").lines(b"two\n", second.time_ns)
    assert ours == DOCKERS


def test_a_line_in_pieces() -> None:
    records = LocalRecords("stdout", b"", "ab" * 10)
    data = records.piece(b"x" * 300, 1 << 40, 1, last=False)
    data += records.piece(b"end\n", 1 << 40, 2, last=True)
    one, two = parse.parse(data)
    assert one.partial is not None
    name = one.partial[0]
    assert len(name) == 64
    assert (one.partial, two.partial) == ((name, 1, False), (name, 2, True))
    assert [(run.text, run.lines) for run in parse.decode(data)] == [
        (b"x" * 300, 1), (b"end\n", 1),
    ]  # fmt: skip
    length = len(PIECE).to_bytes(4, "big")
    (piece,) = parse.parse(length + PIECE + length)
    assert piece.line == b"part"
    assert piece.partial is not None
    assert piece.partial[1:] == (1, False)


def test_lines_of_one_time_are_one_run() -> None:
    data = LocalRecords("stdout").lines(b"a\n\nbc\n", 5)
    assert [(r.stream, r.time_ns, r.text, r.lines) for r in parse.decode(data)] == [
        ("stdout", 5, b"a\n\nbc\n", 3)
    ]
    assert list(parse.decode(data, 6)) == []


@pytest.mark.parametrize("cut", range(1, len(DOCKERS)))
def test_a_torn_record_ends_the_log(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "log"
    path.write_bytes(DOCKERS[:cut])
    whole = cut // 31
    assert text(path) == "one\ntwo\n"[: 4 * whole]
    assert text(path, tail=5) == "one\ntwo\n"[: 4 * whole]
    log = LogFile(Poller(), str(path), max_size=0, max_file=1, compress_=False, local=True)
    log.repair(fresh=True)
    log.close()
    assert path.stat().st_size == 31 * whole


def test_damage_does_not_stop_the_reader(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(DOCKERS + b"\xff" * 4096)
    assert text(path) == "one\ntwo\n"
    wrong = DOCKERS[:31] + b"\0\0\0\x03\x0a\xff\x7f\0\0\0\x03" + DOCKERS[31:]
    path.write_bytes(wrong)
    assert text(path) == "one\ntwo\n"


@pytest.mark.parametrize("count", range(13))
def test_tail_over_rotated_and_compressed_files(tmp_path: Path, count: int) -> None:
    path = tmp_path / "container.log"
    poller = Poller()
    log = LogFile(poller, str(path), max_size=62, max_file=3, compress_=True, local=True)
    wanted = []
    for number in range(10):
        line = b"%03d\n" % number
        wanted.append(line.decode())
        log.room()
        log.append(log.size(), b"", LocalRecords("stdout").lines(line, 1 << 60))
        while any(n.name in ("container.log.1", "container.log.2") for n in tmp_path.iterdir()):
            poller.run_once(block=True)
    log.close()
    kept = wanted[4:]
    assert sorted(os.listdir(tmp_path)) == [
        "container.log", "container.log.1.gz", "container.log.2.gz",
    ]  # fmt: skip
    assert text(path) == "".join(kept)
    assert text(path, tail=count) == "".join(kept[-count:] if count else [])


def test_follow_as_it_grows(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(DOCKERS[:40])
    follow = Follow(str(path), PLAIN, codec=LOCAL)
    seen: list[bytes] = []
    first = threading.Event()

    def read() -> None:
        for chunk in follow:
            seen.append(chunk)
            first.set()

    reader = threading.Thread(target=read)
    reader.start()
    assert first.wait(10)
    with path.open("ab") as file:
        file.write(DOCKERS[40:])
    follow.end()
    reader.join(10)
    assert b"".join(seen) == b"one\ntwo\n"


def test_boundary_and_count() -> None:
    records = LocalRecords("stdout").lines(b"one\ntwo\nthree\n", 7)
    assert LocalRecords.count(records) == 3
    end = LocalRecords.boundary(records, 0, 1)
    assert LocalRecords.count(records[:end]) == 1
    assert LocalRecords.boundary(records, end, 1) > end
    assert entries.whole(records) == (len(records), True)


def test_an_archive_is_never_put_in_place_of_a_younger_file(tmp_path: Path) -> None:
    """The kernel gives the inode of a removed file to the next one."""
    poller = Poller()
    squeeze = Squeeze(poller, str(tmp_path / "log"), 3)
    for attempt in range(20):
        old = tmp_path / "log.1"
        old.write_text("old")
        inode = old.stat().st_ino
        squeeze.begin()
        old.unlink()
        young = tmp_path / "log.2"
        young.write_text(f"young {attempt}")
        again = young.stat().st_ino == inode
        poller.run_once(block=True)
        while squeeze._pid:  # the younger one, in its turn
            poller.run_once(block=True)
        assert not again
        assert gzip.decompress((tmp_path / "log.2.gz").read_bytes()) == b"young %d" % attempt
        (tmp_path / "log.2.gz").unlink()


@example([("stdout", 1 << 59, [b"", b""], False)], 1)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["stdout", "stderr"]),
            st.integers(1 << 59, (1 << 59) + 2),
            st.lists(st.binary(max_size=400).map(lambda b: b.replace(b"\n", b"")), min_size=1),
            st.booleans(),
        )
    ),
    st.integers(0, 200),
)
def test_decoding_in_runs_gives_what_entries_give(
    writes: list[tuple[str, int, list[bytes], bool]], cut: int
) -> None:
    data = b""
    for source, time_ns, lines, piece in writes:
        records = LocalRecords(source, b"", "k")
        data += records.lines(b"".join(line + b"\n" for line in lines), time_ns)
        if piece:
            data += records.piece(lines[0], time_ns, 1, last=False)
    data = data[: len(data) - cut] if cut else data
    slowly = [
        (e.source, e.time_ns, e.line + (b"" if e.partial else b"\n")) for e in parse.parse(data)
    ]
    runs = [
        (run.stream, run.time_ns, line)
        for run in parse.decode(data)
        for line in readlog.lines_of(run)
    ]
    assert runs == slowly
