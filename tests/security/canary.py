"""A host tree that nothing may touch, and a proof that nothing did."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

Snapshot = list[tuple[object, ...]]


class Canary:
    def __init__(self, base: Path) -> None:
        self.base = base
        base.mkdir(parents=True)
        self.token = os.urandom(8).hex()  # in no name: who shows it has read the file
        (base / "secret").write_text(f"canary {self.token}")
        (base / "dir").mkdir()
        (base / "dir" / "inner").write_text("inner")
        (base / "setuid").write_text("x")
        (base / "setuid").chmod(0o4755)
        os.mkfifo(base / "fifo")
        os.setxattr(base / "secret", "user.mark", b"1")
        self.before = self.snapshot()

    def snapshot(self) -> Snapshot:
        out: Snapshot = []
        for path in sorted([self.base, *self.base.rglob("*")]):
            s = path.lstat()
            content = ""
            if stat.S_ISREG(s.st_mode):
                content = hashlib.sha256(path.read_bytes()).hexdigest()
            attributes = {
                n: os.getxattr(path, n, follow_symlinks=False)
                for n in os.listxattr(path, follow_symlinks=False)
            }
            out.append(
                (str(path), s.st_mode, s.st_uid, s.st_gid, s.st_mtime_ns, s.st_size, s.st_nlink,
                 content, sorted(attributes.items()))
            )  # fmt: skip
        return out

    def intact(self) -> bool:
        return self.snapshot() == self.before
