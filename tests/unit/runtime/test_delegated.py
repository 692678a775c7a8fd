"""Which part of the v2 tree is a user's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from orlop.runtime.cgroup import delegated as rooms
from orlop.runtime.cgroup.delegated import delegated, make_room
from orlop.runtime.cgroup.layout import Layout


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """/user.slice is root's; user@1 and all below it is ours."""
    for path in ("user.slice/user@1/app/shell", "user.slice/session"):
        (tmp_path / path).mkdir(parents=True)
    for folder in (p for p in tmp_path.rglob("*") if p.is_dir()):
        for name, text in (("procs", ""), ("subtree_control", ""), ("controllers", "cpu pids\n")):
            (folder / f"cgroup.{name}").write_text(text)
    ours = str(tmp_path / "user.slice/user@1")
    monkeypatch.setattr(rooms.os, "access", lambda path, _mode: str(path).startswith(ours))
    return tmp_path


def own(tree: Path, group: str) -> str:
    file = tree / "own"
    file.write_text(f"0::{group}\n")
    return str(file)


def test_the_highest_group_that_is_ours(tree: Path) -> None:
    host = Layout({}, str(tree), ("cpu", "memory", "pids"))
    found = delegated(host, own(tree, "/user.slice/user@1/app/shell"))
    assert (found.unified, found.unified_controllers, found.v1) == (
        f"{tree}/user.slice/user@1", ("cpu", "pids"), {},
    )  # fmt: skip
    make_room(host, own(tree, "/user.slice/user@1/app/shell"))
    assert not (tree / "user.slice/user@1" / rooms.LEAF).exists()


def test_nothing_is_where_our_own_is_not(tree: Path) -> None:
    host = Layout({}, str(tree), ("cpu",))
    assert delegated(host, own(tree, "/user.slice/session")).directories("x") == []
    assert delegated(host, own(tree, "/")).directories("x") == []
    assert delegated(host, str(tree / "none")).directories("x") == []
    hybrid = Layout({"cpu": "/c"}, str(tree), ())
    assert delegated(hybrid, own(tree, "/user.slice/user@1/app")).directories("x") == []


def test_we_leave_a_group_that_is_to_have_others_below_it(tree: Path) -> None:
    """With the command that started us, which would keep the group from having limits below it."""
    top = tree / "user.slice/user@1"
    (top / "cgroup.procs").write_text("12\n")
    seen = []

    def moves(pid: str, procs: str) -> None:
        seen.append((pid, procs))
        (top / "cgroup.procs").write_text("34\n" if pid == "12" else "")  # born meanwhile

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rooms, "_move", moves)
        make_room(Layout({}, str(tree), ("cpu",)), own(tree, "/user.slice/user@1"))
    leaf = f"{top}/{rooms.LEAF}/cgroup.procs"
    assert seen == [("12", leaf), ("34", leaf)]


def test_a_process_that_ended_meanwhile_is_nobodys_trouble(tmp_path: Path) -> None:
    rooms._move("7", str(tmp_path / "procs"))
    assert (tmp_path / "procs").read_text() == "7"

    def gone(*_: object, **__: object) -> None:
        raise ProcessLookupError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("builtins.open", gone)
        rooms._move("8", str(tmp_path / "procs"))
