"""The HTTP client: bodies of every sort, kept connections, errors, versions, hosts."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orlop.client import host as hosts
from orlop.client.host import Settings, client_for
from orlop.client.transport import (
    ApiError,
    Client,
    Connection,
    ConnectionFailed,
    FromFile,
    Unreadable,
    open_unix,
    query,
    quote,
)
from orlop.errors import InvalidArgument
from orlop.oci.jsonlite import dumps, loads, split


class Server:
    """Plays prepared answers, one list for each connection, and keeps what it was asked."""

    def __init__(self, *connections: list[bytes]) -> None:
        self.asked: list[bytes] = []
        self.dialled = 0
        self._connections = list(connections)
        self._threads: list[threading.Thread] = []

    def dial(self) -> Connection:
        ours, theirs = socket.socketpair()
        answers = self._connections[self.dialled]
        self.dialled += 1
        thread = threading.Thread(target=self._serve, args=(theirs, answers))
        thread.start()
        self._threads.append(thread)
        return Connection(ours)

    def _serve(self, sock: socket.socket, answers: list[bytes]) -> None:
        with sock:
            for answer in answers:
                request = b""
                while b"\r\n\r\n" not in request or not self._whole(request):
                    data = sock.recv(65536)
                    if not data:
                        return
                    request += data
                self.asked.append(request)
                sock.sendall(answer)

    @staticmethod
    def _whole(request: bytes) -> bool:
        head, _, body = request.partition(b"\r\n\r\n")
        if b"chunked" in head:
            return body.endswith(b"0\r\n\r\n")
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                return len(body) >= int(line.split(b":")[1])
        return True

    def join(self) -> None:
        for thread in self._threads:
            thread.join(5)


@pytest.fixture
def serve() -> Iterator[Callable[..., tuple[Server, Client]]]:
    servers: list[Server] = []
    clients: list[Client] = []

    def make(*connections: list[bytes]) -> tuple[Server, Client]:
        server = Server(*connections)
        servers.append(server)
        clients.append(Client("unix:///x", server.dial))
        return server, clients[-1]

    yield make
    for client in clients:
        client.close()
    for server in servers:
        server.join()


def answer(body: bytes, status: bytes = b"200 OK", extra: bytes = b"") -> bytes:
    head = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\n%b" % (status, extra)
    return head + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


Serve = Callable[..., tuple[Server, Client]]


def test_a_connection_is_used_again(serve: Serve) -> None:
    server, client = serve([answer(b'{"a":1}'), b"HTTP/1.1 204 No Content\r\n\r\n", answer(b"[]")])
    assert client.call("GET", "/a") == {"a": 1}
    assert client.call("POST", "/b", {"x": None}) is None
    assert client.call("GET", "/c") == []
    assert server.dialled == 1
    assert server.asked[1].startswith(b"POST /v1.50/b HTTP/1.1\r\nHost: ")
    assert server.asked[1].endswith(b'\r\n\r\n{"x":null}')


def test_a_kept_connection_that_was_closed_is_dialled_anew(serve: Serve) -> None:
    server, client = serve([answer(b"1")], [answer(b"2")])
    assert client.call("GET", "/") == 1
    server.join()
    assert client.call("GET", "/") == 2


def test_chunks(serve: Serve) -> None:
    body = b"5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\nTrailer: x\r\n\r\n"
    _, client = serve(
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body, answer(b"1")]
    )
    assert client.raw("GET", "/") == b"hello world"
    assert client.call("GET", "/") == 1


def test_a_body_until_the_end(serve: Serve) -> None:
    _, client = serve([b"HTTP/1.0 200 OK\r\n\r\nall of it"])
    assert client.raw("GET", "/") == b"all of it"


@pytest.mark.parametrize(
    "broken",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 O",
        b"nonsense\r\n\r\n",
        b"",
    ],
)
def test_a_daemon_that_breaks_off(broken: bytes, serve: Serve) -> None:
    _, client = serve([broken])
    with pytest.raises(ConnectionFailed):
        client.raw("GET", "/")


def test_an_error_has_status_and_message(serve: Serve) -> None:
    _, client = serve([answer(b'{"message":"No such container: x\\n"}', b"404 Not Found")])
    with pytest.raises(ApiError) as e:
        client.call("GET", "/")
    assert e.value.status == 404
    assert e.value.message == "Error response from daemon: No such container: x"


def test_an_error_that_is_no_json(serve: Serve) -> None:
    body = b"HTTP/1.1 500 X\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nboom\n"
    _, client = serve([body])
    with pytest.raises(ApiError, match="Error response from daemon: boom"):
        client.call("GET", "/")


def test_an_older_daemon_gets_its_own_version(serve: Serve) -> None:
    too_new = b'{"message":"client version 1.50 is too new. Maximum supported API version is 1.44"}'
    server, client = serve([answer(too_new, b"400 Bad Request")], [answer(b"1"), answer(b"2")])
    assert client.call("GET", "/a") == 1
    assert client.call("GET", "/b") == 2
    assert [a.split(b" ")[1] for a in server.asked] == [b"/v1.50/a", b"/v1.44/a", b"/v1.44/b"]


def test_a_stream_up_is_chunked(serve: Serve) -> None:
    server, client = serve([answer(b"1")])
    assert client.call("POST", "/", stream=iter([b"abc", b"", b"d" * 20])) == 1
    assert server.asked[0].endswith(b"3\r\nabc\r\n14\r\n" + b"d" * 20 + b"\r\n0\r\n\r\n")


def test_hijack_keeps_what_came_behind_the_headers(serve: Serve) -> None:
    server, client = serve([b"HTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\n\r\nearly bytes"])
    response, conn = client.hijack("POST", "/attach", {"Tty": True})
    assert response.status == 101
    assert b"Connection: Upgrade\r\nUpgrade: tcp\r\n" in server.asked[0]
    data = conn.take(100)
    while len(data) < 11:
        data += conn.take(100)
    assert data == b"early bytes"
    conn.close()


def test_query() -> None:
    values = {"a": True, "b": False, "c": None, "d": "", "e": ["x y", "ü&"], "f": 0}
    assert query(values) == "?a=1&e=x+y&e=%C3%BC%26&f=0"
    assert quote("a/b:c@d", b"/:@") == "a/b:c@d"
    assert quote("a b", b"/") == "a%20b"


def test_json() -> None:
    value = {"a": [1, 2.5, None, True, "ü\n\U0001f600"], "b": {"c": "</"}}
    assert loads(dumps(value)) == value
    assert loads(b' {"x":1} \n') == {"x": 1}
    for wrong in ("", "{", "[1] x", '{"a":}'):
        with pytest.raises(ValueError):
            loads(wrong)


def test_split_of_a_stream() -> None:
    found, rest = split('{"a":1}\n\r\n{"b":2}{"c":3}\n{"d"')
    assert found == [{"a": 1}, {"b": 2}, {"c": 3}]
    assert rest == '{"d"'


def test_hosts_by_precedence(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    env: dict[bytes, bytes] = {b"DOCKER_HOST": b"tcp://docker:1"}
    monkeypatch.setattr(hosts, "ENV", env)
    settings = Settings()
    settings.config_dir = str(tmp_path)
    assert client_for(settings, {}).host == "tcp://docker:1"
    env[b"ORLOP_HOST"] = b"unix:///orlop"
    assert client_for(settings, {}).host == "unix:///orlop"
    settings.host = ["tcp://flag"]
    assert client_for(settings, {}).host == "tcp://flag:2375"
    settings.context = "x"
    with pytest.raises(InvalidArgument, match="cannot specify both --host and --context"):
        client_for(settings, {})
    settings.host, settings.context = ["a", "b"], ""
    with pytest.raises(InvalidArgument, match="Specify only one -H"):
        client_for(settings, {})


def test_docker_current_context_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "ENV", {})
    monkeypatch.setattr(hosts, "default_socket", lambda: "/d.sock")
    client = client_for(Settings(), {"currentContext": "elsewhere"})
    assert client.host == "unix:///d.sock"


def test_a_context_that_is_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    import hashlib
    from pathlib import Path

    directory = Path(str(tmp_path)) / "contexts/meta" / hashlib.sha256(b"far").hexdigest()
    directory.mkdir(parents=True)
    (directory / "meta.json").write_text(
        '{"Name":"far","Endpoints":{"docker":{"Host":"ssh://u@h:22"}}}'
    )
    monkeypatch.setattr(hosts, "ENV", {b"DOCKER_HOST": b"tcp://docker:1"})
    settings = Settings()
    settings.config_dir, settings.context = str(tmp_path), "far"
    assert client_for(settings, {}).host == "ssh://u@h:22"


def test_headers_and_version_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "ENV", {b"DOCKER_API_VERSION": b"v1.41"})
    client = client_for(Settings(), {"HttpHeaders": {"X-Meta": "1"}})
    assert client.headers["X-Meta"] == "1"
    assert (client.version, client.pinned) == ("1.41", True)


def test_nobody_listens(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"{tmp_path}/none.sock"
    monkeypatch.setattr(hosts, "ENV", {b"ORLOP_HOST": f"unix://{path}".encode()})
    with pytest.raises(ConnectionFailed) as e:
        client_for(Settings(), {}).call("GET", "/")
    assert e.value.message == (
        f"Cannot connect to the Orlop daemon at unix://{path}. Is the orlop daemon running?"
    )
    with pytest.raises(OSError):
        open_unix(path)


class Wrapped:
    """A socket that the kernel cannot send to, as TLS is."""

    def __init__(self, sock: socket.socket) -> None:
        self.sendall = sock.sendall
        self.recv = sock.recv
        self.close = sock.close


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("cut", [0, 100_000])
def test_a_body_from_a_file(plain: bool, cut: int, tmp_path: Path) -> None:
    content = os.urandom(700_001)
    path = tmp_path / "file"
    path.write_bytes(content)
    server = Server([b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"])

    def dial() -> Connection:
        made = server.dial()
        return made if plain else Connection(Wrapped(made.sock), made.sock)

    with open(path, "rb", buffering=0) as file:
        os.truncate(path, len(content) - cut)
        parts = [
            b"begin",
            FromFile(file.fileno(), 300_000, "file"),
            FromFile(file.fileno(), 400_001, "file"),
            b"end",
        ]
        response = Client("test", dial).open("PUT", "/x", stream=parts)
        response.close()
    head, _, body = server.asked[0].partition(b"\r\n\r\n")
    whole = content[: len(content) - cut].ljust(len(content), b"\0")
    sent = (b"begin", whole[:300_000], whole[300_000:], b"end", b"")
    assert body == b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in sent)


def test_a_daemon_that_hangs_up_on_a_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(4 << 20))
    ours, theirs = socket.socketpair()

    def refuse() -> None:
        theirs.recv(1000)
        body = b'{"message":"no"}'
        theirs.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        theirs.shutdown(socket.SHUT_RD)

    thread = threading.Thread(target=refuse)
    thread.start()
    with ours, theirs, open(path, "rb", buffering=0) as file:
        with pytest.raises(ApiError, match="no"):
            Client("test", lambda: Connection(ours)).open(
                "PUT", "/x", stream=[FromFile(file.fileno(), 4 << 20, "file")]
            )
        thread.join()


def test_a_body_that_cannot_be_read_is_not_ended() -> None:
    """The daemon would take what it has for the whole; the connection is closed instead."""
    ours, theirs = socket.socketpair()
    fd = os.open("/", os.O_RDONLY)  # which sendfile and read refuse
    with theirs, pytest.raises(Unreadable, match="read name: is a directory"):
        Client("test", lambda: Connection(ours)).open(
            "PUT", "/x", stream=[b"begin", FromFile(fd, 10, "name")]
        )
    os.close(fd)
    assert ours.fileno() == -1
