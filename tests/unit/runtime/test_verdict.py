"""What the default profile answers to a system call, number by number, in the three ABIs."""

from __future__ import annotations

import json

import pytest

from orlop.errors import InvalidArgument
from orlop.kernel import libseccomp
from orlop.kernel.libc import MACHINE
from orlop.runtime import seccomp, seccompstub, verdict
from orlop.runtime.verdict import ALLOW, ERRNO

pytestmark = pytest.mark.skipif(MACHINE != "x86_64", reason="the tables are of x86-64")

X64, I386 = 0xC000003E, 0x40000003
X32 = seccompstub.X32_BIT
EPERM, ENOSYS = ERRNO | 1, ERRNO | 38
CAPS = frozenset(
    "CAP_CHOWN CAP_DAC_OVERRIDE CAP_FSETID CAP_FOWNER CAP_MKNOD CAP_NET_RAW CAP_SETGID CAP_SETUID "
    "CAP_SETFCAP CAP_SETPCAP CAP_NET_BIND_SERVICE CAP_SYS_CHROOT CAP_KILL CAP_AUDIT_WRITE".split()
)


@pytest.fixture(scope="module")
def default() -> bytes:
    return seccomp.compile_document(json.loads(seccomp.default_profile()), CAPS)


@pytest.mark.parametrize(
    ("arch", "number", "answer"),
    [
        (X64, 0, ALLOW),  # read
        (X64, 39, ALLOW),  # getpid
        (X64, 165, EPERM),  # mount
        (X64, 101, ALLOW),  # ptrace, since kernel 4.8
        (X64, 155, EPERM),  # pivot_root: known, not allowed
        (X64, 175, EPERM),  # init_module
        (X64, 248, EPERM),  # add_key
        (X64, 304, EPERM),  # open_by_handle_at
        (X64, 321, EPERM),  # bpf
        (X64, 323, EPERM),  # userfaultfd
        (X64, 425, EPERM),  # io_uring_setup
        (X64, 435, ENOSYS),  # clone3: the profile's own rule
        (X64, 462, ALLOW),  # mseal: allowed by name, newer than the library
        (X64, 600, ENOSYS),  # nobody knows it
        (X64, 1023, ENOSYS),
        (I386, 3, ALLOW),  # read
        (I386, 20, ALLOW),  # getpid
        (I386, 21, EPERM),  # mount
        (I386, 217, EPERM),  # pivot_root
        (I386, 1023, ENOSYS),
        (X64, X32 | 0, ALLOW),
        (X64, X32 | 39, ALLOW),
        (X64, X32 | 165, EPERM),
        (X64, X32 | 1023, ENOSYS),
    ],
)
def test_default_profile(default: bytes, arch: int, number: int, answer: int) -> None:
    assert verdict.verdict(default, arch, number) == answer


@pytest.mark.parametrize("arch", [X64, I386])
def test_known_numbers_never_get_enosys(default: bytes, arch: int) -> None:
    """Up to the newest number of library and profile only the profile's own rules say ENOSYS."""
    newest = libseccomp.newest_known(arch)
    odd = [n for n in range(newest) if verdict.verdict(default, arch, n) == ENOSYS]
    assert odd == [435]


def test_foreign_architecture_is_killed_or_refused(default: bytes) -> None:
    assert verdict.verdict(default, 0xC00000B7, 0) != ALLOW  # aarch64 on x86-64


def test_sockets_of_the_kernels_crypto_and_of_the_hypervisor(default: bytes) -> None:
    assert verdict.verdict(default, X64, 41, (2, 1, 0)) == ALLOW
    for family in (38, 40):  # AF_ALG, AF_VSOCK
        assert verdict.verdict(default, X64, 41, (family, 1, 0)) == EPERM


def test_namespaces_cannot_be_made(default: bytes) -> None:
    assert verdict.verdict(default, X64, 56, (0x11,)) == ALLOW  # a plain fork
    assert verdict.verdict(default, X64, 56, (0x10000000,)) == EPERM  # CLONE_NEWUSER
    assert verdict.verdict(default, X64, 272, (0x10000000,)) == EPERM  # unshare


def test_more_capabilities_open_more_calls(default: bytes) -> None:
    document = json.loads(seccomp.default_profile())
    admin = seccomp.compile_document(document, CAPS | {"CAP_SYS_ADMIN"})
    assert verdict.verdict(admin, X64, 165) == ALLOW
    assert verdict.verdict(default, X64, 165) == EPERM


def test_exec_may_restrict_first_under_the_default_profile(default: bytes) -> None:
    assert verdict.lets_fork(default)


@pytest.mark.parametrize("name", ["clone", "sendmsg", "exit_group"])
def test_exec_may_not_when_what_it_needs_is_forbidden(name: str) -> None:
    profile = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [{"names": [name], "action": "SCMP_ACT_ERRNO"}],
    }
    assert not verdict.lets_fork(seccomp.compile_document(profile, frozenset()))


def test_an_allowing_default_has_no_stub() -> None:
    profile = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": []}
    program = seccomp.compile_document(profile, frozenset())
    assert verdict.verdict(program, X64, 1023) == ALLOW


def test_argument_named_twice_is_either_or() -> None:
    condition = {"index": 0, "op": "SCMP_CMP_EQ"}
    rule = {
        "names": ["personality"],
        "action": "SCMP_ACT_ALLOW",
        "args": [{**condition, "value": 0}, {**condition, "value": 8}],
    }
    profile = {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [rule]}
    program = seccomp.compile_document(profile, frozenset())
    answers = [verdict.verdict(program, X64, 135, (value,)) for value in (0, 8, 9)]
    assert answers == [ALLOW, ALLOW, EPERM]


def test_unknown_action_is_named() -> None:
    with pytest.raises(InvalidArgument, match="SCMP_ACT_DANCE"):
        seccomp.compile_document({"defaultAction": "SCMP_ACT_DANCE"}, frozenset())


def test_program_that_does_not_end_is_refused() -> None:
    with pytest.raises(ValueError, match="does not return"):
        verdict.verdict(b"\x20\x00\x00\x00\x00\x00\x00\x00", X64, 0)


def test_numbers_of_the_stub_are_the_kernels() -> None:
    assert seccompstub.number_on(X64, "mseal") == 462
    assert seccompstub.number_on(X64, "uretprobe") == 335
    assert seccompstub.number_on(I386, "uretprobe") < 0
    assert seccompstub.number_on(X64, "no_such_call") < 0
    assert seccompstub.number_on(libseccomp.ARCHES["SCMP_ARCH_X32"], "read") == 0


def test_hardened_profile_has_no_sockets_by_another_name(default: bytes) -> None:
    hardened = seccomp.compile_document(json.loads(seccomp.hardened_profile()), CAPS)
    assert verdict.verdict(default, I386, 102) == ALLOW
    assert verdict.verdict(hardened, I386, 102) == EPERM
    for arch, number in ((X64, 0), (X64, 41), (I386, 3), (I386, 359), (X64, 165)):
        assert verdict.verdict(hardened, arch, number) == verdict.verdict(default, arch, number)
