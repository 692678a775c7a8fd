"""The daemon's end of the courier: job files, and a process that lives while there are any."""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from orlop import files
from orlop.errors import SystemFailure
from orlop.kernel.outliving import Outliving
from orlop.scribe.courier import syslog, wire

log = logging.getLogger(__name__)

Json = dict[str, Any]

PATIENCE = 3.0  # seconds for the last records of a container that is about to go, as Docker
_LOOK = 0.005
_LAUNCH = (
    "import sys; sys.path.insert(0, {root!r}); "
    "from orlop.scribe.courier.main import main; main({jobs!r}, {exec_root!r})"
)
_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
}


class Couriers:
    def __init__(self, data_root: Path, exec_root: Path) -> None:
        self._jobs = data_root / "orlop" / "courier"
        self._exec_root = exec_root
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def spool(self, id: str) -> Path:
        """Where records go that are kept nowhere else."""
        return self._exec_root / "spool" / id

    def position(self, id: str) -> Path:
        """How far it is (scribe/position.py)."""
        return self._jobs / f"{id}.pos"

    def begin(self, id: str, job: Json) -> None:
        """Send what the container writes from now on. Raises SystemFailure."""
        if not job["keep"]:
            self.spool(id).mkdir(mode=0o700, parents=True, exist_ok=True)
        self._write(id, {**job, "start": time.time_ns(), "ended": False})
        self._ensure()

    def end(self, id: str) -> None:
        """The container has ended: the job goes once all is sent."""
        job = self._read(id)
        if job is not None and not job.get("ended"):
            self._write(id, {**job, "ended": True})
            self._ensure()

    def finish(self, id: str, patience: float = PATIENCE) -> None:
        """`end`, and wait until all is sent, for so many seconds at most."""
        self.end(id)
        deadline = time.monotonic() + patience
        while self._path(id).exists() and time.monotonic() < deadline:
            time.sleep(_LOOK)

    def forget(self, id: str) -> None:
        """The container is removed."""
        for path in (self._path(id), self.position(id)):
            path.unlink(missing_ok=True)

    def resume(self, ids: set[str]) -> None:
        """At a start of the daemon: go on, except for containers that are not there."""
        with contextlib.suppress(FileNotFoundError):
            for name in os.listdir(self._jobs):
                if name.partition(".")[0] not in ids:
                    (self._jobs / name).unlink(missing_ok=True)
            if any(name.endswith(".json") for name in os.listdir(self._jobs)):
                self._ensure()

    def _path(self, id: str) -> Path:
        return self._jobs / f"{id}.json"

    def _read(self, id: str) -> Json | None:
        try:
            job: Json = json.loads(self._path(id).read_bytes())
        except (OSError, ValueError):
            return None
        return job

    def _write(self, id: str, job: Json) -> None:
        self._jobs.mkdir(mode=0o700, parents=True, exist_ok=True)
        jobs = os.open(self._jobs, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(jobs, fcntl.LOCK_EX)  # the courier is not removing it now
            files.write_atomic(self._path(id), json.dumps(job).encode(), durable=False)
        finally:
            os.close(jobs)

    def _ensure(self) -> None:
        """A courier lives, or is started: it holds its lock as long as it looks for jobs."""
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                return
            lock = os.open(
                self._exec_root / "courier.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
            )
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            finally:
                os.close(lock)
            self._start()

    def _start(self) -> None:
        code = _LAUNCH.format(
            root=str(Path(__file__).parents[2]),
            jobs=str(self._jobs),
            exec_root=str(self._exec_root),
        )
        python = os.path.realpath(sys.executable or "/usr/bin/python3")
        with open(self._exec_root / "courier.log", "ab") as errors:
            try:
                self._process = Outliving(
                    [python, "-I", "-S", "-c", code],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=errors,
                    cwd="/",
                    env=_ENVIRONMENT,
                    start_new_session=True,
                    umask=0o077,
                )
            except OSError as error:
                raise SystemFailure(f"the courier does not start: {error.strerror}") from None


def probe(job: Json) -> None:
    """Whether the other end answers, where dockerd asks that too. Raises SystemFailure."""
    endpoint = job["endpoint"]
    scheme, address = endpoint.get("scheme", ""), endpoint.get("address", "")
    if job["driver"] == "journald" or endpoint.get("async"):
        return
    prefix = f"gelf: cannot connect to GELF endpoint: {address} " if job["driver"] == "gelf" else ""
    tls = endpoint.get("tls") or {}
    _check_files(tls)
    try:
        if job["driver"] == "syslog" and not scheme:
            syslog.local()[0].close()
        elif scheme in ("udp", "unixgram"):
            wire.connect_datagrams(scheme, address).close()
        else:
            wire.connect_stream(scheme, address, tls).close()
    except OSError as error:
        raise SystemFailure(prefix + _words(scheme, address, error)) from None


def _check_files(tls: Json) -> None:
    ca = tls.get("ca")
    if ca and not os.path.exists(ca):
        raise SystemFailure(
            f'could not read CA certificate "{ca}": open {ca}: no such file or directory'
        )
    for key in ("cert", "key"):
        path = tls.get(key)
        if path and not os.path.exists(path):
            raise SystemFailure(
                f"could not load X509 key pair: open {path}: no such file or directory"
            )


def _words(scheme: str, address: str, error: OSError) -> str:
    """As Go's net and tls packages put it."""
    reason = (error.strerror or str(error)).lower()
    kind = {"tcp+tls": "tcp", "tls": "tcp"}.get(scheme, scheme)
    if not scheme:
        return str(error)
    if isinstance(error, socket.gaierror):
        return f"dial {kind}: lookup {address.rpartition(':')[0]}: no such host"
    if type(error).__name__ == "SSLCertVerificationError":
        return (
            "tls: failed to verify certificate: x509: certificate signed by unknown authority"
            if "self" in reason or "issuer" in reason
            else f"tls: failed to verify certificate: x509: {reason}"
        )
    if isinstance(error, TimeoutError):
        reason = "i/o timeout"
    return f"dial {kind} {address}: connect: {reason}"
