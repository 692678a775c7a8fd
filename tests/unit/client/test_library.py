"""The library on a daemon of a few lines: requests, errors, streams, threads."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import orlop
from orlop.client import transport
from orlop.client.container import Container
from orlop.client.contexts import Contexts
from orlop.client.library import Client
from orlop.client.networks import Network
from orlop.client.volumes import Volume

Answer = Callable[[str, bytes], tuple[int, bytes]]


class Daemon:
    """Answers each request by a function of its first line and body."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.seen: list[str] = []
        self.dialled = 0

    def dial(self) -> transport.Connection:
        ours, theirs = socket.socketpair()
        self.dialled += 1
        threading.Thread(target=self._serve, args=(theirs,), daemon=True).start()
        return transport.Connection(ours)

    def _serve(self, sock: socket.socket) -> None:
        with sock, sock.makefile("rb") as reader:
            while first := reader.readline().decode().strip():
                length = 0
                while line := reader.readline().strip():
                    name, _, value = line.partition(b":")
                    if name.lower() == b"content-length":
                        length = int(value)
                body = reader.read(length)
                self.seen.append(first.removesuffix(" HTTP/1.1"))
                status, data = self.answer(first, body)
                head = f"HTTP/1.1 {status} x\r\nContent-Length: {len(data)}\r\n\r\n"
                sock.sendall(head.encode() + data)


Make = Callable[[Answer], tuple[Client, Daemon]]


@pytest.fixture
def client() -> Iterator[Make]:
    made: list[Client] = []

    def make(answer: Answer) -> tuple[Client, Daemon]:
        daemon = Daemon(answer)
        made.append(Client(transport.Client("test", daemon.dial)))
        return made[-1], daemon

    yield make
    for one in made:
        one.close()


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, orlop.InvalidArgument), (401, orlop.Unauthorized), (403, orlop.Forbidden),
     (404, orlop.NotFound), (409, orlop.Conflict), (500, orlop.SystemFailure),
     (501, orlop.NotSupported), (503, orlop.Unavailable)],
)  # fmt: skip
def test_statuses_are_kinds(status: int, kind: type[Exception], client: Make) -> None:
    host, _ = client(lambda *_: (status, b'{"message":"no such thing"}'))
    with pytest.raises(kind, match="^no such thing$"):
        host.info()


def test_error_in_a_progress_stream(client: Make) -> None:
    host, _ = client(lambda *_: (200, b'{"status":"x"}\r\n{"error":"manifest unknown"}\r\n'))
    seen: list[object] = []
    with pytest.raises(orlop.NotFound, match="manifest unknown"):
        host.images.pull("x", progress=seen.append)
    assert seen == [{"status": "x"}]


def test_pull_asks_for_latest(client: Make) -> None:
    host, daemon = client(lambda *_: (200, b'{"Id":"sha256:1","Size":1}'))
    host.images.pull("reg:5000/x")
    assert daemon.seen[0] == "POST /v1.50/images/create?fromImage=reg%3A5000%2Fx%3Alatest"
    host.images.pull("x@sha256:00")
    assert daemon.seen[2].endswith("fromImage=x%40sha256%3A00")


def test_filters(client: Make) -> None:
    host, daemon = client(lambda *_: (200, b"[]"))
    host.containers.rows(all=True, filters={"label": ["a", "b"], "status": "exited", "x": True})
    path = daemon.seen[0].partition("filters=")[2]
    from urllib.parse import unquote

    assert json.loads(unquote(path)) == {"label": ["a", "b"], "status": ["exited"], "x": ["true"]}


def test_one_client_from_many_threads(client: Make) -> None:
    host, daemon = client(lambda first, _: (200, json.dumps({"at": first.split()[1]}).encode()))
    wrong: list[object] = []

    def ask(number: int) -> None:
        for turn in range(50):
            path = f"/x{number}-{turn}"
            if host.calls.call("GET", path) != {"at": f"/v1.50{path}"}:
                wrong.append(path)

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert daemon.dialled <= 8 * 2  # connections are used again


def test_import_is_cheap() -> None:
    """Less than 10 ms, and nothing of the engine; the names are all there."""
    code = (
        "import sys, time; t = time.perf_counter(); import orlop; "
        "print(time.perf_counter() - t, [m for m in sys.modules if m.startswith('orlop.')])"
    )
    best = 1.0
    for _ in range(5):
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        taken, _, modules = done.stdout.partition(" ")
        assert modules.strip() == "[]"
        best = min(best, float(taken))
        if best < 0.01:
            break
    assert best < 0.01


@pytest.mark.parametrize("name", orlop.__all__)
def test_every_name_is_there(name: str) -> None:
    assert getattr(orlop, name).__name__ == name


def test_another_name_is_not() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nosuch'"):
        _ = orlop.Nosuch


def test_nobody_answers(tmp_path: object) -> None:
    host = orlop.connect(f"unix://{tmp_path}/none.sock")
    started = time.monotonic()
    with pytest.raises(orlop.ConnectionFailed, match="Is the orlop daemon running"):
        host.ping()
    assert time.monotonic() - started < 5


def test_connect_finds_contexts_where_the_command_line_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They were looked for in the working directory."""
    docker = {"Host": "tcp://127.0.0.1:9"}
    Contexts(str(tmp_path)).write("there", {"Endpoints": {"docker": docker}}, None)
    env = {b"DOCKER_CONFIG": bytes(tmp_path), b"DOCKER_CONTEXT": b"there"}
    monkeypatch.setattr("orlop.client.host.ENV", env)
    with orlop.connect() as host:
        assert host.calls.http.host == "tcp://127.0.0.1:9"
    env[b"DOCKER_CONTEXT"] = b"nosuch"
    with pytest.raises(orlop.NotFound, match="nosuch"):
        orlop.connect()


@pytest.mark.parametrize("verb", ["start", "stop"])
@pytest.mark.parametrize("auto_remove", [True, False])
def test_a_container_that_removed_itself_is_no_failure(
    verb: str, auto_remove: bool, client: Make
) -> None:
    """`stop` of one with `auto_remove` raised NotFound, having stopped it."""
    host, _ = client(lambda first, _: (204, b"") if "POST" in first else (404, b"{}"))
    attrs = {"Id": "c", "HostConfig": {"AutoRemove": auto_remove}}
    box = Container(host.calls, attrs)
    if auto_remove:
        assert getattr(box, verb)().attrs is attrs
    else:
        with pytest.raises(orlop.NotFound):
            getattr(box, verb)()


def test_an_image_that_goes_while_all_are_listed(client: Make) -> None:
    def answer(first: str, _: bytes) -> tuple[int, bytes]:
        if "/images/json" in first:
            return 200, b'[{"Id":"gone"},{"Id":"here"}]'
        return (404, b"{}") if "gone" in first else (200, b'{"Id":"here"}')

    host, _ = client(answer)
    assert [image.id for image in host.images.list()] == ["here"]


def test_what_is_the_same(client: Make) -> None:
    host, _ = client(lambda *_: (500, b"{}"))
    one = Container(host.calls, {"Id": "1"})
    assert one == Container(host.calls, {"Id": "1", "Name": "newer"})
    assert one != Container(host.calls, {"Id": "2"})
    assert one != Network(host.calls, {"Id": "1"})
    volumes = {Volume(host.calls, {"Name": "v"}), Volume(host.calls, {"Name": "v"})}
    assert len(volumes) == 1
