"""What a process may do and how the kernel treats it: prctl, capabilities, keyrings, rlimits."""

from __future__ import annotations

import ctypes
import resource
import struct

from orlop.kernel import libc

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_KEEPCAPS = 8
_PR_SET_NAME = 15
_PR_CAPBSET_READ = 23
_PR_CAPBSET_DROP = 24
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_PR_CAP_AMBIENT_CLEAR_ALL = 4

_CAPABILITY_VERSION_3 = 0x20080522
_KEYCTL_JOIN_SESSION_KEYRING = 1
_KEYCTL_SETPERM = 5
_KEYCTL_DESCRIBE = 6
_IOPRIO_WHO_PROCESS = 1
_LAST_FD = 0xFFFFFFFF


def _prctl(option: int, a: int = 0, b: int = 0) -> int:
    long = ctypes.c_ulong
    return libc.finish(libc.LIBC.prctl(option, long(a), long(b), long(0), long(0)))


def set_subreaper() -> None:
    """Orphans below us become our children, not those of PID 1."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def set_dumpable(on: bool) -> None:
    """Off: ptrace, /proc/PID/{mem,fd,exe,…} of us need CAP_SYS_PTRACE over our user namespace."""
    _prctl(_PR_SET_DUMPABLE, int(on))


def set_no_new_privs() -> None:
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def set_parent_death_signal(signo: int) -> None:
    _prctl(_PR_SET_PDEATHSIG, signo)


def set_keepcaps(on: bool) -> None:
    """Whether permitted capabilities survive a change from uid 0 (cleared by execve)."""
    _prctl(_PR_SET_KEEPCAPS, int(on))


def set_name(name: str) -> None:
    """The name ps shows (15 bytes)."""
    buffer = ctypes.create_string_buffer(name.encode()[:15])
    _prctl(_PR_SET_NAME, ctypes.addressof(buffer))


def capabilities() -> tuple[int, int, int]:
    """(effective, permitted, inheritable) of this thread, as bit masks."""
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    data = ctypes.create_string_buffer(24)
    libc.call("capget", header, data)
    low = struct.unpack_from("=3I", data, 0)
    high = struct.unpack_from("=3I", data, 12)
    effective, permitted, inheritable = (a | b << 32 for a, b in zip(low, high))
    return effective, permitted, inheritable


def set_capabilities(effective: int, permitted: int, inheritable: int) -> None:
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    sets = (effective, permitted, inheritable)
    data = struct.pack("=6I", *(s & 0xFFFFFFFF for s in sets), *(s >> 32 for s in sets))
    libc.call("capset", header, data)


def bounding_set() -> int:
    """The bounding set; also tells which capabilities this kernel knows."""
    mask = 0
    for number in range(64):
        try:
            mask |= _prctl(_PR_CAPBSET_READ, number) << number
        except OSError:
            break
    return mask


def limit_bounding_set(keep: int) -> None:
    """Drop every capability outside `keep` from the bounding set (needs CAP_SETPCAP)."""
    for number in range(64):
        if keep >> number & 1:
            continue
        try:
            present = _prctl(_PR_CAPBSET_READ, number)
        except OSError:
            break  # past the last capability of this kernel
        if present:
            _prctl(_PR_CAPBSET_DROP, number)


def set_ambient(mask: int) -> int:
    """Make `mask` the ambient set; returns the bits the kernel refused."""
    _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    refused = 0
    for number in range(64):
        if mask >> number & 1:
            try:
                _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, number)
            except OSError:
                refused |= 1 << number
    return refused


def join_session_keyring(name: str) -> int:
    """Join or make the session keyring `name`; its id. Keyrings are not namespaced."""
    return libc.call("keyctl", _KEYCTL_JOIN_SESSION_KEYRING, name.encode(), path=name)


def allow_keyring_search(keyring: int) -> None:
    """Let root of the container's user namespace search and link its keyring (UID search bit)."""
    buffer = ctypes.create_string_buffer(1024)
    libc.call("keyctl", _KEYCTL_DESCRIBE, keyring, buffer, len(buffer))
    permissions = int(buffer.value.split(b";")[3], 16)
    libc.call("keyctl", _KEYCTL_SETPERM, keyring, permissions | 0x00080000)


def set_personality(persona: int) -> None:
    libc.call("personality", persona)


def set_io_priority(priority: int) -> None:
    libc.call("ioprio_set", _IOPRIO_WHO_PROCESS, 0, priority)


def set_scheduler(
    policy: int, flags: int, nice: int, priority: int, runtime: int, deadline: int, period: int
) -> None:
    """sched_setattr(2) on this thread; the last three in nanoseconds."""
    size = struct.calcsize("=IIQiIQQQ")
    numbers = (size, policy, flags, nice, priority, runtime, deadline, period)
    libc.call("sched_setattr", 0, struct.pack("=IIQiIQQQ", *numbers), 0, path="sched_setattr")


def set_memory_policy(mode: int, nodes: int) -> None:
    """set_mempolicy(2): `mode` with its flags, `nodes` as a bit mask."""
    words = max(1, (nodes.bit_length() + 63) // 64)
    mask = nodes.to_bytes(words * 8, "little") if nodes else None
    count = words * 64 + 1 if nodes else 0
    libc.call("set_mempolicy", mode, mask, count, path="set_mempolicy")


_UNLIMITED = (1 << 64) - 1


def set_rlimit(kind: int, soft: int, hard: int) -> str | None:
    """Set a limit; -1 is unlimited, as is the kernel's own number for it (2**64 - 1).

    A hard limit that we may not raise is clamped: the note says so.
    """
    soft, hard = soft & _UNLIMITED, hard & _UNLIMITED
    try:
        resource.setrlimit(kind, (_signed(soft), _signed(hard)))
        return None
    except ValueError as error:  # Python's form of EPERM and of soft > hard
        if soft > hard:
            raise OSError(22, "Invalid argument") from error
    ceiling = resource.getrlimit(kind)[1] & _UNLIMITED
    clamped = min(hard, ceiling)
    resource.setrlimit(kind, (_signed(min(soft, clamped)), _signed(clamped)))
    wanted = "unlimited" if hard == _UNLIMITED else hard
    return f"rlimit {kind}: hard limit {wanted} needs CAP_SYS_RESOURCE, kept at {clamped}"


def _signed(value: int) -> int:
    """As Python's resource module takes a limit."""
    return value - _UNLIMITED - 1 if value >> 63 else value


def reset_signals() -> None:
    """Every signal to its default action and unblocked: Python ignores SIGPIPE and SIGXFSZ."""
    for signo in range(1, 65):
        libc.LIBC.signal(signo, None)
    # glibc keeps these two to itself, but its posix_spawn (make's, say) leaves them ignored.
    default = bytes(32)
    for signo in (32, 33):
        libc.call("rt_sigaction", signo, default, 0, 8)
    empty = ctypes.create_string_buffer(128)
    libc.finish(libc.LIBC.sigprocmask(2, empty, None))


def close_fds_except(keep: list[int]) -> None:
    """Close every fd that is not in `keep`."""
    first = 0
    for fd in sorted(keep):
        if fd > first:
            libc.call("close_range", first, fd - 1, 0)
        first = fd + 1
    libc.call("close_range", first, _LAST_FD, 0)


def execveat(fd: int, argv: list[str], env: dict[str, str]) -> None:
    """Execute the file `fd` holds; returns only by raising OSError."""
    arguments = (ctypes.c_char_p * (len(argv) + 1))(*(a.encode() for a in argv), None)
    pairs = [f"{key}={value}".encode() for key, value in env.items()]
    environment = (ctypes.c_char_p * (len(pairs) + 1))(*pairs, None)
    libc.call("execveat", fd, b"", arguments, environment, 0x1000)
