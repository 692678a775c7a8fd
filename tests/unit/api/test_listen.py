from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from orlop.api.listen import open_listeners
from orlop.api.server import Listener
from orlop.errors import InvalidArgument, SystemFailure


def listen(host: str, path: Path, **options: object) -> Listener:
    (found,) = open_listeners(host, default_socket=path, group="", **options)  # type: ignore[arg-type]
    return found


def test_unix_socket_is_private_and_goes_with_the_daemon(tmp_path: Path) -> None:
    path = tmp_path / "sub" / "orlop.sock"
    listener = listen("unix://", path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o711
    assert listener.remove
    listener.sock.close()
    listener.remove()
    assert not path.exists()


@pytest.mark.root
def test_unix_socket_belongs_to_its_group_from_the_start(tmp_path: Path) -> None:
    path = tmp_path / "s"
    (listener,) = open_listeners("unix://", default_socket=path, group="4321")
    status = path.stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (0, 4321, 0o660)
    other = tmp_path / "other"
    other.touch()
    assert other.stat().st_gid == os.getgid()
    listener.sock.close()


def test_a_socket_narrowed_after_its_birth_is_open_meanwhile(tmp_path: Path) -> None:
    """What the mask before bind(2) is for."""
    old = os.umask(0)
    try:
        with socket.socket(socket.AF_UNIX) as naive:
            naive.bind(str(tmp_path / "n"))
            assert stat.S_IMODE((tmp_path / "n").stat().st_mode) == 0o777
            listener = listen("unix://", tmp_path / "s")
            assert stat.S_IMODE((tmp_path / "s").stat().st_mode) == 0o600
            listener.sock.close()
    finally:
        os.umask(old)


def test_a_stale_socket_is_replaced_and_a_live_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "s"
    first = listen("unix://", path)
    with pytest.raises(SystemFailure, match="bind: address already in use"):
        listen("unix://", path)
    first.sock.close()
    second = listen("unix://", path)
    assert first.remove
    first.remove()  # the place is another's now
    assert path.exists()
    second.sock.close()


@pytest.mark.parametrize("kind", ["file", "directory", "link"])
def test_what_is_no_socket_stays(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "s"
    if kind == "file":
        path.write_text("precious")
    elif kind == "directory":
        path.mkdir()
    else:
        path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SystemFailure, match="not a socket"):
        listen("unix://", path)
    assert path.is_symlink() or path.exists()


def test_tcp_without_tls_stays_on_loopback(tmp_path: Path) -> None:
    for address in ("tcp://0.0.0.0:0", "0.0.0.0:0", "tcp://[::]:0"):
        with pytest.raises(InvalidArgument, match="without TLS"):
            listen(address, tmp_path / "s")
    listener = listen("tcp://127.0.0.1:0", tmp_path / "s")
    assert not listener.local
    assert listener.address.startswith("127.0.0.1:")
    listener.sock.close()
    listen("tcp://0.0.0.0:0", tmp_path / "s", allow_plain=True).sock.close()


def test_taken_port_and_bad_addresses(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(SystemFailure, match=f"listen tcp 127.0.0.1:{port}: bind: address"):
            listen(f"tcp://127.0.0.1:{port}", tmp_path / "s")
    for bad in ("tcp://127.0.0.1:x", "tcp://127.0.0.1:99999", "npipe://x", "tcp://127.0.0.1:٣"):
        with pytest.raises(InvalidArgument):
            listen(bad, tmp_path / "s")


def test_fd_needs_socket_activation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LISTEN_FDS", raising=False)
    with pytest.raises(SystemFailure, match="no sockets found via socket activation"):
        listen("fd://", tmp_path / "s")
