"""Names on user-defined networks, asked from inside: /etc/resolv.conf, 127.0.0.11, outside."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from daemon import Daemon
from dnslib import RCODE, DNSRecord
from fakes.dns import Outside

from orlop.kernel.netlink import with_namespace

pytestmark = pytest.mark.root


@pytest.fixture
def daemon(own_orlopd: Daemon) -> Iterator[Daemon]:
    own_orlopd.docker("network", "create", "front")
    own_orlopd.docker("network", "create", "--internal", "back")
    yield own_orlopd
    ids = own_orlopd.docker("ps", "-aq").stdout.split()
    if ids:
        own_orlopd.docker("rm", "-f", *ids)
    own_orlopd.docker("network", "prune", "-f")


def run(daemon: Daemon, name: str, *options: str) -> str:
    daemon.docker("run", "-d", "--name", name, *options, "busybox", "sleep", "1000")
    return name


def inspect(daemon: Daemon, name: str) -> Any:
    return json.loads(daemon.docker("inspect", name).stdout)[0]


def address(daemon: Daemon, name: str, network: str) -> str:
    return str(inspect(daemon, name)["NetworkSettings"]["Networks"][network]["IPAddress"])


def inside(pid: int, action: Callable[[], Any]) -> Any:
    """Run in the network namespace of a process, on a thread of its own."""
    found: list[Any] = []
    namespace = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)

    def work() -> None:
        with_namespace(namespace, lambda: found.append(action()))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(30)
    os.close(namespace)
    return found[0]


def ask(pid: int, question: str, kind: str = "A", *, stream: bool = False) -> Any:
    wire = DNSRecord.question(question, kind).pack()

    def exchange() -> bytes:
        how = socket.SOCK_STREAM if stream else socket.SOCK_DGRAM
        with socket.socket(socket.AF_INET, how) as sock:
            sock.settimeout(10)
            sock.connect(("127.0.0.11", 53))
            sock.sendall(len(wire).to_bytes(2, "big") + wire if stream else wire)
            return sock.recv(65536)[2 if stream else 0 :]

    return DNSRecord.parse(inside(pid, exchange))


def process(daemon: Daemon, name: str) -> int:
    return int(inspect(daemon, name)["State"]["Pid"])


def answers(daemon: Daemon, name: str, question: str, kind: str = "A", **how: bool) -> list[str]:
    return _rows(process(daemon, name), question, kind, **how)


def _rows(pid: int, question: str, kind: str = "A", **how: bool) -> list[str]:
    return sorted(str(r.rdata) for r in ask(pid, question, kind, **how).rr)


def test_names_and_who_hears_them(daemon: Daemon) -> None:
    run(daemon, "one", "--network", "front", "--network-alias", "web", "--hostname", "host1")
    run(daemon, "two", "--network", "front", "--network-alias", "web", "--link", "one:linked")
    run(daemon, "three", "--network", "back")
    first, second = address(daemon, "one", "front"), address(daemon, "two", "front")
    for name in ("one", "host1", "linked", "one.front", "ONE", inspect(daemon, "one")["Id"][:12]):
        assert answers(daemon, "two", name) == [first], name
    assert answers(daemon, "two", "web") == sorted([first, second])
    assert answers(daemon, "one", "two", stream=True) == [second]
    assert answers(daemon, "one", "two", "AAAA") == []
    reverse = ".".join(reversed(first.split("."))) + ".in-addr.arpa"
    assert answers(daemon, "two", reverse, "PTR") == ["one.front."]
    assert (
        ask(process(daemon, "three"), "one").header.rcode == RCODE.SERVFAIL
    )  # internal: nobody to ask
    text = daemon.docker("exec", "two", "cat", "/etc/resolv.conf").stdout
    assert "nameserver 127.0.0.11\n" in text
    assert "\noptions ndots:0\n" in text
    assert "(internal resolver)" in text


def test_names_follow_connections_and_names(daemon: Daemon) -> None:
    run(daemon, "one", "--network", "front")
    run(daemon, "two")
    assert "127.0.0.11" not in daemon.docker("exec", "two", "cat", "/etc/resolv.conf").stdout
    daemon.docker("network", "connect", "--alias", "late", "front", "two")
    assert "127.0.0.11" in daemon.docker("exec", "two", "cat", "/etc/resolv.conf").stdout
    wanted = [address(daemon, "two", "front")]
    assert answers(daemon, "one", "two") == answers(daemon, "one", "late") == wanted
    assert answers(daemon, "two", "one") == [address(daemon, "one", "front")]
    daemon.docker("rename", "two", "second")
    assert answers(daemon, "one", "second") == wanted
    assert answers(daemon, "one", "two") == []
    daemon.docker("network", "disconnect", "front", "second")
    assert answers(daemon, "one", "late") == []
    daemon.docker("rm", "-f", "one")
    run(daemon, "third", "--network", "front")
    assert answers(daemon, "third", "one") == []


def test_the_resolver_dies_and_the_daemon_too(daemon: Daemon) -> None:
    run(daemon, "one", "--network", "front")
    run(daemon, "two", "--network", "front")
    wanted = [address(daemon, "two", "front")]
    pid = process(daemon, "one")
    daemon.kill()
    assert _rows(pid, "two") == wanted
    daemon.start()
    assert answers(daemon, "one", "two") == wanted
    daemon.kill()
    _kill(int(Path(f"{daemon.exec_root}/dns.pid").read_text()))
    daemon.start()
    assert answers(daemon, "one", "two") == wanted
    _kill(int(Path(f"{daemon.exec_root}/dns.pid").read_text()))
    # a name of a container that starts now makes sure that the new one is there
    run(daemon, "three", "--network", "front")
    assert answers(daemon, "one", "three") == [address(daemon, "three", "front")]
    assert answers(daemon, "three", "two") == wanted


def _kill(pid: int) -> None:
    ended = os.pidfd_open(pid)
    signal.pidfd_send_signal(ended, signal.SIGKILL)
    assert select.select([ended], [], [], 10)[0]
    os.close(ended)


def test_port_53_is_the_containers_own(daemon: Daemon) -> None:
    run(daemon, "one", "--network", "front")

    def bind() -> bool:
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            with socket.socket(socket.AF_INET, kind) as sock:
                sock.bind(("0.0.0.0", 53))
        return True

    assert inside(process(daemon, "one"), bind)
    assert answers(daemon, "one", "one") == [address(daemon, "one", "front")]


def test_other_names_are_asked_outside(daemon: Daemon) -> None:
    network = json.loads(daemon.docker("network", "inspect", "front").stdout)[0]
    gateway = network["IPAM"]["Config"][0]["Gateway"]
    run(daemon, "first", "--network", "front")  # the bridge stands
    outside = Outside(gateway, "192.0.2.7")
    try:
        # The first resolver does not exist: the second is asked.
        run(daemon, "one", "--network", "front", "--dns", "127.0.0.9", "--dns", gateway)
        assert answers(daemon, "one", "elsewhere.example") == ["192.0.2.7"]
        assert answers(daemon, "one", "elsewhere.example", stream=True) == ["192.0.2.7"]
        assert answers(daemon, "one", "one") == [address(daemon, "one", "front")]
        assert set(outside.asked) == {"elsewhere.example."}
    finally:
        outside.close()
    found = ask(process(daemon, "one"), "elsewhere.example")
    assert found.header.rcode == RCODE.SERVFAIL


def test_garbage_from_a_container(daemon: Daemon) -> None:
    run(daemon, "one", "--network", "front")

    def send() -> bool:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for n in range(2000):
                sock.sendto(os.urandom(n % 700), ("127.0.0.11", 53))
        for _ in range(50):
            with socket.create_connection(("127.0.0.11", 53)) as sock:
                sock.sendall(os.urandom(100))
        return True

    assert inside(process(daemon, "one"), send)
    assert answers(daemon, "one", "one") == [address(daemon, "one", "front")]
