"""nftables through libnftables.so.1 (libnftables(3)), and its change notifications.

One context per `Nft`, kept, since the library's cache makes a change 0.1 ms. A command text is one
transaction: all of it or nothing. Calls are serialized: the library is not thread-safe.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import socket
import struct
import threading
from typing import Any

from orlop.errors import SystemFailure
from orlop.kernel import nftprobe

_SONAME = "libnftables.so.1"
_MISSING = (
    f"{_SONAME} is missing: bridge networks and published ports need it "
    "(install the package libnftables1, or nftables-libs; or start orlopd with --iptables=false)"
)
_CRASHES = (
    f"{_SONAME} crashes on the nftables rules of this network namespace (a newer nft wrote some of "
    "them): update the package libnftables1, remove that table, or start "
    "orlopd with --iptables=false"
)
_OUTPUT_JSON = 1 << 4
_NETLINK_NETFILTER = 12
_SUBSYS_NFTABLES = 10
_GROUP_NFTABLES = 7
_MSG_DELTABLE, _MSG_NEWCHAIN = 2, 3
_TABLE_NAME = 1
_SOL_NETLINK, _ADD_MEMBERSHIP = 270, 1


def _load() -> Any:
    try:
        library = ctypes.CDLL(_SONAME)
    except OSError:
        raise SystemFailure(_MISSING) from None
    context, text = ctypes.c_void_p, ctypes.c_char_p
    library.nft_ctx_new.restype = context
    library.nft_ctx_new.argtypes = [ctypes.c_uint32]
    library.nft_ctx_free.argtypes = [context]
    library.nft_ctx_buffer_output.argtypes = [context]
    library.nft_ctx_buffer_error.argtypes = [context]
    library.nft_ctx_output_set_flags.argtypes = [context, ctypes.c_uint]
    library.nft_ctx_get_output_buffer.argtypes = [context]
    library.nft_ctx_get_output_buffer.restype = text
    library.nft_ctx_get_error_buffer.argtypes = [context]
    library.nft_ctx_get_error_buffer.restype = text
    library.nft_run_cmd_from_buffer.argtypes = [context, text]
    return library


class Nft:
    """A libnftables context, made at first use in the network namespace of that moment."""

    def __init__(self) -> None:
        self._library: Any = None
        self._context: Any = None
        self._lock = threading.Lock()

    def run(self, commands: str) -> str:
        """Run `commands` as one transaction; returns the output. Raises SystemFailure."""
        with self._lock:
            self._open()
            library, context = self._library, self._context
            library.nft_ctx_output_set_flags(context, 0)
            return self._run(library, context, commands)

    def query(self, command: str) -> list[dict[str, Any]]:
        """Run a `list …` command; the objects of its JSON answer. Raises SystemFailure."""
        with self._lock:
            self._open()
            library, context = self._library, self._context
            library.nft_ctx_output_set_flags(context, _OUTPUT_JSON)
            answer = self._run(library, context, command)
        found = json.loads(answer) if answer.strip() else {}
        return list(found.get("nftables") or ())

    def _open(self) -> None:
        if self._context is not None:
            return
        self._library = _load()
        if nftprobe.crashes(_SONAME):
            raise SystemFailure(_CRASHES)
        self._context = self._library.nft_ctx_new(0)
        if not self._context:
            raise SystemFailure(f"{_SONAME} could not be initialized")
        self._library.nft_ctx_buffer_output(self._context)
        self._library.nft_ctx_buffer_error(self._context)

    def _run(self, library: Any, context: Any, commands: str) -> str:
        result = library.nft_run_cmd_from_buffer(context, commands.encode())
        output = library.nft_ctx_get_output_buffer(context) or b""
        error = library.nft_ctx_get_error_buffer(context) or b""
        if result != 0:
            text = error.decode("utf-8", "replace").strip()
            raise SystemFailure(f"nftables: {_first_line(text)}")
        return bytes(output).decode("utf-8", "replace")

    def close(self) -> None:
        with self._lock:
            if self._context is not None:
                self._library.nft_ctx_free(self._context)
                self._context = None


def _first_line(text: str) -> str:
    for line in text.splitlines():
        if "Error:" in line:
            return line[line.index("Error:") + 7 :].strip()
    return text.splitlines()[0] if text else "unknown failure"


class TableWatch:
    """Tells when a table vanishes, such as by another program's `flush ruleset`, and when others
    make chains, such as an engine or a firewall that starts after us.
    """

    DELETED, CHAIN, CLOSED = "deleted", "chain", ""

    def __init__(self) -> None:
        self._sock = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_NETFILTER
        )
        self._stop_read, self._stop_write = os.pipe2(os.O_CLOEXEC)
        try:
            self._sock.bind((0, 0))
            self._sock.setsockopt(_SOL_NETLINK, _ADD_MEMBERSHIP, _GROUP_NFTABLES)
        except BaseException:
            self.close()
            self.release()
            raise

    def wait(self, table: str) -> str:
        """Block until `table` was deleted or messages were lost (DELETED), another table got a
        chain (CHAIN), or `close` was called (CLOSED).
        """
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        poll.register(self._stop_read, select.POLLIN)
        while True:
            ready = {fd for fd, _ in poll.poll()}
            if self._stop_read in ready:
                return self.CLOSED
            try:
                data = self._sock.recv(1 << 16)
            except OSError:
                return self.DELETED  # ENOBUFS: something was lost, look yourself
            told = notifications(data)
            if (_MSG_DELTABLE, table) in told:
                return self.DELETED
            if any(kind == _MSG_NEWCHAIN and name != table for kind, name in told):
                return self.CHAIN

    def drain(self) -> None:
        """Forget what is queued: the caller is about to look at everything."""
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        while poll.poll(0):
            try:
                self._sock.recv(1 << 16)
            except OSError:
                return

    def close(self) -> None:
        """Make `wait` return CLOSED; its thread then calls `release`."""
        os.close(self._stop_write)

    def release(self) -> None:
        self._sock.close()
        os.close(self._stop_read)


def notifications(data: bytes) -> set[tuple[int, str]]:
    """(message, table) of a batch: tables deleted, chains made. Cut or strange data is ignored."""
    found = set()
    offset = 0
    while offset + 20 <= len(data):
        length, kind = struct.unpack_from("=IH", data, offset)
        if length < 20 or offset + length > len(data):
            break
        message = kind & 0xFF
        if kind >> 8 == _SUBSYS_NFTABLES and message in (_MSG_DELTABLE, _MSG_NEWCHAIN):
            at = offset + 20
            while at + 4 <= offset + length:
                size, attribute = struct.unpack_from("=HH", data, at)
                if size < 4:
                    break
                if attribute & 0x3FFF == _TABLE_NAME:  # NFTA_TABLE_NAME and NFTA_CHAIN_TABLE
                    name = data[at + 4 : at + size].rstrip(b"\0").decode("utf-8", "replace")
                    found.add((message, name))
                at += (size + 3) & ~3
        offset += (length + 3) & ~3
    return found
