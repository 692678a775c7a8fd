from __future__ import annotations

import errno
import random
import socket
from collections.abc import Iterator

import pytest

from orlop.errors import InvalidArgument, SystemFailure
from orlop.network import ports, portspec
from orlop.network.ports import Ports, Published
from orlop.network.portspec import Wanted


def wanted(bindings: dict[str, object], **options: object) -> list[Wanted]:
    known = {"publish_all": False, "default_ip": "0.0.0.0", "exposed": None, **options}
    return portspec.wanted(bindings, **known)  # type: ignore[arg-type]


def test_an_unset_address_means_both_families() -> None:
    both, four, six = (
        wanted({"80/tcp": [{"HostIp": ip, "HostPort": "8080"}]}) for ip in ("", "0.0.0.0", "::")
    )
    assert both == [Wanted(80, "tcp", ("0.0.0.0", "::"), 8080, 8080)]
    assert four[0].host_ips == ("0.0.0.0",)
    assert six[0].host_ips == ("::",)
    flagged = wanted({"80": [{"HostPort": "8080"}]}, default_ip="127.0.0.1")
    assert flagged == [Wanted(80, "tcp", ("127.0.0.1",), 8080, 8080)]
    assert wanted({"80/tcp": [{"HostIp": "foo"}]})[0].host_ips == ("0.0.0.0", "::")  # as dockerd


def test_ranges_random_ports_and_publish_all() -> None:
    assert wanted({"80/tcp": [{"HostPort": "8000-8010"}]})[0].high == 8010
    assert wanted({"80/tcp": None, "81/udp": []}) == [
        Wanted(80, "tcp", ("0.0.0.0", "::")),
        Wanted(81, "udp", ("0.0.0.0", "::")),
    ]
    found = wanted(
        {"80/tcp": [{"HostPort": "9000"}]},
        exposed={"80/tcp": {}, "1000-1002/tcp": {}, "53/udp": {}},
        publish_all=True,
    )
    assert [(w.port, w.protocol, w.low) for w in found] == [
        (80, "tcp", 9000),  # chosen ones first
        (53, "udp", 0),
        (1000, "tcp", 0),
        (1001, "tcp", 0),
        (1002, "tcp", 0),
    ]
    assert wanted({"80/foo": [{"HostPort": "1"}]}) == []  # dockerd ignores it


@pytest.mark.parametrize(
    "key", ["70000/tcp", "80-81/tcp", "0/tcp", "-1/tcp", "x", "", "８０/tcp", "9" * 5000]
)
def test_wrong_container_ports(key: str) -> None:
    with pytest.raises(InvalidArgument, match="invalid port specification"):
        wanted({key: [{"HostPort": "1"}]})


@pytest.mark.parametrize("text", ["70000", "9-8", "1-", "-", "1-2-3", "1 ", "+1"])
def test_wrong_host_ports(text: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        wanted({"80/tcp": [{"HostPort": text}]})
    assert caught.value.message == f'invalid port specification: "{text}"'


def free_port() -> int:
    """One that is free, as is its successor, and that no other program is given by chance."""
    while True:
        number = random.randrange(10000, 30000)
        try:
            for offset in (0, 1):
                with socket.create_server(("127.0.0.1", number + offset)):
                    pass
            return number
        except OSError:
            continue


@pytest.fixture
def table() -> Iterator[Ports]:
    return Ports()


def claim(table: Ports, *want: Wanted) -> list[tuple[Published, socket.socket | None]]:
    return table.claim(want, "172.17.0.2")


def close(claimed: list[tuple[Published, socket.socket | None]]) -> None:
    for _, sock in claimed:
        assert sock is not None
        sock.close()


def test_a_port_of_ours_is_allocated(table: Ports) -> None:
    number = free_port()
    held = claim(table, Wanted(80, "tcp", ("127.0.0.1",), number, number))
    for ip in ("127.0.0.1", "0.0.0.0"):
        with pytest.raises(SystemFailure) as caught:
            claim(table, Wanted(80, "tcp", (ip,), number, number))
        assert caught.value.message == (
            f"Bind for 127.0.0.1:{number} failed: port is already allocated"
        )
    others = claim(table, Wanted(80, "tcp", ("127.0.0.2",), number, number))
    others += claim(table, Wanted(80, "udp", ("127.0.0.1",), number, number))
    close(held)
    table.release(p for p, _ in held)
    close(claim(table, Wanted(80, "tcp", ("127.0.0.1",), number, number)))
    close(others)


def test_a_port_of_others_is_in_use(table: Ports) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        number = server.getsockname()[1]
        with pytest.raises(SystemFailure) as caught:
            claim(table, Wanted(80, "tcp", ("127.0.0.1",), number, number))
        assert caught.value.message == (
            f"failed to bind host port for 127.0.0.1:{number}:172.17.0.2:80/tcp: "
            "address already in use"
        )
    with pytest.raises(SystemFailure, match="cannot assign requested address"):
        claim(table, Wanted(80, "tcp", ("192.0.2.77",), number, number))
    close(claim(table, Wanted(80, "tcp", ("127.0.0.1",), number, number)))


def test_ranges_take_the_next_and_run_out(table: Ports) -> None:
    low = free_port()
    want = Wanted(80, "tcp", ("127.0.0.1",), low, low + 1)
    one, two = claim(table, want), claim(table, want)
    assert [c[0][0].host_port for c in (one, two)] == [low, low + 1]
    with pytest.raises(SystemFailure, match="^all ports are allocated$"):
        claim(table, want)
    close(one + two)


def test_all_or_nothing(table: Ports) -> None:
    number = free_port()
    with socket.create_server(("127.0.0.1", 0)) as server:
        busy = server.getsockname()[1]
        with pytest.raises(SystemFailure):
            claim(
                table,
                Wanted(80, "tcp", ("127.0.0.1",), number, number),
                Wanted(81, "tcp", ("127.0.0.1",), busy, busy),
            )
    close(claim(table, Wanted(80, "tcp", ("127.0.0.1",), number, number)))


def test_both_families_get_one_random_number(table: Ports) -> None:
    claimed = claim(table, Wanted(80, "tcp", ("0.0.0.0", "::")))
    assert {p.host_port for p, _ in claimed} == {claimed[0][0].host_port}
    low, high = ports.ephemeral_range()
    assert low <= claimed[0][0].host_port <= high
    close(claimed)


def test_the_socket_refuses_and_cannot_be_stolen(table: Ports) -> None:
    number = free_port()
    held = claim(table, Wanted(80, "tcp", ("127.0.0.1",), number, number))
    with socket.socket() as thief:
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with pytest.raises(OSError) as caught:
            thief.bind(("127.0.0.1", number))
        assert caught.value.errno == errno.EADDRINUSE
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", number)) == errno.ECONNREFUSED
    close(held)


def test_a_time_wait_does_not_block_us(table: Ports) -> None:
    server = socket.create_server(("127.0.0.1", 0))
    number = server.getsockname()[1]
    client = socket.create_connection(("127.0.0.1", number))
    accepted, _ = server.accept()
    accepted.close()  # the active closer keeps TIME_WAIT
    client.recv(1)
    client.close()
    server.close()
    with socket.socket() as plain, pytest.raises(OSError):
        plain.bind(("127.0.0.1", number))  # control: it does block a plain bind
    close(claim(table, Wanted(80, "tcp", ("127.0.0.1",), number, number)))


def test_settings_there_and_back() -> None:
    published = [
        Published("0.0.0.0", 8080, "tcp", 80),
        Published("::", 8080, "tcp", 80),
        Published("127.0.0.1", 8081, "udp", 81),
    ]
    shown = ports.settings(published, [(77, "tcp"), (80, "tcp")])
    assert shown == {
        "77/tcp": None,
        "80/tcp": [
            {"HostIp": "0.0.0.0", "HostPort": "8080"},
            {"HostIp": "::", "HostPort": "8080"},
        ],
        "81/udp": [{"HostIp": "127.0.0.1", "HostPort": "8081"}],
    }
    assert list(shown) == ["77/tcp", "80/tcp", "81/udp"]
    assert ports.from_settings(shown) == published
    assert ports.from_settings(None) == []


def test_a_protocol_that_the_kernel_has_not(table: Ports, monkeypatch: pytest.MonkeyPatch) -> None:
    made = 0

    def none(*_: object) -> socket.socket:
        nonlocal made
        made += 1
        raise OSError(errno.EPROTONOSUPPORT, "Protocol not supported")

    monkeypatch.setattr("orlop.network.ports.socket.socket", none)
    for low in (0, 7777):
        wanted = Wanted(7777, "sctp", ("127.0.0.1",), low, low)
        with pytest.raises(SystemFailure, match="7777/sctp: protocol not supported"):
            claim(table, wanted)
    assert made == 2
