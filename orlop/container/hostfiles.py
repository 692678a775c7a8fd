"""hostname, hosts and resolv.conf of a container: written beside its record, bind-mounted in.

resolv.conf carries a hash beside it: once a user edited the file, it is left alone.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

LONGEST = 1 << 20  # bytes; the container may write these files as long as it likes


def write(path: Path, data: bytes, mode: int = 0o644) -> None:
    """In place: derived data, written anew at every start, so neither atomic nor synced."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    try:
        os.fchmod(fd, mode)
        os.write(fd, data)
    finally:
        os.close(fd)


def write_hostname(directory: Path, hostname: str) -> Path:
    path = directory / "hostname"
    write(path, f"{hostname}\n".encode())
    return path


def write_hosts(directory: Path, data: bytes) -> Path:
    path = directory / "hosts"
    write(path, data)
    return path


def write_resolv_conf(directory: Path, data: bytes) -> Path:
    """Unless the file differs from what we wrote last (its hash says so)."""
    path, hash_path = directory / "resolv.conf", directory / "resolv.conf.hash"
    try:
        with path.open("rb") as file:
            present, noted = file.read(LONGEST + 1), hash_path.read_text()
    except (OSError, UnicodeDecodeError):
        present, noted = b"", ""
    if noted and noted != digest(present):
        return path
    if present != data or not noted:
        write(path, data)
        write(hash_path, digest(data).encode())
    return path


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()
