"""What is said of a daemon that breaks off, and of what is no daemon at all."""

import ssl
from collections.abc import Callable

import pytest

from orlop.client.dial import dial_remote
from orlop.client.faults import broken
from orlop.client.host import Settings, client_for
from orlop.client.transport import Broken, Client, Connection, ConnectionFailed
from orlop.errors import InvalidArgument, OrlopError


class _Played:
    """A socket that answers with `data` and ends."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def sendall(self, data: bytes, flags: int = 0) -> None:
        pass

    def recv(self, size: int) -> bytes:
        data, self._data = self._data[:size], self._data[size:]
        return data

    def close(self) -> None:
        pass


def _client(answer: bytes, host: str = "tcp://h:1") -> Client:
    return Client(host, lambda: Connection(_Played(answer)))


def _said(act: Callable[[], object]) -> str:
    with pytest.raises(OrlopError) as error:
        act()
    return error.value.message


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"", 'error during connect: Get "http://h:1/v1.50/x?a=1": EOF'),
        (b"HTTP/1.1 2", 'error during connect: Get "http://h:1/v1.50/x?a=1": unexpected EOF'),
        (
            b"nonsense\r\n\r\n",
            'Get "http://h:1/v1.50/x?a=1": net/http: HTTP/1.x transport connection broken: '
            'malformed HTTP response "nonsense".\n'
            "* Are you trying to connect to a TLS-enabled daemon without TLS?",
        ),
        (
            b"HTTP/1.1 301 Moved\r\nContent-Length: 0\r\n\r\n",
            'error during connect: Get "http://h:1/v1.50/x?a=1": unexpected redirect in response',
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>",
            "invalid character '<' looking for beginning of value",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[{",
            "the answer of the daemon is no JSON: unexpected end or character",
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[{", "unexpected EOF"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "unexpected EOF"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[{\r\n",
            "unexpected EOF",
        ),
        (
            b"HTTP/1.1 502 X\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
            "Error response from daemon: API returned a 502 (Bad Gateway) but provided no "
            "error-message",
        ),
    ],
)
def test_what_is_no_daemon_is_said_in_dockers_words(answer: bytes, said: str) -> None:
    assert _said(lambda: _client(answer).call("GET", "/x?a=1")) == said


def test_a_socket_is_named_as_go_writes_it() -> None:
    said = _said(lambda: _client(b"", "unix:///run/o.sock").call("DELETE", "/x"))
    assert said == 'error during connect: Delete "http://%2Frun%2Fo.sock/v1.50/x": EOF'


def test_a_fault_that_names_its_host_is_passed_on() -> None:
    final = ConnectionFailed("Cannot connect to the Orlop daemon at x.")
    assert broken("x", False, "GET", "/", final) is final


def test_a_port_out_of_range_is_an_error_and_no_traceback() -> None:
    with pytest.raises(Broken, match="^dial tcp: address 99999: invalid port$"):
        dial_remote("tcp://127.0.0.1:99999", None)


def test_hosts_that_do_not_parse() -> None:
    for host, said in (
        ("fd://", "unable to parse docker host `fd://`"),
        ("ssh://", "invalid SSH URL: hostname is empty"),
        ("ssh://a:b@c", "plain-text password is not supported"),
        ("tcp://h:port", 'parse "tcp://h:port": invalid port ":port" after host'),
    ):
        settings = Settings()
        settings.host = [host]
        with pytest.raises(InvalidArgument) as error:
            client_for(settings, {})
        assert said in error.value.message


def test_alerts_in_gos_words() -> None:
    from orlop.client.certificates import words

    for reason, said in (
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", "remote error: tls: certificate required"),
        ("TLSV1_ALERT_UNKNOWN_CA", "remote error: tls: unknown certificate authority"),
        ("WRONG_VERSION_NUMBER", "http: server gave HTTP response to HTTPS client"),
        ("NO_SHARED_CIPHER", "tls: no shared cipher"),
    ):
        error = ssl.SSLError(1, "")
        error.reason = reason
        assert words(error) == said
