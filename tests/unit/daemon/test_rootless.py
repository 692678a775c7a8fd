"""Without root: whose IDs, whose ports, and what is said where something is missing."""

from __future__ import annotations

import errno
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from orlop import subids
from orlop.config import Config
from orlop.daemon import doorkeeper, rootless
from orlop.errors import SystemFailure
from orlop.network.door import Door


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Path]:
    """A doorkeeper that answers three requests."""
    listener = doorkeeper._open(tmp_path / doorkeeper.SOCKET)

    def answer() -> None:
        for _ in range(3):
            client, _ = listener.accept()
            with client:
                doorkeeper._serve(client)

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    yield tmp_path
    listener.close()


def test_a_port_of_the_host_comes_through_the_door(runtime: Path) -> None:
    assert (runtime / doorkeeper.SOCKET).stat().st_mode & 0o777 == 0o600
    door = Door(runtime / doorkeeper.SOCKET)
    bound = door.bind("tcp", "127.0.0.1", 0)
    assert bound is not None
    with bound:
        port = bound.getsockname()[1]
        bound.listen()
        assert not bound.get_inheritable()
        with pytest.raises(OSError, match="in use") as busy:
            door.bind("tcp", "127.0.0.1", port)
        assert busy.value.errno == errno.EADDRINUSE
    with door.bind("udp", "127.0.0.1", port) or socket.socket() as datagrams:
        assert datagrams.type == socket.SOCK_DGRAM
        assert datagrams.getsockname()[1] == port


def test_nobody_at_the_door(tmp_path: Path) -> None:
    assert not doorkeeper.answers(tmp_path)
    with pytest.raises(OSError, match="does not answer; restart orlopd"):
        Door(tmp_path / doorkeeper.SOCKET).bind("tcp", "127.0.0.1", 0)


def test_refused_ports_say_which_are_allowed() -> None:
    said = doorkeeper._why(PermissionError(errno.EACCES, "Permission denied"))
    assert said.startswith("permission denied: users may bind ports from ")
    assert doorkeeper._why(OSError(errno.EADDRINUSE, "Address in use")) == "address in use"


def test_the_user_is_root_and_its_ids_follow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rootless.shutil, "which", lambda name: f"/usr/bin/{name}")
    for name in ("UIDS", "GIDS"):
        monkeypatch.setattr(subids, name, tmp_path / name)
    uid, gid = os.getuid(), os.getgid()
    (tmp_path / "UIDS").write_text(f"{uid}:1000:10\n{uid}:5000:5\n")
    with pytest.raises(SystemFailure, match="gives no IDs to .*usermod --add-subuids"):
        rootless.mappings()
    (tmp_path / "GIDS").write_text(f"{uid}:2000:7\n")
    users, groups = rootless.mappings()
    assert users == ((0, uid, 1), (1, 1000, 10), (11, 5000, 5))
    assert groups == ((0, gid, 1), (1, 2000, 7))
    monkeypatch.setattr(rootless.shutil, "which", lambda name: None)
    with pytest.raises(SystemFailure, match="needs newuidmap and newgidmap: install the package"):
        rootless.mappings()


def test_a_runtime_directory_is_needed(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemFailure, match="set XDG_RUNTIME_DIR"):
        rootless.enter(Config(exec_root=tmp_path / "file" / "orlop"))


def test_only_another_namespaces_process_is_a_holder(tmp_path: Path) -> None:
    (tmp_path / doorkeeper.PID).write_text(str(os.getpid()))
    assert rootless._holder(tmp_path) == 0
    (tmp_path / doorkeeper.PID).write_text("x")
    assert rootless._holder(tmp_path) == 0
