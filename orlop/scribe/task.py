"""One process as the scribe knows it: its streams, its stdin, its place in the log."""

from __future__ import annotations

import os

from orlop.scribe import encode
from orlop.scribe.hub import Hub
from orlop.scribe.logfile import LogFile
from orlop.scribe.poller import EDGE, ERROR, HANGUP, READ, WRITE
from orlop.scribe.recorder import Recorder
from orlop.scribe.stream import Stream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from orlop.scribe.scribe import Scribe

_GRACE = 2.0  # seconds after the exit for others that hold the streams, as Docker


class Task:
    """`info` is the keeper's description, given back as it came to a keeper that takes over.

    Its fds: "p" pidfd, "o" and "e" the outputs' read ends, "i" stdin's write end, "m" the master
    of the terminal, in the order of info["fds"].
    """

    __slots__ = (
        "_noted",
        "closing_stdin",
        "drained",
        "exited",
        "exited_ns",
        "hub",
        "info",
        "key",
        "log",
        "master",
        "pidfd",
        "removed",
        "scribe",
        "stdin",
        "streams",
        "terminal",
    )

    def __init__(
        self, scribe: Scribe, info: dict[str, Any], fds: list[int], *, fresh: bool
    ) -> None:
        self.scribe = scribe
        self.info = info
        self.key: tuple[str, str] = (info["id"], info["exec_id"])
        named = dict(zip(info["fds"], fds))
        self.pidfd = named.get("p", -1)
        self.master = named.get("m", -1)
        self.terminal = self.master >= 0
        self.stdin = self.master if self.terminal else named.get("i", -1)
        self.closing_stdin = False
        self.exited = False
        self.exited_ns = 0
        self.drained = False
        self.removed = False
        self._noted = bool(info.get("stdin_noted"))
        self.log = self._open_log(info.get("log"), fresh)
        self.hub: Hub | None = scribe.hub(self.key)
        self.streams = self._open_streams(named)
        self.hub.begin(self)
        if self.terminal:
            scribe.poller.add(self.master, READ | WRITE | EDGE, self._handle_master)
        elif self.stdin >= 0:
            scribe.poller.add(self.stdin, WRITE | EDGE, self._handle_stdin)

    def _open_log(self, log: dict[str, Any] | None, fresh: bool) -> LogFile | None:
        if not log or log.get("driver") not in ("json-file", "local"):
            return None
        opened = LogFile(
            self.scribe.poller,
            log["path"],
            max_size=log.get("max_size") or 0,
            max_file=log.get("max_file") or 1,
            compress_=bool(log.get("compress")),
            local=log["driver"] == "local",
            position=log.get("position") or "",
        )
        opened.repair(fresh)
        return opened

    def _open_streams(self, named: dict[str, int]) -> list[Stream]:
        slots = self.info.get("slots") or (-1, -1)
        attrs = encode.attributes((self.info.get("log") or {}).get("attrs") or {})
        if self.terminal:
            wanted = [(1, "stdout", self.master)]
        else:
            wanted = [(1, "stdout", named.get("o", -1)), (2, "stderr", named.get("e", -1))]
        streams = []
        for number, name, fd in wanted:
            if fd < 0:
                continue
            recorder = None
            slot = slots[number - 1]
            if self.log is not None and slot >= 0:
                recorder = Recorder(
                    self.scribe.ledger, slot, self.log, name, attrs, f"{self.key[0]:.40}{slot:08x}"
                )
            streams.append(Stream(self, number, fd, recorder))
        return streams

    def wake(self) -> None:
        for stream in self.streams:
            stream.wake()

    def _handle_master(self, events: int) -> None:
        if events & (READ | HANGUP | ERROR):
            self.wake()
        if events & WRITE and self.hub is not None:
            self.hub.writable()

    def _handle_stdin(self, events: int) -> None:
        if events & ERROR:
            self.lose_stdin()
        elif self.hub is not None:
            self.hub.writable()

    # stdin: a writer's end is held here and, as a spare, by the keeper

    def note_stdin(self) -> None:
        if not self._noted and not self.terminal:
            self._noted = True
            self.info["stdin_noted"] = True
            self.scribe.tell_keeper(self, "stdin_noted")

    def close_stdin(self) -> None:
        """Once all was written: the process sees end of file when both ends are closed."""
        if self.terminal or self.stdin < 0:
            return
        if self.hub is not None and not self.hub.idle():
            self.closing_stdin = True
            return
        self.lose_stdin()

    def lose_stdin(self) -> None:
        if self.terminal or self.stdin < 0:
            return
        self.scribe.tell_keeper(self, "stdin_closed")  # first: it acts even if we are killed
        self.scribe.poller.remove(self.stdin)
        os.close(self.stdin)
        self.stdin = -1
        self.info["fds"] = self.info["fds"].replace("i", "")

    # the end

    def exit(self, exited_ns: int) -> None:
        """The process is dead: read what it wrote."""
        if self.exited:
            return
        self.exited = True
        self.exited_ns = exited_ns
        self.wake()
        self.check()
        if not self.drained:
            self.scribe.poller.after(_GRACE, self, self._force)

    def _force(self) -> None:
        """Others hold the streams and may go on for ever: nobody waits for them."""
        for stream in self.streams:
            stream.drain()
        self._drained()

    def check(self) -> None:
        """Called when a stream came to its end."""
        if self.exited and not self.drained and all(s.ended for s in self.streams):
            self._drained()
        if self.removed:
            self._dispose()

    def _drained(self) -> None:
        if self.drained:
            return
        self.drained = True
        self.scribe.poller.cancel(self)
        for stream in self.streams:
            stream.finish()
        if self.log is not None:
            self.log.close()
        if self.hub is not None:
            self.scribe.end_hub(self.hub)
            self.hub = None
        if self.pidfd >= 0:
            self.scribe.poller.remove(self.pidfd)
        self.scribe.tell_keeper(self, "drained")

    def remove(self) -> None:
        """The keeper is done with it; streams that others hold open are read on, to nowhere."""
        self.removed = True
        self._drained()
        self._dispose()

    def _dispose(self) -> None:
        poller = self.scribe.poller
        if self.terminal:
            for stream in self.streams:
                stream.ended = True
        if self.stdin >= 0:
            poller.remove(self.stdin)
            os.close(self.stdin)
            self.stdin = self.master = -1
        if self.pidfd >= 0:
            poller.remove(self.pidfd)
            os.close(self.pidfd)
            self.pidfd = -1
        if all(stream.ended for stream in self.streams):
            for stream in self.streams:
                stream.close()
            self.scribe.orphans.discard(self)
        else:
            self.scribe.orphans.add(self)

    def fds(self) -> list[int]:
        """In the order of info["fds"]."""
        by_number = {stream.number: stream.fd for stream in self.streams}
        named = {
            "p": self.pidfd,
            "o": by_number.get(1, -1),
            "e": by_number.get(2, -1),
            "i": self.stdin,
            "m": self.master,
        }
        return [named[name] for name in self.info["fds"]]
