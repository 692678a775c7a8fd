"""One question, answered from the tables, or left to the resolvers outside (RFC 1035, Docker).

    answer(names, client, wire, datagram) -> (reply, b"") | (b"", question to pass on) | (b"", b"")

Both empty: not worth an answer.
"""

from __future__ import annotations

import ipaddress
import random
import struct

from dnslib import AAAA, OPCODE, PTR, QTYPE, RCODE, RR, A, DNSRecord

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orlop.network.dns.names import Addresses, Container, Names

_TTL = 600  # seconds, as Docker
_SMALL = 512  # bytes of a datagram without EDNS
_LARGEST = 4096
_HEADER = struct.Struct("!HHHHHH")
_RESPONSE = 0x8000
_LONGEST_NAME = 255


def answer(names: Names, client: Container, wire: bytes, *, datagram: bool) -> tuple[bytes, bytes]:
    if len(wire) < _HEADER.size or _HEADER.unpack_from(wire)[1] & _RESPONSE:
        return b"", b""
    try:
        record = DNSRecord.parse(wire)
        plain = record.header.opcode == OPCODE.QUERY and len(record.questions) == 1
    except Exception:  # of whatever kind: the bytes are a stranger's
        return failure(wire, RCODE.FORMERR), b""
    if not plain:
        return failure(wire, RCODE.NOTIMP), b""
    made = _known(names, client, record)
    if made is None:
        return b"", wire
    packed: bytes = made.pack()
    limit = _room(record) if datagram else 0xFFFF
    if len(packed) > limit:
        packed = made.truncate().pack()
    return packed, b""


def failure(wire: bytes, code: int) -> bytes:
    """A reply with nothing but a code; it repeats the question when that can be read."""
    try:
        record = DNSRecord.parse(wire)
        reply = record.reply(ra=1, aa=0)
        reply.header.rcode = code
        packed: bytes = reply.pack()
        return packed
    except Exception:
        id, flags = _HEADER.unpack_from(wire)[:2]
        return _HEADER.pack(id, _RESPONSE | flags & 0x7900 | 0x80 | code, 0, 0, 0, 0)


def _room(record: DNSRecord) -> int:
    sizes: list[int] = [r.edns_len for r in record.ar if r.rtype == QTYPE.OPT]
    return min(max([_SMALL, *sizes]), _LARGEST)


def _known(names: Names, client: Container, record: DNSRecord) -> DNSRecord | None:
    """None: not ours to answer."""
    question = record.q
    text = str(question.qname).rstrip(".")
    if not text or len(text) > _LONGEST_NAME or question.qclass != 1:
        return None
    if question.qtype == QTYPE.PTR:
        return _pointer(names, client, record, text)
    if question.qtype not in (QTYPE.A, QTYPE.AAAA, QTYPE.MX):
        return None
    found = names.lookup(client, text)
    if not found:
        return None
    reply = record.reply(ra=1, aa=0)
    for data in _addresses(found, question.qtype):
        reply.add_answer(RR(question.qname, question.qtype, ttl=_TTL, rdata=data))
    return reply  # without an address of the family: empty, nobody outside is asked


def _addresses(found: list[Addresses], kind: int) -> list[A | AAAA]:
    if kind == QTYPE.MX:
        return []
    index, make = (1, AAAA) if kind == QTYPE.AAAA else (0, A)
    addresses = [pair[index] for pair in found if pair[index]]
    random.shuffle(addresses)
    return [make(address) for address in addresses]


def _pointer(names: Names, client: Container, record: DNSRecord, text: str) -> DNSRecord | None:
    address = _address_of(text.lower())
    name = names.reverse(client, address) if address else ""
    if not name:
        return None
    reply = record.reply(ra=1, aa=0)
    reply.add_answer(RR(record.q.qname, QTYPE.PTR, ttl=_TTL, rdata=PTR(name)))
    return reply


def _address_of(text: str) -> str:
    """The address that a name below in-addr.arpa or ip6.arpa stands for."""
    try:
        if text.endswith(".in-addr.arpa"):
            parts = text.removesuffix(".in-addr.arpa").split(".")[::-1]
            return str(ipaddress.IPv4Address(".".join(parts)))
        if text.endswith(".ip6.arpa"):
            digits = text.removesuffix(".ip6.arpa").split(".")[::-1]
            return str(ipaddress.IPv6Address(int("".join(digits), 16))) if len(digits) == 32 else ""
    except ValueError:
        pass
    return ""
