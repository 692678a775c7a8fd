"""Arbitrary configs, mount words, users and ID strings: an answer, or a declared error.

A small seeded sample by default; ORLOP_FUZZ=full runs as many examples as ORLOP_FUZZ_EXAMPLES says.
"""

from __future__ import annotations

import copy
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from limits import EXAMPLES, SEED, no_hang

from orlop.errors import OrlopError
from orlop.runtime import mountoptions, sysctls
from orlop.runtime.cgroup.layout import Layout, relative_path
from orlop.runtime.oci import config, execute, options, signals, store
from orlop.runtime.oci.schema import CONFIG
from orlop.runtime.oci.spec import document
from orlop.runtime.plan import make_plan

fuzz = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None
)
cheap = settings(fuzz, max_examples=2 * EXAMPLES)
costly = settings(fuzz, max_examples=EXAMPLES // 2)


NUMBERS = st.one_of(
    st.integers(), st.sampled_from([-1, 0, 1, (1 << 31) - 1, 1 << 31, (1 << 63) - 1, 1 << 64])
)
LEAVES = st.one_of(st.none(), st.booleans(), NUMBERS, st.floats(), st.text(max_size=20))
WORDS = st.sampled_from(
    "bind rbind ro rro shared rslave idmap ridmap=1 size=5m noatime tmpcopyup defaults "
    "proc tmpfs cgroup / /proc /dev ../.. SCHED_FIFO MPOL_BIND 0-3 CAP_CHOWN user network "
    "SCMP_ACT_ALLOW RLIMIT_NOFILE net.ipv4.x a-b.slice:c:d".split()
)
JSON = st.recursive(
    st.one_of(LEAVES, WORDS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


def like(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a shape of the schema, and now and then something else."""
    if isinstance(kind, dict):
        if "*" in kind:
            right: Any = st.dictionaries(st.one_of(WORDS, st.text(max_size=9)), like(kind["*"]))
        else:
            fields = {name.rstrip("!"): like(inner) for name, inner in kind.items()}
            right = st.fixed_dictionaries({}, optional=fields)
    elif isinstance(kind, list):
        right = st.lists(like(kind[0]), max_size=3)
    elif kind == "s":
        right = st.one_of(WORDS, st.text(max_size=12))
    elif kind == "b":
        right = st.booleans()
    else:
        right = NUMBERS
    return st.one_of(right, right, right, JSON)


@pytest.fixture(scope="module")
def bundle() -> Any:
    with tempfile.TemporaryDirectory() as path:
        (Path(path) / "rootfs").mkdir()
        yield path


@seed(SEED)
@fuzz
@given(st.one_of(st.binary(max_size=200), JSON.map(lambda v: json.dumps(v).encode())))
@no_hang()
def test_any_bytes_as_config(bundle: str, data: bytes) -> None:
    try:
        config.container(data, bundle)
    except OrlopError as error:
        assert error.message


@seed(SEED)
@costly
@given(st.data())
def test_a_config_with_foreign_parts(bundle: str, data: Any) -> None:
    spec: dict[str, Any] = copy.deepcopy(document(False))
    name = data.draw(st.sampled_from(sorted(CONFIG)))
    value = data.draw(like(CONFIG[name]))
    plain = name.rstrip("!")
    if isinstance(value, dict) and isinstance(spec.get(plain), dict):
        spec[plain] = {**spec[plain], **value}
    else:
        spec[plain] = value
    layout = Layout({"memory": "/m", "cpu": "/c"}, "/u", ("pids",))
    raw = json.dumps(spec).encode()
    with no_hang():  # not the drawing
        try:
            plan = make_plan(config.container(raw, bundle), "fuzz", layout)
        except OrlopError as error:
            assert error.message
            return
    assert plan["steps"]


@seed(SEED)
@cheap
@given(st.lists(st.one_of(WORDS, st.text(max_size=12)), max_size=8))
@no_hang()
def test_mount_words(words: list[str]) -> None:
    found = mountoptions.parse(words)
    assert not found.set & found.clear & ~0x70 or found.clear & 0x70


@seed(SEED)
@cheap
@given(st.text(max_size=24))
@no_hang()
def test_user_strings_are_exact_numbers_or_refused(text: str) -> None:
    try:
        found = execute.user_of(text)
    except OrlopError:
        return
    assert text == ":".join(str(found[k]) for k in ("uid", "gid") if k in found) or (
        text.lstrip("0:") != text  # leading zeros are decimal
    )
    assert all(0 <= value < 1 << 32 for value in found.values())


@seed(SEED)
@cheap
@given(st.text(max_size=24))
@no_hang()
def test_names_that_become_paths(text: str) -> None:
    try:
        assert "/" not in store.check_id(text)
    except OrlopError:
        pass
    try:
        assert ".." not in relative_path(text, "id").split("/")
    except OrlopError:
        pass
    try:
        sysctls.check(text, "1", {"network": "", "ipc": "", "uts": "", "user": ""})
    except OrlopError:
        return
    path = sysctls.path(text)
    assert ".." not in path.split("/")
    assert path.split("/")[0] in ("net", "kernel", "fs", "user")


@seed(SEED)
@fuzz
@given(st.lists(st.one_of(st.text(max_size=8), st.sampled_from(
    "run create exec kill delete --root -b --bundle= -t -td -e -- - --all --preserve-fds 9".split()
)), max_size=8), st.text(max_size=8))  # fmt: skip
@no_hang()
def test_command_lines(words: list[str], signal: str) -> None:
    for call in (lambda: options.split(words), lambda: signals.number(signal)):
        try:
            call()
        except OrlopError as error:
            assert error.message
