"""The life of orlopd: settings, engine, sockets, signals, end."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import resource
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from orlop import files
from orlop.config import Config
from orlop.daemon import flags as flag_table
from orlop.daemon import logfmt, reload, rootless, settings
from orlop.daemon.flags import Flags
from orlop.daemon.notify import notify
from orlop.errors import OrlopError, SystemFailure

log = logging.getLogger("orlop.daemon")

# Bytes of address space per thread. Python 3.12 and 3.13 stop C recursion (a deep JSON document) at
# 10,000 levels wherever the stack ends; the others at 1,000, or before the end.
_STACK = 8 << 20 if (3, 12) <= sys.version_info < (3, 14) else 512 << 10
_SWITCH = 0.001  # seconds a busy thread keeps the others waiting
_USAGE = "Usage:  orlopd [OPTIONS]\n\nRun 'orlopd --help' for more information"
_GRACE = 10.0  # seconds for requests that run when the daemon is told to end


def _open_streams() -> None:
    """/dev/null for closed standard streams: else a lock or a database takes their numbers, and
    what a child or the interpreter prints goes there."""
    for fd in range(3):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number: this one
            os.set_inheritable(fd, True)
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115


def main(argv: list[str]) -> int:
    _open_streams()
    try:
        given = flag_table.parse(argv)
    except OrlopError as error:
        print(f"{error.message}\n\n{_USAGE}", file=sys.stderr)
        return 1
    if given.values.get("help"):
        print(flag_table.usage())
        return 0
    if given.values.get("version"):
        from orlop.api.release import ENGINE_VERSION

        ours, docker = ENGINE_VERSION.partition("+orlop")[::-2]
        print(f"Orlop version {ours}, API of Docker {docker}")
        return 0
    try:
        config = settings.load(given)
    except OrlopError as error:
        print(error.message, file=sys.stderr)
        return 1
    if given.values.get("validate"):
        print("configuration OK", file=sys.stderr)
        return 0
    if os.getuid() != 0:
        try:
            config = rootless.enter(config)
        except OrlopError as error:
            print(f"failed to start daemon: {error.message}", file=sys.stderr)
            return 1
    logfmt.set_up(config.log_level, debug=config.debug, form=config.log_format)
    try:
        _serve(config, given)
    except OrlopError as error:
        log.critical("failed to start daemon: %s", error.message)
        return 1
    except OSError as error:
        log.critical("failed to start daemon: %s", _plain(error, config))
        return 1
    return 0


def _plain(error: OSError, config: Config) -> str:
    if error.errno is None and "too long" in str(error):  # of an address, without saying which
        return f"the sockets below --exec-root {config.exec_root} would have too long a path"
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{(error.strerror or str(error)).lower()}"


def _serve(config: Config, given: Flags) -> None:
    _prepare_process()
    from orlop.api.application import Orlop
    from orlop.api.server import Server
    from orlop.daemon.sockets import open_all
    from orlop.engine import Engine

    log.info("Starting up")
    engine = Engine.open(config)
    try:
        server = Server(Orlop(engine))
        engine.end = lambda: os.kill(os.getpid(), signal.SIGTERM)
        with _pid_files(config), _signals() as signals:
            for listener in open_all(config):
                server.listen(listener)
                log.info("API listen on %s", listener.address)
            runner = threading.Thread(target=server.run, name="orlop-api-loop")
            runner.start()
            _settle()
            log.info("Daemon has completed initialization")
            notify("READY=1")
            config = _wait_for_the_end(engine, config, given, signals)
            notify("STOPPING=1")
            log.info("Processing signal 'terminated'")
            server.stop(min(_GRACE, config.shutdown_timeout))
            runner.join()
    finally:
        engine.close()
    log.info("Daemon shutdown complete")


def _wait_for_the_end(engine: object, config: Config, given: Flags, signals: SignalPipe) -> Config:
    while True:
        number = signals.next()
        if number != signal.SIGHUP:
            return config
        notify("RELOADING=1")
        config = reload.reload(engine, config, given)  # type: ignore[arg-type]
        notify("READY=1")


def _prepare_process() -> None:
    os.umask(0o022)
    threading.stack_size(_STACK)
    sys.setswitchinterval(_SWITCH)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    from orlop.kernel.malloc import few_arenas

    few_arenas()


def _settle() -> None:
    """What was made at start stays for ever: keep the collector from looking at it."""
    gc.collect()
    gc.freeze()
    from orlop.kernel.malloc import trim

    trim()


class SignalPipe:
    """Signals as numbers to wait for, on the main thread."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._write, False)
        self._old_wakeup = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)

    def next(self) -> int:
        return os.read(self._read, 1)[0]

    def close(self) -> None:
        signal.set_wakeup_fd(self._old_wakeup)
        os.close(self._read)
        os.close(self._write)


@contextlib.contextmanager
def _signals() -> Iterator[SignalPipe]:
    pipe = SignalPipe()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)  # the number goes through the wakeup descriptor
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    try:
        yield pipe
    finally:
        pipe.close()


@contextlib.contextmanager
def _pid_files(config: Config) -> Iterator[None]:
    """<exec-root>/orlopd.pid, and the one of --pidfile as dockerd checks it."""
    paths = [config.exec_root / "orlopd.pid"]
    if config.pidfile:
        named = Path(config.pidfile)
        _check_free(named)
        paths.append(named)
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_atomic(path, str(os.getpid()).encode(), mode=0o644, durable=False)
    try:
        yield
    finally:
        for path in paths:
            with contextlib.suppress(OSError):
                path.unlink()


def _check_free(path: Path) -> None:
    try:
        pid = int(path.read_text())
    except (OSError, ValueError):
        return
    if pid != os.getpid() and os.path.exists(f"/proc/{pid}"):
        raise SystemFailure(
            f"failed to start daemon, ensure docker is not running or delete {path}: "
            f"process with PID {pid} is still running"
        )
