"""`orlop bootstrap busybox`: a first image with no registry at all.

The binary is the distribution's static busybox, installed or fetched by apt. The same binary gives
the same image: names sorted, times those of the binary.
"""

from __future__ import annotations

import os
import re
import struct
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from orlop.errors import SystemFailure
from orlop.image import apt, ar, progress, times
from orlop.image.create import child_document
from orlop.image.images import Images
from orlop.image.model import chains_of
from orlop.image.notify import notify
from orlop.image.staging import Stack, reader, stage_file
from orlop.image.stream import Emit, stream
from orlop.image.tag import set_name
from orlop.oci.reference import parse_normalized
from orlop.storage import compression, tar
from orlop.storage.pack import DIRECTORY, END, SYMLINK, Header, padding

_PLACES = ("/bin/busybox", "/usr/bin/busybox", "/usr/local/bin/busybox", "/sbin/busybox")
_APPLET = re.compile(r"[A-Za-z0-9_.\[\]+-]{1,64}", re.ASCII)
_PT_INTERP = 3
_MAX = 32 << 20
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_FOLDERS = {
    "bin": 0o755, "dev": 0o755, "etc": 0o755, "home": 0o755, "proc": 0o555, "root": 0o700,
    "sys": 0o555, "tmp": 0o1777, "usr": 0o755, "usr/bin": 0o755, "usr/sbin": 0o755, "var": 0o755,
    "var/spool": 0o755, "var/spool/mail": 0o755, "var/www": 0o755,
}  # fmt: skip
_PASSWD = """\
root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
bin:x:2:2:bin:/bin:/bin/false
sys:x:3:3:sys:/dev:/bin/false
sync:x:4:100:sync:/bin:/bin/sync
mail:x:8:8:mail:/var/spool/mail:/bin/false
www-data:x:33:33:www-data:/var/www:/bin/false
operator:x:37:37:Operator:/var:/bin/false
nobody:x:65534:65534:nobody:/home:/bin/false
"""
_GROUP = """\
root:x:0:
daemon:x:1:
bin:x:2:
sys:x:3:
adm:x:4:
tty:x:5:
disk:x:6:
lp:x:7:
mail:x:8:
kmem:x:9:
wheel:x:10:root
cdrom:x:11:
dialout:x:18:
floppy:x:19:
video:x:28:
audio:x:29:
tape:x:32:
www-data:x:33:
operator:x:37:
utmp:x:43:
plugdev:x:46:
staff:x:50:
lock:x:54:
netdev:x:82:
users:x:100:
nogroup:x:65534:
"""
_FILES = {
    "etc/group": _GROUP,
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    "etc/passwd": _PASSWD,
}


def bootstrap_busybox(images: Images) -> Iterator[dict[str, Any]]:
    """Messages; the last is `{"stream": "Loaded image: busybox:latest\\n"}`."""
    return stream(lambda emit, cancel: _make(images, emit, cancel), "bootstrap")


def _make(images: Images, emit: Emit, cancel: threading.Event) -> None:
    with tempfile.TemporaryDirectory(dir=images.scratch) as folder:
        found = _installed()
        if found is None:
            emit(progress.message("Downloading busybox-static from the distribution's mirror"))
            found = _from_package(apt.download("busybox-static", Path(folder)), Path(folder))
        path, where = found
        emit(progress.message(f"Using {where}"))
        binary = path.read_bytes()
        mtime = int(path.stat().st_mtime)
        applets = _applets(path)
    archive = _rootfs(binary, applets, mtime)
    created = times.rfc3339nano(mtime * 10**9)
    config = {"Env": [_PATH], "Cmd": ["sh"]}
    with Stack(images, None) as stack:
        staged = stage_file(images.layers, reader(archive), None, 0)
        stack.put(0, staged)
        with images.holding(chains_of([staged.diff_id])):
            stack.commit([staged.diff_id])
            raw = child_document(
                None, config, staged.diff_id, created=created, created_by="orlop bootstrap busybox"
            )
            image = images.add(raw)
            set_name(images, parse_normalized("busybox:latest"), image)
    notify(images, "import", image, image.id, image.id)
    emit({"stream": "Loaded image: busybox:latest\n"})


def _installed() -> tuple[Path, str] | None:
    for place in _PLACES:
        path = Path(place)
        try:
            with path.open("rb") as file:
                if is_static(file.read(1 << 16)):
                    return path, place
        except OSError:
            continue
    return None


def is_static(head: bytes) -> bool:
    """A 64-bit little-endian ELF program that asks for no interpreter."""
    if head[:6] != b"\x7fELF\x02\x01" or len(head) < 64:
        return False
    offset, size, count = *struct.unpack_from("<Q", head, 32), *struct.unpack_from("<HH", head, 54)
    if not count or size < 56 or offset + size * count > len(head):
        return False
    kinds = [struct.unpack_from("<I", head, offset + i * size)[0] for i in range(count)]
    return _PT_INTERP not in kinds


def _from_package(package: Path, folder: Path) -> tuple[Path, str]:
    with package.open("rb") as file:
        reader_ = tar.TarReader(compression.decompressed(ar.member(file, "data.tar")))
        while (entry := reader_.next()) is not None:
            if entry.name.rpartition(b"/")[2] == b"busybox" and entry.type in (tar.FILE, b"\0"):
                if entry.size > _MAX:
                    break
                target = folder / "busybox"
                target.write_bytes(b"".join(reader_.data()))
                target.chmod(0o700)
                os.utime(target, ns=(entry.mtime_ns, entry.mtime_ns))
                return target, package.name
    raise SystemFailure(f"no busybox in {package.name}")


def _applets(path: Path) -> list[str]:
    try:
        done = subprocess.run(
            [path, "--list"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env={},
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise SystemFailure(f"{path} --list failed: {error}") from None
    return sorted({a for a in done.stdout.split() if _APPLET.fullmatch(a)} - {"busybox", ".", ".."})


def _rootfs(binary: bytes, applets: list[str], mtime: int) -> Iterator[bytes]:
    """The layer as an archive, names sorted, parents first."""
    ns = mtime * 10**9
    entries: dict[str, bytes] = {}
    for name, mode in _FOLDERS.items():
        entries[name] = Header(
            name.encode() + b"/", mode=mode, mtime_ns=ns, type=DIRECTORY
        ).encode()
    for name, text in _FILES.items():
        entries[name] = _file(name, text.encode(), 0o644, ns)
    for applet in applets:
        entries[f"bin/{applet}"] = Header(
            f"bin/{applet}".encode(), mode=0o777, mtime_ns=ns, type=SYMLINK, link=b"busybox"
        ).encode()
    entries["usr/bin/env"] = Header(
        b"usr/bin/env", mode=0o777, mtime_ns=ns, type=SYMLINK, link=b"../../bin/env"
    ).encode()
    entries["bin/busybox"] = _file("bin/busybox", binary, 0o755, ns)
    for name in sorted(entries):
        yield entries[name]
    yield END


def _file(name: str, data: bytes, mode: int, mtime_ns: int) -> bytes:
    header = Header(name.encode(), mode=mode, size=len(data), mtime_ns=mtime_ns)
    return header.encode() + data + padding(len(data))
