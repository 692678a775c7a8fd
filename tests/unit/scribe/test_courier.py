"""The courier's parts: what goes over each wire, and where it goes on after a death."""

from __future__ import annotations

import array
import fcntl
import json
import os
import re
import socket
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orlop.scribe.courier import fluentd, wire
from orlop.scribe.courier.feed import Feed
from orlop.scribe.courier.fluentd import Fluentd
from orlop.scribe.courier.gelf import Gelf
from orlop.scribe.courier.journald import Journald
from orlop.scribe.courier.main import Courier
from orlop.scribe.courier.sender import Sender
from orlop.scribe.courier.syslog import Syslog
from orlop.scribe.entries import LocalRecords
from orlop.scribe.parse import Entry

SECOND = 1_764_000_000_123_456_789
ENTRY = Entry("stdout", SECOND, b"text", None)
INFO = {
    "ID": "0123456789ab", "FullID": "0123456789ab" + "0" * 52, "Name": "web",
    "ContainerName": "/web", "ImageFullID": "sha256:1", "ImageName": "busybox",
    "Command": "sh -c x",
    "ContainerCreated": "2026-11-24 12:17:35.755407021 +0000 UTC", "Hostname": "host",
}  # fmt: skip


def job(driver: str, **endpoint: Any) -> dict[str, Any]:
    return {"driver": driver, "endpoint": endpoint, "tag": "t", "attrs": {"x.y": "1"}, "info": INFO}


def syslog(form: str = "", facility: int = 3) -> Syslog:
    return Syslog(job("syslog", scheme="udp", address="h:1", facility=facility, format=form))


@pytest.mark.parametrize(
    ("form", "pattern"),
    [
        ("", r"<30>Nov 24 \d\d:\d\d:\d\d t\[\d+\]: text\n"),
        ("rfc3164", r"<30>Nov 24 \d\d:\d\d:\d\d host t\[\d+\]: text\n"),
        ("rfc5424", r"<30>1 2025-11-24T\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d) host t \d+ t - text\n"),
        ("rfc5424micro", r"<30>1 2025-11-24T\d\d:\d\d:\d\d\.123456(Z|\S+) host t \d+ t - text\n"),
    ],
)
def test_syslog_forms(form: str, pattern: str) -> None:
    assert re.fullmatch(pattern, syslog(form).message(ENTRY).decode())
    assert syslog(form, 20).message(ENTRY._replace(source="stderr")).startswith(b"<163>")


def test_syslog_keeps_bytes() -> None:
    assert syslog().message(ENTRY._replace(line=b"\xff\x00")).endswith(b": \xff\x00\n")


def test_msgpack() -> None:
    assert fluentd.pack({"a": "b"}) == b"\x81\xa1a\xa1b"
    assert fluentd.pack("x" * 31)[:1] == b"\xbf"
    assert fluentd.pack("x" * 32)[:2] == b"\xd9\x20"
    assert fluentd.pack(b"x" * 300)[:3] == b"\xda\x01\x2c"
    assert fluentd.pack("x" * 70_000)[:5] == b"\xdb\x00\x01\x11\x70"
    assert fluentd.pack({str(n): "" for n in range(16)})[:3] == b"\xde\x00\x10"
    assert fluentd.pack(5) == b"\x05"
    assert fluentd.pack(1 << 33) == b"\xcf\x00\x00\x00\x02\x00\x00\x00\x00"


def test_fluentd_message() -> None:
    endpoint: dict[str, Any] = {
        "scheme": "tcp", "address": "h:1", "write_timeout": 0.0, "request_ack": False,
        "sub_second_precision": True, "max_retries": 3, "retry_wait": 1.0,
    }  # fmt: skip
    message = Fluentd(job("fluentd", **endpoint)).message(ENTRY, "")
    assert message.startswith(b"\x94\xa1t\xd7\x00" + (SECOND // 10**9).to_bytes(4, "big"))
    assert message.endswith(b"\xa6source\xa6stdout\xa3log\xa4text\x80")


def test_gelf_chunks() -> None:
    gelf = Gelf(job("gelf", scheme="udp", address="h:1", compression="none", level=1))
    message = gelf.message(ENTRY._replace(line=b"z" * 4000))
    assert json.loads(message)["_x.y"] == "1"
    assert json.loads(message)["timestamp"] == 1_764_000_000.123
    assert json.loads(message)["_created"] == "2026-11-24T12:17:35.755407021Z"
    pieces = gelf.datagrams(message)
    assert len({piece[2:10] for piece in pieces}) == 1
    assert [piece[10] for piece in pieces] == list(range(len(pieces)))
    assert all(len(piece) <= 1420 and piece[11] == len(pieces) for piece in pieces)
    assert b"".join(piece[12:] for piece in pieces) == message
    assert gelf.datagrams(os.urandom(1 << 20)) == []  # more than the format has room for
    packed = Gelf(job("gelf", scheme="udp", address="h:1", compression="zlib", level=9))
    assert zlib.decompress(packed.datagrams(b"{}" * 99)[0]) == b"{}" * 99


def test_journald(tmp_path: Path) -> None:
    path = str(tmp_path / "journal")
    server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    server.bind(path)
    server.settimeout(10)
    driver = Journald(job("journald"), path)
    big = b"two\nlines " + b"q" * (8 << 20)
    sender = threading.Thread(
        target=driver.send,
        args=(
            [ENTRY._replace(source="stderr", partial=("id", 2, False)), ENTRY._replace(line=big)],
        ),
    )
    sender.start()
    small = server.recv(1 << 16)
    fields = dict(line.split(b"=", 1) for line in small.splitlines())
    assert fields[b"MESSAGE"] == b"text"
    assert fields[b"PRIORITY"] == b"3"
    assert fields[b"CONTAINER_NAME"] == b"web"
    assert fields[b"CONTAINER_TAG"] == fields[b"SYSLOG_IDENTIFIER"] == b"t"
    assert fields[b"X_Y"] == b"1"
    assert fields[b"CONTAINER_PARTIAL_MESSAGE"] == b"true"
    assert fields[b"CONTAINER_PARTIAL_ORDINAL"] == b"2"
    _, ancillary, _, _ = server.recvmsg(16, socket.CMSG_SPACE(4))
    sender.join(10)
    fds = array.array("i", ancillary[0][2])
    with os.fdopen(fds[0], "rb") as file:
        file.seek(0)
        data = file.read()
    assert data.startswith(b"MESSAGE\n" + len(big).to_bytes(8, "little") + big + b"\nPRIORITY=6\n")
    driver.close()
    server.close()


def test_who_has_left_is_noticed() -> None:
    ours, theirs = socket.socketpair()
    assert not wire.left(ours)
    theirs.close()
    assert wire.left(ours)
    ours.close()


# --- the feed


def write(path: Path, *texts: str, at: int = SECOND) -> None:
    with path.open("ab") as file:
        for text in texts:
            file.write(LocalRecords("stdout").lines(text.encode() + b"\n", at))


def take(path: Path, position: Path, batches: int | None = None) -> list[str]:
    """Read as a courier that is killed after so many batches, or lives to the end."""
    feed = Feed(str(path), str(position))
    feed.end()
    seen: list[str] = []
    source: Iterator[list[Entry]] = feed.batches()
    for number, batch in enumerate(source):
        if batches is not None and number == batches:
            break
        seen += [e.line.decode() for e in batch]
    source.close()  # type: ignore[attr-defined]
    return seen


def test_the_feed_goes_on(tmp_path: Path) -> None:
    spool, position = tmp_path / "spool", tmp_path / "pos"
    write(spool, "a", "b")
    assert take(spool, position) == ["a", "b"]
    assert take(spool, position) == []
    write(spool, "c")
    assert take(spool, position, 0) == []  # killed with it in hand: not sent
    assert take(spool, position) == ["c"]


def test_the_feed_goes_on_over_rotations(tmp_path: Path) -> None:
    spool, position = tmp_path / "spool", tmp_path / "pos"
    write(spool, "a")
    assert take(spool, position) == ["a"]
    write(spool, "b")
    spool.rename(tmp_path / "spool.1")
    write(spool, "c")
    assert take(spool, position) == ["b", "c"]
    spool.rename(tmp_path / "spool.2")  # what it knew is gone; times tell what is new
    (tmp_path / "spool.1").unlink()
    (tmp_path / "spool.2").unlink()
    write(spool, "c", at=SECOND)
    write(spool, "d", at=SECOND + 1)
    assert take(spool, position) == ["d"]


def test_the_feed_reads_a_truncated_spool_from_its_start(tmp_path: Path) -> None:
    spool, position = tmp_path / "spool", tmp_path / "pos"
    write(spool, "a", "b", "c")
    assert take(spool, position) == ["a", "b", "c"]
    os.truncate(spool, 0)
    write(spool, "d")
    assert take(spool, position) == ["d"]


class Picky:
    """Fails twice on each slice."""

    max_retries = 5
    retry_wait = 0.001

    def __init__(self, _job: dict[str, Any]) -> None:
        self.failures = 2
        self.closed = 0

    def send(self, entries: list[Entry]) -> None:
        if self.failures:
            self.failures -= 1
            raise ConnectionRefusedError("no")
        self.failures = 2
        SENT.extend(e.line for e in entries)

    def close(self) -> None:
        self.closed += 1


SENT: list[bytes] = []


def test_a_sender_repeats_until_it_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orlop.scribe.courier.sender.DRIVERS", {"picky": Picky})
    SENT.clear()
    spool = tmp_path / "spool"
    write(spool, *(str(n) for n in range(600)))
    told = threading.Event()
    sender = Sender(
        "id", {"driver": "picky", "path": str(spool), "keep": True},
        str(tmp_path / "pos"), None, told.set,
    )  # fmt: skip
    sender.start()
    sender.end()
    assert told.wait(10)
    assert sender.done
    assert b" ".join(SENT) == b" ".join(str(n).encode() for n in range(600))


def test_a_sender_can_be_stopped_while_nobody_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Deaf(Picky):
        max_retries = 1 << 40
        retry_wait = 100.0

        def send(self, entries: list[Entry]) -> None:
            trying.set()
            raise ConnectionRefusedError("no")

    trying, told = threading.Event(), threading.Event()
    monkeypatch.setattr("orlop.scribe.courier.sender.DRIVERS", {"deaf": Deaf})
    spool = tmp_path / "spool"
    write(spool, "a")
    job = {"driver": "deaf", "path": str(spool), "keep": True}
    sender = Sender("id", job, str(tmp_path / "pos"), None, told.set)
    sender.start()
    assert trying.wait(10)
    sender.stop()
    assert told.wait(10)
    assert not sender.done
    assert take(spool, tmp_path / "pos") == ["a"]  # for the next one


def test_a_job_that_is_written_anew_while_it_is_done_stays(tmp_path: Path) -> None:
    """The daemon starts the container again in the moment in which its last record is sent."""
    job = {"driver": "syslog", "path": str(tmp_path / "spool" / "x"), "keep": True, "ended": True}
    place = tmp_path / "x.json"
    place.write_text(json.dumps(job))
    courier = Courier(str(tmp_path))
    sender = Sender("x", job, str(tmp_path / "x.pos"), None, lambda: None)
    courier._senders["x"] = sender
    daemon = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(daemon, fcntl.LOCK_EX)
    finishing = threading.Thread(target=courier._finish, args=("x", job, sender))
    finishing.start()
    while "x" in courier._senders:
        pass  # it is about to look
    place.write_text(json.dumps({**job, "ended": False}))
    os.close(daemon)
    finishing.join()
    assert json.loads(place.read_text())["ended"] is False
    courier._senders["x"] = sender
    place.write_text(json.dumps(job))
    courier._finish("x", job, sender)
    assert not place.exists()
