"""Syslog: RFC 3164 and 5424 messages over UDP, TCP, TLS and unix sockets, as dockerd sends them."""

from __future__ import annotations

import os
import socket
import time
from typing import Any

from orlop.scribe.courier import wire
from orlop.scribe.parse import Entry

_INFO, _ERROR = 6, 3
_LOCAL = ("/dev/log", "/var/run/syslog", "/var/run/log")


class Syslog:
    max_retries = 1 << 62
    retry_wait = 0.1

    def __init__(self, job: dict[str, Any]) -> None:
        endpoint = job["endpoint"]
        self._scheme: str = endpoint["scheme"]
        self._address: str = endpoint["address"]
        self._tls = endpoint.get("tls") or {}
        self._facility: int = endpoint["facility"]
        self._form: str = endpoint["format"]
        self._tag: str = job["tag"]
        self._host: str = job["info"]["Hostname"]
        self._sock: socket.socket | None = None
        self._stream = True

    def send(self, entries: list[Entry]) -> None:
        """Raises OSError."""
        if self._sock is not None and self._stream and wire.left(self._sock):
            self.close()
        if self._sock is None:
            self._connect()
        assert self._sock is not None
        framed = self._scheme == "tcp+tls" and self._form.startswith("rfc5424")
        messages = [self.message(e) for e in entries]
        if framed:  # RFC 5425
            messages = [b"%d %s" % (len(m), m) for m in messages]
        if self._stream:
            self._sock.sendall(b"".join(messages))
        else:
            for message in messages:
                wire.datagram(self._sock, message)

    def _connect(self) -> None:
        if not self._scheme:
            self._sock, self._stream = local()
            return
        self._stream = self._scheme not in ("udp", "unixgram")
        if self._stream:
            self._sock = wire.connect_stream(self._scheme, self._address, self._tls)
        else:
            self._sock = wire.connect_datagrams(self._scheme, self._address)

    def message(self, entry: Entry) -> bytes:
        priority = self._facility * 8 + (_ERROR if entry.source == "stderr" else _INFO)
        seconds, rest = divmod(entry.time_ns, 1_000_000_000)
        moment = time.localtime(seconds)
        pid, tag = os.getpid(), self._tag
        if self._form.startswith("rfc5424"):
            text = time.strftime("%Y-%m-%dT%H:%M:%S", moment)
            if self._form == "rfc5424micro":
                text += f".{rest // 1000:06d}"
            zone = time.strftime("%z", moment)
            text += "Z" if zone == "+0000" else f"{zone[:3]}:{zone[3:]}"
            head = f"<{priority}>1 {text} {self._host} {tag} {pid} {tag} - "
        else:
            months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
            text = f"{months[moment.tm_mon - 1]} {moment.tm_mday:2d} "
            text += time.strftime("%H:%M:%S", moment)
            host = f"{self._host} " if self._form == "rfc3164" else ""
            head = f"<{priority}>{text} {host}{tag}[{pid}]: "
        return head.encode("utf-8", "surrogateescape") + entry.line + b"\n"

    def close(self) -> None:
        if self._sock is not None:
            self._sock.close()
            self._sock = None


def local() -> tuple[socket.socket, bool]:
    """(a connection to the host's own syslog, whether it is a stream). Raises OSError."""
    for path in _LOCAL:
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            sock = socket.socket(socket.AF_UNIX, kind)
            try:
                sock.connect(path)
            except OSError:
                sock.close()
                continue
            sock.settimeout(wire.SEND)
            return sock, kind == socket.SOCK_STREAM
    raise OSError("Unix syslog delivery error")
