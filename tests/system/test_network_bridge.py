"""Containers on the default bridge: published ports, the way out, neighbours, taken ports."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from netlab import HOST4, HOST6, NEIGHBOUR4, NEIGHBOUR6, Lab, ask, open_lab

from orlop.errors import SystemFailure
from orlop.kernel import netlink

pytestmark = pytest.mark.root


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with open_lab(tmp_path) as opened:
        yield opened


def port(number: int, ip: str = "") -> list[dict[str, str]]:
    return [{"HostIp": ip, "HostPort": str(number)}]


def test_published_tcp_is_reached_from_everywhere(lab: Lab) -> None:
    networks = lab.networks()
    space, attachment = lab.container(networks, "web", ports={"80/tcp": port(8080)})
    lab.serve(space, 80, "web")
    assert attachment.settings["Ports"] == {
        "80/tcp": [
            {"HostIp": "0.0.0.0", "HostPort": "8080"},
            {"HostIp": "::", "HostPort": "8080"},
        ]
    }
    address = attachment.settings["Networks"]["bridge"]["IPAddress"]
    gateway = attachment.settings["Networks"]["bridge"]["Gateway"]
    networks.carrier.settle()
    assert ask(address, 80) == f"web {gateway}"
    assert ask("127.0.0.1", 8080) == f"web {gateway}"
    assert ask("127.9.9.9", 8080).startswith("web ")
    assert ask(HOST4, 8080) == f"web {HOST4}"
    assert ask(gateway, 8080).startswith("web ")
    assert ask("::1", 8080).startswith("web ")  # IPv6 to an IPv4 container: the proxy
    assert lab.neighbour.run(lambda: ask(HOST4, 8080)) == f"web {NEIGHBOUR4}"
    assert lab.neighbour.run(lambda: ask(HOST6, 8080)).startswith("web ")
    # hairpin: the container reaches itself through the host's port, and so does a sibling
    other, _ = lab.container(networks, "other")
    assert space.run(lambda: ask(HOST4, 8080)).startswith("web ")
    assert other.run(lambda: ask(gateway, 8080)).startswith("web ")
    assert other.run(lambda: ask(address, 80)).startswith("web ")


def test_published_udp(lab: Lab) -> None:
    networks = lab.networks()
    space, attachment = lab.container(networks, "dns", ports={"53/udp": port(5353)})
    lab.serve(space, 53, "dns", udp=True)
    networks.carrier.settle()
    assert ask("127.0.0.1", 5353, udp=True).startswith("dns ")
    assert ask(HOST4, 5353, udp=True).startswith("dns ")
    assert ask("::1", 5353, udp=True).startswith("dns ")
    assert lab.neighbour.run(lambda: ask(HOST4, 5353, udp=True)) == f"dns {NEIGHBOUR4}"
    with pytest.raises(OSError):
        ask("127.0.0.1", 5353, timeout=0.5)  # udp only


def test_a_udp_client_that_sends_on_meets_the_new_container(lab: Lab) -> None:
    networks = lab.networks()
    lab.container(networks, "other")  # rules and tracking stand

    def client() -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.settimeout(0.5)
        sock.connect((HOST4, 5353))
        return sock

    def asked(sock: socket.socket) -> str:
        try:
            sock.send(b"?")
            return sock.recv(100).decode()
        except OSError:
            return ""

    with lab.neighbour.run(client) as sock:
        assert asked(sock) == ""  # an entry without translation
        space, attachment = lab.container(networks, "one", ports={"53/udp": port(5353)})
        lab.serve(space, 53, "one", udp=True)
        assert "one" in (asked(sock) or asked(sock))  # the first may be its late refusal
        networks.detach(attachment.sandbox.container_id)  # type: ignore[union-attr]
        space, again = lab.container(networks, "two", ports={"53/udp": port(5353)})
        lab.serve(space, 53, "two", udp=True)
        old, new = (a.settings["Networks"]["bridge"]["IPAddress"] for a in (attachment, again))
        assert old != new
        assert asked(sock) == f"two {NEIGHBOUR4}"


def test_ipv6_network_reaches_and_is_reached(lab: Lab) -> None:
    networks = lab.networks(ipv6=True)
    space, attachment = lab.container(networks, "six", ports={"80/tcp": port(8080)})
    lab.serve(space, 80, "four")
    lab.serve(
        space, 80, "six", address=attachment.settings["Networks"]["bridge"]["GlobalIPv6Address"]
    )
    networks.carrier.settle()
    assert ask("::1", 8080).startswith("six ")
    assert ask(HOST6, 8080) == f"six {HOST6}"
    assert lab.neighbour.run(lambda: ask(HOST6, 8080)) == f"six {NEIGHBOUR6}"
    assert lab.neighbour.run(lambda: ask(HOST4, 8080)) == f"four {NEIGHBOUR4}"
    lab.serve(lab.neighbour, 99, "world", address="::")
    assert space.run(lambda: ask(NEIGHBOUR6, 99)) == f"world {HOST6}"


def test_the_way_out_is_masqueraded(lab: Lab) -> None:
    networks = lab.networks()
    lab.serve(lab.neighbour, 99, "world")
    lab.serve(lab.neighbour, 99, "world", udp=True)
    space, _ = lab.container(networks, "client")
    assert space.run(lambda: ask(NEIGHBOUR4, 99)) == f"world {HOST4}"
    assert space.run(lambda: ask(NEIGHBOUR4, 99, udp=True)) == f"world {HOST4}"


def test_only_the_given_host_address(lab: Lab) -> None:
    networks = lab.networks()
    space, attachment = lab.container(
        networks, "local", ports={"80/tcp": port(8080, "127.0.0.1"), "81/tcp": port(8080, HOST4)}
    )
    lab.serve(space, 80, "loopback")
    lab.serve(space, 81, "uplink")
    assert ask("127.0.0.1", 8080).startswith("loopback")
    assert ask(HOST4, 8080).startswith("uplink")
    assert lab.neighbour.run(lambda: ask(HOST4, 8080)).startswith("uplink")
    assert attachment.settings["Ports"]["80/tcp"] == [{"HostIp": "127.0.0.1", "HostPort": "8080"}]
    with pytest.raises(OSError):
        ask("::1", 8080, timeout=0.5)


class TestNeighbours:
    """S59: what is not published is not reached from the same wire."""

    def reach(self, lab: Lab, address: str, number: int) -> str:
        def attempt() -> str:
            try:
                return ask(address, number, timeout=0.4)
            except OSError as error:
                return errno.errorcode.get(error.errno or 0, "timeout")

        return lab.neighbour.run(attempt)

    def test_unpublished_and_loopback_ports(self, lab: Lab) -> None:
        networks = lab.networks()
        space, attachment = lab.container(
            networks, "victim", ports={"80/tcp": port(8080, "127.0.0.1"), "82/tcp": port(8082)}
        )
        address = attachment.settings["Networks"]["bridge"]["IPAddress"]
        for number in (80, 81, 82):
            lab.serve(space, number, "victim")
        with socket.create_server(("127.0.0.1", 7777)):
            lab.neighbour.command("ip", "route", "add", "172.16.0.0/12", "via", HOST4)
            lab.neighbour.command("ip", "route", "del", "local", "127.0.0.0/8", "table", "local")
            lab.neighbour.command("ip", "route", "add", "127.0.0.0/8", "via", HOST4)
            lab.neighbour.command("sysctl", "-qw", "net.ipv4.conf.up1.route_localnet=1")
            # even where an admin lets loopback packets in from the wire
            with open("/proc/sys/net/ipv4/conf/uplink0/route_localnet", "w") as file:
                file.write("1")
            self.check_closed(lab, address)
            # the rules come back when another program flushes them
            repaired = networks.firewall.exists
            subprocess.run(["nft", "flush", "ruleset"], check=True)
            self.wait(repaired)
            self.check_closed(lab, address)
            # control: without the table the same attack succeeds
            networks.firewall.remove()
            assert self.reach(lab, address, 81).startswith("victim")

    def check_closed(self, lab: Lab, address: str) -> None:
        for number in (80, 81, 82):
            assert not self.reach(lab, address, number).startswith("victim"), number
        assert not self.reach(lab, HOST4, 8080).startswith("victim")
        assert not self.reach(lab, "127.0.0.1", 8080).startswith("victim")
        assert self.reach(lab, HOST4, 8082).startswith("victim")  # the published one works

    def wait(self, ready: object) -> None:
        import time

        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            if ready():  # type: ignore[operator]
                return
            time.sleep(0.02)
        pytest.fail("not repaired in 5 s")

    def test_containers_do_not_reach_the_hosts_loopback(self, lab: Lab) -> None:
        networks = lab.networks()
        space, attachment = lab.container(networks, "evil")
        gateway = attachment.settings["Networks"]["bridge"]["Gateway"]
        with socket.create_server(("127.0.0.1", 7777)):
            space.command("ip", "addr", "del", "127.0.0.1/8", "dev", "lo")
            space.command("ip", "route", "add", "127.0.0.0/8", "via", gateway)
            space.command("sysctl", "-qw", "net.ipv4.conf.eth0.route_localnet=1")

            def attempt() -> int:
                with socket.socket() as sock:
                    sock.settimeout(0.4)
                    return sock.connect_ex(("127.0.0.1", 7777))

            assert space.run(attempt) != 0
            networks.firewall.remove()
            assert space.run(attempt) == 0  # control: only our rule stands in between


def test_an_ipv4_container_sends_no_ipv6(lab: Lab) -> None:
    networks = lab.networks()
    space, attachment = lab.container(networks, "four")
    handle = attachment.settings["SandboxKey"]
    assert os.stat(handle).st_ino == os.fstat(space.fd).st_ino
    shown = space.command("ip", "-6", "addr", "show", "dev", "eth0")
    assert shown.strip() == ""
    host_end = attachment.host_ops[0][1]
    assert (
        "inet6"
        not in subprocess.run(
            ["ip", "-6", "addr", "show", "dev", host_end], capture_output=True, text=True
        ).stdout
    )


def test_taken_ports(lab: Lab) -> None:
    networks = lab.networks()
    lab.container(networks, "first", ports={"80/tcp": port(8080)})
    with pytest.raises(SystemFailure) as caught:
        lab.container(networks, "second", ports={"80/tcp": port(8080)})
    text = caught.value.message
    assert text.startswith(
        "failed to set up container networking: driver failed programming external connectivity "
        "on endpoint second ("
    )
    assert text.endswith("): Bind for 0.0.0.0:8080 failed: port is already allocated")
    with socket.create_server(("127.0.0.1", 9090)):
        with pytest.raises(SystemFailure) as caught:
            lab.container(networks, "third", ports={"80/tcp": port(9090)})
        assert caught.value.message.endswith(":80/tcp: address already in use")
        assert "failed to bind host port for 0.0.0.0:9090:" in caught.value.message
    # nothing is left of the failures
    _, attachment = lab.container(networks, "fourth", ports={"80/tcp": port(9090)})
    assert attachment.settings["Networks"]["bridge"]["IPAddress"].endswith(".3")
    # the other way round: the port is taken for other programs too
    for ip, family in (("0.0.0.0", socket.AF_INET), ("127.0.0.1", socket.AF_INET)):
        with socket.socket(family) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with pytest.raises(OSError) as busy:
                sock.bind((ip, 9090))
        assert busy.value.errno == errno.EADDRINUSE


def test_refused_without_a_server_and_after_detach(lab: Lab) -> None:
    networks = lab.networks()
    _, attachment = lab.container(networks, "idle", ports={"80/tcp": port(8080)})
    with pytest.raises(ConnectionRefusedError):
        ask("127.0.0.1", 8080)
    networks.firewall.remove()
    with pytest.raises(ConnectionRefusedError):
        ask("127.0.0.1", 8080)  # bound, not listening
    networks.detach(attachment.sandbox.container_id)  # type: ignore[union-attr]
    with pytest.raises(OSError):
        os.fstat(attachment.port_fds[0])


def test_two_daemons_side_by_side(lab: Lab) -> None:
    one, two = lab.networks("one"), lab.networks("two")
    first, a = lab.container(one, "a", ports={"80/tcp": port(8080)})
    second, b = lab.container(two, "b", ports={"80/tcp": port(8081)})
    lab.serve(first, 80, "one")
    lab.serve(second, 80, "two")
    subnets = {x.settings["Networks"]["bridge"]["Gateway"] for x in (a, b)}
    assert len(subnets) == 2
    assert {n.name for n in netlink.links() if n.kind == "bridge"} == {"orlop0", "orlop1"}
    assert ask(HOST4, 8080).startswith("one")
    assert ask(HOST4, 8081).startswith("two")
    lab.serve(lab.neighbour, 99, "world")
    assert first.run(lambda: ask(NEIGHBOUR4, 99)) == f"world {HOST4}"
    assert second.run(lambda: ask(NEIGHBOUR4, 99)) == f"world {HOST4}"
    with pytest.raises(SystemFailure, match="address already in use"):
        lab.container(two, "c", ports={"80/tcp": port(8080)})
    # and their containers do not reach each other but through what is published
    address = b.settings["Networks"]["bridge"]["IPAddress"]
    with pytest.raises(OSError):
        first.run(lambda: ask(address, 80, timeout=0.4))


def test_tables_of_vanished_daemons_go(lab: Lab) -> None:
    gone, alive, late = lab.networks("gone"), lab.networks("alive"), lab.networks("late")
    lab.container(gone, "a")
    _, b = lab.container(alive, "b")
    gone.firewall.close()
    netlink.run_ops([("delete", "orlop0")])
    _, c = lab.container(late, "c")
    assert c.settings["Networks"]["bridge"]["Gateway"] == "172.17.0.1"  # gone's subnet
    listed = late.firewall.nft.query("list tables")
    tables = {e["table"]["name"] for e in listed if "table" in e}
    assert tables == {alive.firewall.table, late.firewall.table}


def test_restart_of_the_daemon_keeps_and_sweeps(lab: Lab) -> None:
    before = lab.networks()
    keep, a = lab.container(before, "keep", ports={"80/tcp": port(8080)})
    _, b = lab.container(before, "gone", ports={"80/tcp": port(8081)})
    lab.serve(keep, 80, "keep")
    before.carrier.settle()
    before.close()
    assert ask(HOST4, 8080).startswith("keep")  # rules stay
    after = lab.networks()
    id = a.sandbox.container_id  # type: ignore[union-attr]
    after.restore(id, a.settings, "keep")
    after.sweep({id})
    assert ask("127.0.0.1", 8080).startswith("keep")
    assert ask("::1", 8080).startswith("keep")  # the proxy outlived the daemon
    listing = after.firewall.nft.run(f"list table inet {after.firewall.table}")
    assert "8080" in listing
    assert "8081" not in listing
    _, c = lab.container(after, "new")
    taken = {x.settings["Networks"]["bridge"]["IPAddress"] for x in (a, c)}
    assert len(taken) == 2
    with pytest.raises(SystemFailure, match="port is already allocated"):
        lab.container(after, "other", ports={"80/tcp": port(8080)})


def test_a_dropping_forward_policy_of_docker(lab: Lab) -> None:
    subprocess.run(
        ["nft", "-f", "-"],
        input=(
            "table ip filter {\n chain FORWARD {\n type filter hook forward priority 0; "
            "policy drop;\n jump DOCKER-USER\n }\n chain DOCKER-USER {\n }\n}\n"
        ),
        text=True,
        check=True,
    )
    networks = lab.networks()
    space, _ = lab.container(networks, "web", ports={"80/tcp": port(8080)})
    lab.serve(space, 80, "web")
    lab.serve(lab.neighbour, 99, "world")
    assert space.run(lambda: ask(NEIGHBOUR4, 99)) == f"world {HOST4}"
    assert lab.neighbour.run(lambda: ask(HOST4, 8080)) == f"web {NEIGHBOUR4}"
    listed = subprocess.run(["iptables", "-S", "DOCKER-USER"], capture_output=True, text=True)
    assert "-A DOCKER-USER -i orlop0 -j ACCEPT" in listed.stdout
    assert networks.warnings == []
    # control: without our rules the policy drops
    subprocess.run(["nft", "flush", "chain", "ip", "filter", "DOCKER-USER"], check=True)
    with pytest.raises(OSError):
        space.run(lambda: ask(NEIGHBOUR4, 99, timeout=0.4))


def test_a_policy_that_cannot_be_mended_is_explained(lab: Lab) -> None:
    subprocess.run(
        ["nft", "-f", "-"],
        input=(
            "table inet site {\n chain fw {\n type filter hook forward priority 0; "
            "policy drop;\n }\n}\n"
        ),
        text=True,
        check=True,
    )
    networks = lab.networks()
    lab.container(networks, "web")
    assert len(networks.warnings) == 1
    assert "nft insert rule inet site fw iifname orlop0 accept" in networks.warnings[0]


def test_we_make_no_router_of_the_host(lab: Lab) -> None:
    networks = lab.networks()
    lab.container(networks, "any")
    assert Path("/proc/sys/net/ipv4/ip_forward").read_text().strip() == "1"
    listing = networks.firewall.nft.run(f"list chain inet {networks.firewall.table} forward")
    assert 'iifname "uplink0" oifname "uplink0" drop' in listing


def test_modes_without_a_bridge(lab: Lab) -> None:
    networks = lab.networks()
    space, attachment = lab.container(networks, "alone", mode="none")
    assert attachment.netns == "none"
    assert [x.name for x in netlink.links(space.fd)] == ["lo"]
    assert space.command("ip", "-br", "link", "show", "lo").split()[1] == "UNKNOWN"
    attachment = networks.attach("e" * 64, "h", "h", {"NetworkMode": "host"}, {}, {})
    assert attachment.netns == "host"
    assert attachment.settings["SandboxKey"].endswith("/netns/default")
    assert attachment.hosts == Path("/etc/hosts").read_bytes()
    attachment = networks.attach(
        "f" * 64, "j", "j", {"NetworkMode": "container:" + "e" * 64}, {}, {}
    )
    assert attachment.netns == ("container", "e" * 64)
    assert attachment.settings["Networks"] == {}
    assert not networks.marker.exists()  # none of these touched the host
