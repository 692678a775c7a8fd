from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from orlop.container import users
from orlop.container.users import Identity
from orlop.errors import SystemFailure
from orlop.paths import Root

PASSWD = "root:x:0:0:root:/root:/bin/sh\nbob:x:1234:1234::/home/bob:/bin/sh\n"
GROUP = "root:x:0:\nlp:x:7:\naudio:x:29:bob\nvideo:x:44:bob\nbob:x:1234:\nnums:x:1500:bob\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text(PASSWD)
    (tmp_path / "etc/group").write_text(GROUP)
    return tmp_path


@pytest.fixture
def root(tree: Path) -> Iterator[Root]:
    with Root(tree) as found:
        yield found


@pytest.mark.parametrize(
    ("user", "add", "uid", "gid", "groups", "home"),
    [  # the last columns are what dockerd 28.5 gives a container with these two files
        ("", [], 0, 0, [0], "/root"),
        ("root", [], 0, 0, [0], "/root"),
        ("0:0", [], 0, 0, [0], "/root"),
        ("bob", [], 1234, 1234, [1234, 29, 44, 1500], "/home/bob"),
        ("bob:", [], 1234, 1234, [1234, 29, 44, 1500], "/home/bob"),
        ("1234", [], 1234, 1234, [1234, 29, 44, 1500], "/home/bob"),
        ("bob:audio", [], 1234, 29, [29], "/home/bob"),
        ("1234:1234", [], 1234, 1234, [1234], "/home/bob"),
        ("1234:99", [], 1234, 99, [99], "/home/bob"),
        ("5555", [], 5555, 0, [0], "/"),
        ("5555", ["7", "nums"], 5555, 0, [0, 7, 1500], "/"),
        (":audio", [], 0, 29, [29], "/root"),
        ("bob:nums", ["7"], 1234, 1500, [1500, 7], "/home/bob"),
        ("bob", ["99", "video", "audio"], 1234, 1234, [1234, 29, 44, 1500, 99], "/home/bob"),
    ],
)
def test_identities_are_dockers(
    root: Root, user: str, add: list[str], uid: int, gid: int, groups: list[int], home: str
) -> None:
    assert users.resolve(root, user, add) == Identity(uid, gid, tuple(groups), home)


@pytest.mark.parametrize(
    ("user", "text"),
    [
        ("nosuch", "unable to find user nosuch: no matching entries in passwd file"),
        ("1000:nosuch", "unable to find group nosuch: no matching entries in group file"),
        ("0:0:0", "unable to find group 0:0: no matching entries in group file"),
        ("-1", "uids and gids must be in range 0-2147483647"),
        ("0:-1", "uids and gids must be in range 0-2147483647"),
        ("99999999999", "uids and gids must be in range 0-2147483647"),
        ("4294967295", "uids and gids must be in range 0-2147483647"),
        ("4294967296", "uids and gids must be in range 0-2147483647"),
        ("2147483648", "uids and gids must be in range 0-2147483647"),
        ("1:2147483648", "uids and gids must be in range 0-2147483647"),
    ],
)
def test_unknown_users_have_dockers_texts(root: Root, user: str, text: str) -> None:
    with pytest.raises(SystemFailure) as caught:
        users.resolve(root, user)
    assert caught.value.message == text


STRANGE = [
    "+0", "-0", "-1", " 0", "0 ", "1_0", "0x0", "0b0", "0o0", "1e3", "0.0", ".0", "1e0", "٠", "١",
    "０", "0_0", "+1000", "\t0", "0\n", "1000 ", "0e0", "-0.0", "0x10", "1E1", "²",
    "2147483648", "4294967295", "4294967296", "18446744073709551616",
]  # fmt: skip


@pytest.mark.parametrize("text", STRANGE)
def test_no_spelling_becomes_root_by_accident(tree: Path, text: str) -> None:
    (tree / "etc/passwd").write_text(f"{text}:x:0:0::/root:/bin/sh\n" + PASSWD)
    (tree / "etc/group").write_text(f"{text}:x:0:\n" + GROUP)
    with Root(tree) as root:
        for user in (text, f"1000:{text}"):
            with pytest.raises(SystemFailure):
                users.resolve(root, user)


def test_the_spellings_bite_who_asks_int() -> None:
    taken = 0
    for text in STRANGE:
        try:
            int(text)
        except ValueError:
            continue
        taken += 1
    assert taken > 10


def test_a_number_never_matches_a_name(tree: Path) -> None:
    (tree / "etc/passwd").write_text("1000:x:0:0::/root:/bin/sh\n")
    with Root(tree) as root:
        assert users.resolve(root, "1000").uid == 1000


def test_ordinary_names_that_begin_like_numbers_work(tree: Path) -> None:
    (tree / "etc/passwd").write_text("nan:x:7:8::/n:/bin/sh\n3proxy:x:9:9::/p:/bin/sh\n")
    with Root(tree) as root:
        assert users.resolve(root, "nan").uid == 7
        assert users.resolve(root, "3proxy").uid == 9


def test_missing_files_mean_no_names(tmp_path: Path) -> None:
    with Root(tmp_path) as root:
        assert users.resolve(root, "") == Identity(0, 0, (0,), "/")
        assert users.resolve(root, "12:34").gid == 34


@pytest.mark.parametrize("kind", ["fifo", "link", "directory", "huge", "long line", "socket-ish"])
def test_hostile_files_are_neither_followed_nor_read_whole(
    tree: Path, tmp_path_factory: pytest.TempPathFactory, kind: str
) -> None:
    passwd = tree / "etc/passwd"
    passwd.unlink()
    if kind == "fifo":
        os.mkfifo(passwd)
    elif kind == "link":
        outside = tmp_path_factory.mktemp("host") / "passwd"
        outside.write_text("evil:x:0:0::/root:/bin/sh\n")
        passwd.symlink_to(outside)
    elif kind == "directory":
        passwd.mkdir()
    elif kind == "huge":
        with passwd.open("wb") as file:
            file.truncate(2 << 30)
    elif kind == "long line":
        passwd.write_text("evil:x:0:0::/" + "x" * (1 << 20) + ":/bin/sh\n")
    else:
        passwd.write_bytes(b"\xff\xfe:::::::\n:x:::::\nevil:x: 0:0::/:\n")
    begun = time.monotonic()
    with Root(tree) as root, pytest.raises(SystemFailure):
        users.resolve(root, "evil")
    assert time.monotonic() - begun < 2
