from __future__ import annotations

import struct

import pytest
from dnslib import EDNS0, QTYPE, RCODE, DNSRecord
from hypothesis import given, settings
from hypothesis import strategies as st

from orlop.network.dns.answer import answer, failure
from orlop.network.dns.names import Names


def tables() -> Names:
    names = Names()
    entry = {"id": "n", "name": "net", "ipv4": "10.0.0.2", "ipv6": "fd00::2", "names": ["web"]}
    four = {**entry, "ipv4": "10.0.0.3", "ipv6": "", "names": ["four"]}
    many = [{**entry, "ipv4": f"10.0.1.{n}", "ipv6": "", "names": ["many"]} for n in range(200)]
    for id, network in (("a", entry), ("b", four), *enumerate(many)):
        names.put(
            {"id": str(id), "networks": [network], "links": {}, "upstreams": [], "forward": True}
        )
    return names


NAMES = tables()


def ask(name: str, kind: str, *, datagram: bool = True, edns: int = 0) -> DNSRecord | None:
    question = DNSRecord.question(name, kind)
    if edns:
        question.add_ar(EDNS0(udp_len=edns))
    reply, left = answer(NAMES, NAMES.containers["a"], question.pack(), datagram=datagram)
    assert bool(reply) != bool(left)
    if left:
        assert left == question.pack()
        return None
    found = DNSRecord.parse(reply)
    assert found.header.id == question.header.id
    assert found.header.qr == found.header.ra == 1
    return found


@pytest.mark.parametrize(
    ("name", "kind", "wanted"),
    [
        ("web", "A", ["10.0.0.2"]),
        ("WEB.", "A", ["10.0.0.2"]),
        ("web", "AAAA", ["fd00::2"]),
        ("web.net", "A", ["10.0.0.2"]),
        ("four", "AAAA", []),  # it is known: nobody outside is asked
        ("web", "MX", []),
        ("2.0.0.10.in-addr.arpa", "PTR", ["web.net."]),
        ("2" + ".0" * 28 + ".0.d.f.ip6.arpa", "PTR", ["web.net."]),
    ],
)
def test_what_is_known(name: str, kind: str, wanted: list[str]) -> None:
    found = ask(name, kind)
    assert found is not None
    assert found.header.rcode == RCODE.NOERROR
    assert [str(r.rdata) for r in found.rr] == wanted
    assert {r.ttl for r in found.rr} <= {600}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("elsewhere.example", "A"),
        ("web", "TXT"),
        ("9.0.0.10.in-addr.arpa", "PTR"),
        ("x.in-addr.arpa", "PTR"),
        ("300.0.0.10.in-addr.arpa", "PTR"),
        ("zz.ip6.arpa", "PTR"),
        (".", "NS"),
    ],
)
def test_what_is_passed_on(name: str, kind: str) -> None:
    assert ask(name, kind) is None


def test_a_long_answer_is_cut_for_datagrams_only() -> None:
    cut = ask("many", "A")
    assert cut is not None
    assert cut.header.tc == 1
    roomy = ask("many", "A", edns=4096)
    assert roomy is not None
    assert len(roomy.rr) == 200
    stream = ask("many", "A", datagram=False)
    assert stream is not None
    assert len(stream.rr) == 200


def test_addresses_take_turns() -> None:
    first = {str(ask("many", "A", datagram=False).rr[0].rdata) for _ in range(40)}  # type: ignore[union-attr]
    assert len(first) > 5


def test_no_question_and_other_operations() -> None:
    for flags, code in ((0x0000, RCODE.NOTIMP), (0x2000, RCODE.NOTIMP)):
        wire = struct.pack("!6H", 7, flags, 0, 0, 0, 0)
        reply, left = answer(NAMES, NAMES.containers["a"], wire, datagram=True)
        assert not left
        assert reply[:2] == b"\0\7"
        assert reply[3] & 15 == code


def test_replies_are_not_answered() -> None:
    wire = DNSRecord.question("web", "A").reply().pack()
    assert answer(NAMES, NAMES.containers["a"], wire, datagram=True) == (b"", b"")


@given(st.binary(max_size=600))
@settings(deadline=None, max_examples=400)
def test_whatever_comes(wire: bytes) -> None:
    reply, left = answer(NAMES, NAMES.containers["a"], wire, datagram=True)
    assert not (reply and left)
    if reply:
        assert reply[:2] == wire[:2]
        assert reply[2] & 0x80


@given(st.integers(0, 60), st.binary(min_size=1, max_size=20))
@settings(deadline=None, max_examples=400)
def test_damaged_questions(at: int, noise: bytes) -> None:
    wire = bytearray(DNSRecord.question("web.some.example", "A").pack())
    wire[at : at + len(noise)] = noise
    reply, left = answer(NAMES, NAMES.containers["a"], bytes(wire), datagram=True)
    assert not (reply and left)


def test_a_failure_repeats_the_question() -> None:
    question = DNSRecord.question("x.example", "A")
    found = DNSRecord.parse(failure(question.pack(), RCODE.SERVFAIL))
    assert found.header.rcode == RCODE.SERVFAIL
    assert found.q.qname == question.q.qname
    assert found.q.qtype == QTYPE.A
    assert failure(b"\0\1" + bytes(10) + b"\xff" * 5, 2)[3] & 15 == 2
