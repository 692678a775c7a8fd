from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orlop.builder.context import Context
from orlop.builder.source import DIRECTORY, FILE, LINK, OTHER
from orlop.buildkit import messages as m
from orlop.buildkit.diffcopy import Receiver, Wanted
from orlop.buildkit.grpc import RpcFailure
from orlop.errors import InvalidArgument
from orlop.protobuf import decode, encode

STAT, REQUEST, DATA, FIN, ERROR = range(5)
DIR = 1 << 31
SYMLINK = 1 << 27


@pytest.fixture
def context(tmp_path: Path) -> Iterator[Context]:
    made = Context(tmp_path)
    yield made
    made.close()


def stat(path: str, mode: int = 0o644, size: int = 0, **more: Any) -> bytes:
    return encode(m.PACKET, {"stat": {"path": path, "mode": mode, "size": size, **more}})


def data(number: int, content: bytes = b"") -> bytes:
    return encode(m.PACKET, {"type": DATA, "id": number, "data": content})


END = encode(m.PACKET, {"type": STAT})
BYE = encode(m.PACKET, {"type": FIN})


def take_all(receiver: Receiver, packets: list[bytes]) -> None:
    for packet in packets:
        receiver.take(packet)


def asked(receiver: Receiver) -> list[tuple[int, int]]:
    found = [decode(m.PACKET, one) for one in receiver.answers()]
    return [(one["type"], one.get("id", 0)) for one in found]


def test_a_small_tree(context: Context) -> None:
    receiver = Receiver(context)
    for packet in (
        stat("a", size=3, uid=7), stat("d", DIR | 0o750), stat("d/big", 0o755, 100_000),
        stat("d/empty"), stat("l", SYMLINK | 0o777, link="../../etc"), stat("p", 1 << 25), END,
    ):  # fmt: skip
        receiver.take(packet)
    assert asked(receiver) == [(REQUEST, 0), (REQUEST, 2)]
    big = bytes(range(250)) * 400
    for packet in (data(2, big[:40_000]), data(0, b"abc"), data(0), data(2, big[40_000:]), data(2)):
        receiver.take(packet)
    assert asked(receiver) == [(FIN, 0)]
    receiver.take(BYE)
    assert receiver.finished
    context.settle()
    assert context.names("") == ["a", "d", "l", "p"]
    assert context.names("d") == ["big", "empty"]
    for path, content, mode in (
        ("a", b"abc", 0o644),
        ("d/big", big, 0o755),
        ("d/empty", b"", 0o644),
    ):
        item = context.item(path)
        assert item is not None
        assert (item.kind, item.mode, item.size) == (FILE, mode, len(content))
        assert context.content(item, 1 << 20) == content
        assert item.digest == hashlib.sha256(content).hexdigest()
    kinds = {path: item.kind for path in ("d", "l", "p") if (item := context.item(path))}
    assert kinds == {"d": DIRECTORY, "l": LINK, "p": OTHER}


def test_a_file_that_shrank_or_grew_a_little(context: Context) -> None:
    receiver = Receiver(context)
    for packet in (stat("grew", size=1), stat("shrank", size=100_000), END):
        receiver.take(packet)
    asked(receiver)
    for packet in (data(0, b"four"), data(0), data(1, b"x"), data(1)):
        receiver.take(packet)
    context.settle()
    for path, content in (("grew", b"four"), ("shrank", b"x")):
        item = context.item(path)
        assert item is not None
        assert context.content(item, 10) == content


def test_a_hard_link_to_a_file_under_way(context: Context) -> None:
    receiver = Receiver(context)
    for packet in (stat("a", size=3), stat("b", link="a"), stat("c", link="b"), END):
        receiver.take(packet)
    assert asked(receiver) == [(REQUEST, 0)]
    take_all(receiver, [data(0, b"abc"), data(0)])
    assert asked(receiver) == [(FIN, 0)]
    context.settle()
    for path in ("a", "b", "c"):
        item = context.item(path)
        assert item is not None
        assert context.content(item, 10) == b"abc"


def test_frames_of_values_that_no_file_has(context: Context) -> None:
    for bad in (
        stat("a", size=1 << 50), stat("a", uid=(1 << 32) - 1), stat("a", gid=1 << 40),
        stat("a", SYMLINK, link="x\0y"), stat("a", xattrs={"security.capability": bytes(25)}),
    ):  # fmt: skip
        with pytest.raises(InvalidArgument):
            Receiver(context).take(bad)


def test_no_more_is_asked_for_than_a_window_holds(context: Context) -> None:
    receiver = Receiver(context)
    for number in range(2000):
        receiver.take(stat(f"{number:04}", size=1))
    receiver.take(END)
    first = asked(receiver)
    assert len(first) == 512
    assert asked(receiver) == []
    done = 0
    waiting = first
    while waiting != [(FIN, 0)]:
        for _, number in waiting:
            receiver.take(data(number, b"x"))
            receiver.take(data(number))
            done += 1
        waiting = asked(receiver)
    assert done == 2000


def test_what_the_spool_has_is_not_asked_for(context: Context, tmp_path: Path) -> None:
    receiver = Receiver(context)
    for packet in (stat("a", size=3, modified=5), stat("b", size=3, modified=5), END):
        receiver.take(packet)
    asked(receiver)
    for packet in (data(0, b"abc"), data(0), data(1, b"def"), data(1)):
        receiver.take(packet)
    again = Receiver(context.again())
    for packet in (stat("a", size=3, modified=5), stat("b", size=3, modified=6), END):
        again.take(packet)
    assert asked(again) == [(REQUEST, 1)]


@pytest.mark.parametrize(
    "path",
    ["../x", "a/../../x", "/etc/passwd", "..", ".", "./a", "a/", "a//b", "a/./b", "a\0b", "x/y",
     "a" * 5000],
)  # fmt: skip
def test_paths_that_lead_elsewhere(context: Context, path: str) -> None:
    with pytest.raises(InvalidArgument):
        Receiver(context).take(stat(path))
    assert len(context) == 0


@pytest.mark.parametrize(
    "packets",
    [
        [stat("b"), stat("a")],  # not the order of a walk
        [stat("a"), stat("a")],  # twice
        [stat("a"), stat("a/b")],  # a file as a directory
        [stat("l", SYMLINK, link="/etc"), stat("l/passwd")],  # below a link
        [stat("d", DIR), stat("d0"), stat("d/x")],  # back into a directory that was left
        [stat("a", size=-5)],
        [END, stat("a")],  # after the last
        [data(0, b"x")],  # never asked for
        [stat("a", size=1), data(0, b"x")],  # told, not asked for yet
        [BYE],  # the end before the end
        [stat("h", link="nowhere")],  # a hard link to nothing
        [encode(m.PACKET, {"type": 9})],
        [b"\x0a"],
        [b"\x12\xff\xff\xff\xff\x0f"],
    ],
)
def test_a_sender_that_does_not_keep_to_it(context: Context, packets: list[bytes]) -> None:
    receiver = Receiver(context)
    with pytest.raises(InvalidArgument):
        take_all(receiver, packets)
    assert not receiver.finished


def test_a_file_without_end_is_cut_off(context: Context) -> None:
    receiver = Receiver(context)
    receiver.take(stat("a", size=5))
    asked(receiver)
    with pytest.raises(InvalidArgument, match="grew"):
        take_all(receiver, [data(0, bytes(30_000))] * 10)


def test_the_senders_own_failure(context: Context) -> None:
    with pytest.raises(RpcFailure, match="error from sender: it is gone"):
        Receiver(context).take(encode(m.PACKET, {"type": ERROR, "data": b"it is gone"}))


def test_patterns_travel_as_headers() -> None:
    found = Wanted("context", exclude=["*.md", "a b"], follow=["ü"]).metadata()
    assert found == {
        "dir-name": ["context"], "exclude-patterns": ["*.md", "a b"], "followpaths": ["%C3%BC"],
        "followpaths-encoded": ["1"],
    }  # fmt: skip
