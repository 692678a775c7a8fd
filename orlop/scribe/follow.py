"""Follow a log as it grows: wakes on change, goes on over rotations, ends when told.

One thread iterates; `end` (the container has ended, its log is complete) and `close` (nobody reads
any more) may come from any other.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from time import time_ns

from orlop.scribe import watch
from orlop.scribe.codec import JSON, Codec, skip_to_tail
from orlop.scribe.decode import Run
from orlop.scribe.logfiles import LogPart, older_names, open_parts
from orlop.scribe.readlog import Form, gather, render


class Follow:
    """Iterate for chunks in the client's form; `runs` gives the records instead."""

    def __init__(
        self,
        path: str,
        form: Form,
        *,
        tail: int | None = None,
        since_ns: int = 0,
        until_ns: int = 0,
        codec: Codec = JSON,
    ) -> None:
        self._path = path
        self._codec = codec
        self._name = os.fsencode(os.path.basename(path))
        self._form = form
        self._tail = tail
        self._since_ns = since_ns
        self._until_ns = until_ns
        self._changed = threading.Event()
        self._ended = False
        self._closed = False
        self._last_ns = since_ns
        self._past = False  # a record newer than `until` was seen

    def end(self) -> None:
        """No more will be written: stop at the end of what is there."""
        self._ended = True
        self._changed.set()

    def close(self) -> None:
        """Stop at once."""
        self._closed = True
        self._changed.set()

    def __iter__(self) -> Iterator[bytes]:
        for batch in self._batches():
            yield from gather(render(self._until(batch), self._form))
            if self._past or self._closed:
                return

    def runs(self) -> Iterator[Run]:
        for batch in self._batches():
            yield from self._until(batch)
            if self._past or self._closed:
                return

    def _until(self, batch: Iterator[Run]) -> Iterator[Run]:
        for run in batch:
            if self._until_ns and run.time_ns > self._until_ns:
                self._past = True
                return
            yield run

    def _batches(self) -> Iterator[Iterator[Run]]:
        """What was logged, then each time what came since."""
        stop_watching = self._watch()
        parts = open_parts(self._path)
        try:
            if self._tail is not None:
                parts = skip_to_tail(parts, self._tail, self._codec)
            while len(parts) > 1:
                yield self._decode(self._codec.blocks(parts[0], b""))
                parts.pop(0).close()
            for part, rest in self._grow(parts):
                yield self._decode(self._news(part, rest))
        finally:
            stop_watching()
            for part in parts:
                part.close()

    def _watch(self) -> Callable[[], None]:
        try:
            return watch.shared().add(os.path.dirname(self._path), self._notice)
        except FileNotFoundError:
            self._ended = True  # its directory is gone: nothing will come
            return lambda: None

    def _notice(self, name: bytes, deleted: bool) -> None:
        if name in (b"", self._name):
            if deleted and not os.path.lexists(self._path):
                self._ended = True  # removed with its container: a rotation only renames
            self._changed.set()

    def _grow(self, parts: list[LogPart]) -> Iterator[tuple[LogPart, list[bytes]]]:
        """The current file and its begun record, each time there may be news in it."""
        rest: list[bytes] = [b""]
        while not self._closed:
            self._changed.clear()
            ended = self._ended
            if not parts:
                self._open(parts)
            if parts:
                yield parts[0], rest
                following = self._successor(parts[0])
                if following is not None:
                    yield parts[0], rest  # written before it moved
                    rest[0] = b""
                    parts.pop().close()
                    parts.append(following)
                    self._enter(following)
                    continue
            if ended or not self._wait():
                return

    def _wait(self) -> bool:
        """False when `until` has passed."""
        if not self._until_ns:
            self._changed.wait()
            return True
        left = (self._until_ns - time_ns()) / 1e9
        return self._changed.wait(left) if left > 0 else False

    def _decode(self, found: Iterator[bytes]) -> Iterator[Run]:
        for block in found:
            for run in self._codec.decode(block, self._since_ns):
                self._last_ns = max(self._last_ns, run.time_ns)
                yield run

    def _news(self, part: LogPart, rest: list[bytes]) -> Iterator[bytes]:
        """Whole new records; a begun one waits in `rest`."""
        if os.fstat(part.fd).st_size < os.lseek(part.fd, 0, os.SEEK_CUR):
            os.lseek(part.fd, 0, os.SEEK_SET)  # truncated, by an administrator
            rest[0] = b""
        before, rest[0] = rest[0], b""
        for block in self._codec.blocks(part, before):
            if self._codec.is_whole(block):
                yield block
            else:
                rest[0] = block

    def _successor(self, part: LogPart) -> LogPart | None:
        """The file that came after this one, open, when it is no longer the current."""
        while (name := self._successor_name(part)) is not None:
            try:
                found = LogPart(name)
            except FileNotFoundError:
                continue  # another rotation came between
            again = self._successor_name(part)
            try:
                if again is not None and os.stat(again).st_ino == found.inode:
                    return found
            except FileNotFoundError:
                pass
            found.close()
        return None

    def _successor_name(self, part: LogPart) -> str | None:
        try:
            if os.stat(self._path).st_ino == part.inode:
                return None
        except FileNotFoundError:
            return None
        newer = self._path
        names = older_names(self._path)
        for name in names:
            try:
                if os.stat(name).st_ino == part.inode:
                    return newer
            except FileNotFoundError:
                pass
            newer = name
        # Ours is gone, removed or compressed: go on with the first that begins later.
        for name in reversed(names):
            if self._begins(name) > self._last_ns:
                return name
        return self._path

    def _open(self, parts: list[LogPart]) -> None:
        try:
            parts.append(LogPart(self._path))
        except FileNotFoundError:
            return
        self._enter(parts[0])

    def _enter(self, part: LogPart) -> None:
        """Reading begins in another file."""

    def _begins(self, name: str) -> int:
        """The time of a file's first record; 0 when it has none."""
        try:
            part = LogPart(name)
        except FileNotFoundError:
            return 0
        try:
            for block in self._codec.blocks(part, b""):
                for run in self._codec.decode(block, 0):
                    return run.time_ns
            return 0
        finally:
            part.close()
