"""Arbitrary passwd and group files and arbitrary users: an identity that a line or a number gives,
or Docker's refusal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from limits import EXAMPLES, SEED, no_hang

from orlop.container import users
from orlop.errors import SystemFailure
from orlop.paths import Root

NAMES = ["root", "bob", "audio", "0", "00", " 0", "0x0", "1_0", "-1", "1e3", "٠", "+", "#", "a b"]
NUMBERS = ["0", "1", "1234", "65534", str(2**31 - 1), str(2**31), "4294967295", "9" * 25, "", "x"]
FIELDS = st.one_of(
    st.sampled_from([*NAMES, *NUMBERS, "/", "/home/bob", "bob,root", ",", "\r", "\0"]),
    st.text(max_size=6),
)
LINES = st.lists(FIELDS, max_size=8).map(":".join)
TABLES = st.one_of(
    st.lists(LINES, max_size=6).map(lambda lines: "\n".join(lines).encode("utf-8", "replace")),
    st.binary(max_size=80),
)
USERS = st.one_of(
    st.text(max_size=8), st.tuples(FIELDS, FIELDS).map(":".join), st.sampled_from(NAMES)
)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("users")
    (found / "etc").mkdir()
    return found


@pytest.fixture(scope="module")
def root(tree: Path) -> Iterator[Root]:
    with Root(tree) as found:
        yield found


@seed(SEED)
@settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None
)
@given(TABLES, TABLES, USERS, st.lists(USERS, max_size=2))
@no_hang()
def test_any_tables_and_users(
    tree: Path, root: Root, passwd: bytes, group: bytes, user: str, more: list[str]
) -> None:
    (tree / "etc/passwd").write_bytes(passwd)
    (tree / "etc/group").write_bytes(group)
    try:
        found = users.resolve(root, user, more)
    except SystemFailure as error:
        assert error.message
        return
    numbers = (found.uid, found.gid, *found.groups)
    assert all(0 <= number <= users.MAXIMUM_ID for number in numbers)
    name = user.partition(":")[0]
    if found.uid == 0 and name:  # only a plain zero or a line of that name becomes root
        assert name.strip("0") == "" or name.encode("utf-8", "replace") in passwd
    assert users.highest_id(root) <= users.MAXIMUM_ID


def test_the_check_would_see_a_name_taken_for_root(tree: Path, root: Root) -> None:
    (tree / "etc/passwd").write_bytes(b"")
    with pytest.raises(SystemFailure):
        users.resolve(root, "0x0")
    assert int("0x0", 0) == 0  # what a laxer reader makes of it
