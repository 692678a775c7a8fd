"""Unpack archives in a worker process: one per layer, so that layers use all cores.

The daemon opens every file the worker needs; the worker sees the tree it fills and nothing else.
"""

from __future__ import annotations

import binascii
import errno
import fcntl
import marshal
import os
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import orlop
from orlop import errors
from orlop.errors import InvalidArgument, OrlopError, SystemFailure
from orlop.oci.digest import DiffID

_PACKAGE = str(Path(orlop.__file__).parent.parent)
_WORKER = str(Path(__file__).parent / "worker.py")
_CHUNK = 1 << 20
# What an archive can provoke; the rest (a full disk, a broken one) is the host's failure.
_ARCHIVES_FAULT = frozenset(
    (
        errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENOENT,
        errno.EINVAL, errno.EPERM, errno.EXDEV, errno.EMLINK, errno.EFBIG, errno.ERANGE,
        errno.E2BIG, errno.ENOTSUP, errno.EOVERFLOW, errno.ENXIO,
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Unpacked:
    diff_id: DiffID
    size: int  # bytes of files and link texts


def unpack_layer(
    blob: BinaryIO, tree: Path, split: Path | None, *, opaque: str = "trusted.overlay.opaque"
) -> Unpacked:
    """Fill the empty directory `tree` from a layer blob, compressed or not.

    `split`: where to write tar-split.json.gz. Raises InvalidArgument for a bad archive.
    """
    root_fd = os.open(tree, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    split_fd = -1
    try:
        if split is not None:
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
            split_fd = os.open(split, flags, 0o644)
            os.fchmod(split_fd, 0o644)
        answer = _work(blob, root_fd=root_fd, base="", layer=True, split_fd=split_fd, opaque=opaque)
    finally:
        os.close(root_fd)
        if split_fd >= 0:
            os.close(split_fd)
    return Unpacked(DiffID(answer["diff_id"]), answer["size"])


def unpack(
    archive: BinaryIO,
    *,
    root_fd: int,
    base: str,
    keep_directories: bool = False,
    owner: tuple[int, int] | None = None,
    namespace: int = -1,
) -> None:
    """Unpack below directory `base` of the tree `root_fd`, as `docker cp` does.

    `namespace`: of the user whose IDs the archive means, by descriptor; -1 means the host's.
    """
    _work(
        archive,
        root_fd=root_fd,
        base=base.strip("/"),
        layer=False,
        split_fd=-1,
        keep=keep_directories,
        owner=owner,
        namespace=namespace,
    )


def _work(source: BinaryIO, **request: Any) -> dict[str, Any]:
    """Run one worker with `source` as its input."""
    request = {
        "opaque": "",
        "owner": None,
        "keep": False,
        "namespace": -1,
        "parent": os.getpid(),
        "package": _PACKAGE,
        "site": [p for p in sys.path if p.endswith("-packages")]
        or [sysconfig.get_paths()["purelib"]],
        **request,
    }
    fds = [request[k] for k in ("root_fd", "split_fd", "namespace") if request[k] >= 0]
    stdin: Any = subprocess.PIPE
    try:
        stdin = source.fileno()
    except (AttributeError, OSError):
        pass
    worker = subprocess.Popen(
        [sys.executable, "-I", "-S", _WORKER, binascii.b2a_base64(marshal.dumps(request))],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=fds,
        cwd="/",
        env={},
    )
    with worker:
        try:
            if stdin is subprocess.PIPE:
                _feed(source, worker)
            assert worker.stdout
            assert worker.stderr
            out, err = worker.stdout.read(), worker.stderr.read()
        except BaseException:
            worker.kill()
            raise
    return _answer(out, err, worker.returncode, bool(request["layer"]))


def _feed(source: BinaryIO, worker: subprocess.Popen[bytes]) -> None:
    assert worker.stdin
    # What is there goes on as it comes; joining pieces costs as much as writing them.
    read = getattr(source, "read1", source.read)
    try:
        fcntl.fcntl(worker.stdin, fcntl.F_SETPIPE_SZ, _CHUNK)
    except OSError:
        pass  # the user's share of pipe memory is used up
    try:
        while chunk := read(_CHUNK):
            worker.stdin.write(chunk)
        worker.stdin.close()
    except BrokenPipeError:
        pass  # it stopped reading: its answer says why
    finally:
        try:
            worker.stdin.close()
        except BrokenPipeError:
            pass


def _answer(out: bytes, err: bytes, code: int, layer: bool) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = marshal.loads(out)
    except (EOFError, ValueError, TypeError):
        last = err.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise SystemFailure(f"unpacking failed (exit status {code}): {last}") from None
    if "error" not in answer:
        return answer
    kind, text = answer["kind"], answer["error"]
    if kind == "OSError":
        text = f"{answer['name']}: {text[:1].lower()}{text[1:]}".removeprefix(": ")
        if layer:
            text = f"failed to register layer: {text}"
        if answer["errno"] in _ARCHIVES_FAULT:
            raise InvalidArgument(text)
        raise SystemFailure(text)
    found = getattr(errors, kind, None)
    if isinstance(found, type) and issubclass(found, OrlopError):
        raise found(text)
    raise InvalidArgument(text)
