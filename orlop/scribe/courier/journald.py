"""journald: records in its native protocol, large ones in a sealed memory file.

Source: systemd's "Native Journal Protocol"; the names of the fields are dockerd's.
"""

from __future__ import annotations

import array
import os
import re
import socket
from typing import Any

from orlop.kernel import memfd
from orlop.scribe.encode import Clock
from orlop.scribe.parse import Entry

SOCKET = "/run/systemd/journal/socket"
_INFO, _ERROR = 6, 3
_TOO_LONG = (90, 105)  # EMSGSIZE, ENOBUFS


class Journald:
    max_retries = 1 << 62
    retry_wait = 0.1

    def __init__(self, job: dict[str, Any], path: str = SOCKET) -> None:
        info = job["info"]
        fields = {
            "CONTAINER_ID": info["ID"],
            "CONTAINER_ID_FULL": info["FullID"],
            "CONTAINER_NAME": info["Name"],
            "CONTAINER_TAG": job["tag"],
            "IMAGE_NAME": info["ImageName"],
            "SYSLOG_IDENTIFIER": job["tag"],
            **{_name(k): v for k, v in job["attrs"].items()},
        }
        self._base = b"".join(field(k, str(v).encode()) for k, v in fields.items() if k)
        self._path = path
        self._sock: socket.socket | None = None
        self._clock = Clock()

    def send(self, entries: list[Entry]) -> None:
        """Raises OSError."""
        if self._sock is None:
            self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._sock.connect(self._path)
        for entry in entries:
            message = self.message(entry)
            try:
                self._sock.send(message)
            except OSError as error:
                if error.errno not in _TOO_LONG:
                    raise
                self._send_file(self._sock, message)

    def message(self, entry: Entry) -> bytes:
        priority = _ERROR if entry.source == "stderr" else _INFO
        out = [
            field("MESSAGE", entry.line),
            field("PRIORITY", b"%d" % priority),
            field("SYSLOG_TIMESTAMP", self._clock.format(entry.time_ns)),
            self._base,
        ]
        if entry.partial is not None:
            name, ordinal, last = entry.partial
            out += [
                field("CONTAINER_PARTIAL_ID", name.encode()),
                field("CONTAINER_PARTIAL_ORDINAL", b"%d" % ordinal),
                field("CONTAINER_PARTIAL_LAST", b"true" if last else b"false"),
            ]
            if not last:
                out.append(field("CONTAINER_PARTIAL_MESSAGE", b"true"))
        return b"".join(out)

    def _send_file(self, sock: socket.socket, message: bytes) -> None:
        fd = memfd.sealed("orlop-journal", message)
        try:
            rights = array.array("i", [fd])
            sock.sendmsg([b""], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
        finally:
            os.close(fd)

    def close(self) -> None:
        if self._sock is not None:
            self._sock.close()
            self._sock = None


def field(name: str, value: bytes) -> bytes:
    if b"\n" not in value:
        return b"%s=%s\n" % (name.encode(), value)
    return b"%s\n%s%s\n" % (name.encode(), len(value).to_bytes(8, "little"), value)


def _name(key: str) -> str:
    """A field's name as journald takes them: upper case, no leading underscore, 64 at most."""
    return re.sub(r"[^A-Z0-9_]", "_", key.upper()).lstrip("_")[:64]
