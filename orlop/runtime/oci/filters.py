"""A config's seccomp section → BPF, from a cache where it was compiled before.

Compiling takes 45 ms and the libraries for it; a start with a known section needs neither.
"""

from __future__ import annotations

import os

from orlop.errors import InvalidArgument
from orlop.kernel import seccomp as kernel
from orlop.oci.jsonlite import dumps
from orlop.runtime.oci.store import default_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]

_FORMAT = 1
FLAGS = {
    "SECCOMP_FILTER_FLAG_TSYNC": 1,
    "SECCOMP_FILTER_FLAG_LOG": kernel.FLAG_LOG,
    "SECCOMP_FILTER_FLAG_SPEC_ALLOW": kernel.FLAG_SPEC_ALLOW,
    "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV": 32,
}
_TSYNC, _TSYNC_ESRCH = 1, 16
_LIBRARIES = (
    "/usr/lib/x86_64-linux-gnu/libseccomp.so.2",
    "/usr/lib/aarch64-linux-gnu/libseccomp.so.2",
    "/usr/lib64/libseccomp.so.2",
    "/usr/lib/libseccomp.so.2",
)


def program(section: Json | None) -> tuple[bytes | None, int]:
    """(BPF, filter flags); None without a section. Raises InvalidArgument, SystemFailure."""
    if not section:
        return None, 0
    flags = _flags(section)
    return _cached(section), flags


def _flags(section: Json) -> int:
    flags = 0
    for name in (
        section.get("flags") or () if "flags" in section else ("SECCOMP_FILTER_FLAG_SPEC_ALLOW",)
    ):
        if name not in FLAGS:
            raise InvalidArgument(f"config.json: linux.seccomp.flags: {name!r} is not supported")
        flags |= FLAGS[name]
    if section.get("listenerPath"):
        return flags | kernel.FLAG_NEW_LISTENER | (_TSYNC_ESRCH if flags & _TSYNC else 0)
    if any(rule["action"] == "SCMP_ACT_NOTIFY" for rule in section.get("syscalls") or ()):
        raise InvalidArgument("config.json: linux.seccomp: NOTIFY needs a listenerPath")
    return flags


def _cached(section: Json) -> bytes:
    directory = f"{default_root()}.seccomp"
    path = f"{directory}/{_key(section)}"
    found = _read(directory, path)
    if found is None:
        from orlop.runtime import seccomp

        found = seccomp.compile_document(section, frozenset())
        _write(directory, path, found)
    return found


def _key(section: Json) -> str:
    """Of all that the program depends on."""
    library = ""
    for name in _LIBRARIES:
        try:
            status = os.stat(name)
        except OSError:
            continue
        library = f"{name} {status.st_ino} {status.st_mtime_ns}"
        break
    release, machine = os.uname().release, os.uname().machine
    text = "\0".join((str(_FORMAT), dumps(section), library, release, machine))
    return _digest(text.encode())


def _digest(data: bytes) -> str:
    try:
        from _sha256 import sha256  # hashlib's import loads OpenSSL
    except ImportError:  # Python 3.12 and later
        try:
            from _sha2 import sha256
        except ImportError:
            from hashlib import sha256
    return str(sha256(data).hexdigest())


def _read(directory: str, path: str) -> bytes | None:
    """Only what we wrote ourselves, in a directory of ours, is believed."""
    try:
        own = os.lstat(directory)
        if own.st_uid != os.geteuid() or own.st_mode & 0o077:
            return None
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        data = os.read(fd, 1 << 20)
    finally:
        os.close(fd)
    return data if data and len(data) % 8 == 0 else None


def _write(directory: str, path: str, data: bytes) -> None:
    try:
        os.makedirs(directory, 0o700, exist_ok=True)
        temp = f"{path}.{os.getpid()}"
        fd = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        os.write(fd, data)
        os.close(fd)
        os.rename(temp, path)
    except OSError:
        pass  # the next start compiles it again
