"""A resolver outside: answers every name with one address, over datagrams and streams."""

from __future__ import annotations

import socket
import threading

from dnslib import QTYPE, RR, A, DNSRecord


class Outside:
    def __init__(self, address: str, answer: str, *, rcode: int = 0) -> None:
        self.asked: list[str] = []
        self._answer, self._rcode = answer, rcode
        self._datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._datagrams.bind((address, 53))
        self._streams = socket.create_server((address, 53))
        for target in (self._serve_datagrams, self._serve_streams):
            threading.Thread(target=target, daemon=True).start()

    def _reply(self, wire: bytes) -> bytes:
        record = DNSRecord.parse(wire)
        self.asked.append(str(record.q.qname))
        reply = record.reply()
        reply.header.rcode = self._rcode
        if record.q.qtype == QTYPE.A and not self._rcode:
            reply.add_answer(RR(record.q.qname, rdata=A(self._answer), ttl=1))
        packed: bytes = reply.pack()
        return packed

    def _serve_datagrams(self) -> None:
        try:
            while True:
                wire, client = self._datagrams.recvfrom(4096)
                self._datagrams.sendto(self._reply(wire), client)
        except OSError:
            return

    def _serve_streams(self) -> None:
        try:
            while True:
                client, _ = self._streams.accept()
                with client:
                    length = int.from_bytes(client.recv(2), "big")
                    reply = self._reply(client.recv(length))
                    client.sendall(len(reply).to_bytes(2, "big") + reply)
        except OSError:
            return

    def close(self) -> None:
        self._datagrams.close()
        self._streams.shutdown(socket.SHUT_RDWR)
        self._streams.close()
