"""`stats`: what containers use, once or as a table that renews itself twice a second."""

import threading
import time

from orlop.cli.failure import Failure
from orlop.cli.listing import Row, format_of, render
from orlop.cli.options import Options
from orlop.cli.out import out
from orlop.cli.session import Session
from orlop.cli.table import table
from orlop.cli.units import bytes_size, human_size
from orlop.client.transport import Client, query, quote
from orlop.errors import OrlopError
from orlop.oci.jsonlite import split
from orlop.text import short_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    Json = dict[str, Any]

HEADERS = {
    "Container": "CONTAINER", "Name": "NAME", "ID": "CONTAINER ID", "CPUPerc": "CPU %",
    "MemUsage": "MEM USAGE / LIMIT", "MemPerc": "MEM %", "NetIO": "NET I/O",
    "BlockIO": "BLOCK I/O", "PIDs": "PIDS",
}  # fmt: skip
COLUMNS = ("ID", "Name", "CPUPerc", "MemUsage", "MemPerc", "NetIO", "BlockIO", "PIDs")
_PERIOD = 0.5  # seconds between two pictures
_PATIENCE = 2.0  # seconds until a container without news counts as silent


class Stat(Row):
    """One container's line, from an entry of `entry_of` or one that is invalid."""

    TYPE = "*container.statsContext"
    __slots__ = ("s", "trunc", "windows")

    def __init__(self, entry: "Json", trunc: bool, windows: bool = False) -> None:
        self.s = entry
        self.trunc = trunc
        self.windows = windows

    def Container(self) -> str:
        return str(self.s["Container"])

    def Name(self) -> str:
        name = str(self.s["Name"])
        return name[1:] if len(name) > 1 else "--"

    def ID(self) -> str:
        return short_id(self.s["ID"]) if self.trunc else str(self.s["ID"])

    def CPUPerc(self) -> str:
        return "--" if self.s["IsInvalid"] else f"{self.s['CPUPercentage']:.2f}%"

    def MemUsage(self) -> str:
        if self.s["IsInvalid"]:
            return "-- / --"
        used = bytes_size(self.s["Memory"])
        return used if self.windows else f"{used} / {bytes_size(self.s['MemoryLimit'])}"

    def MemPerc(self) -> str:
        if self.s["IsInvalid"] or self.windows:
            return "--"
        return f"{self.s['MemoryPercentage']:.2f}%"

    def NetIO(self) -> str:
        return self._pair("NetworkRx", "NetworkTx")

    def BlockIO(self) -> str:
        return self._pair("BlockRead", "BlockWrite")

    def PIDs(self) -> str:
        return "--" if self.s["IsInvalid"] or self.windows else str(self.s["PidsCurrent"])

    def _pair(self, first: str, second: str) -> str:
        if self.s["IsInvalid"]:
            return "--"
        return f"{human_size(self.s[first], 3)} / {human_size(self.s[second], 3)}"


def blank(container: str) -> "Json":
    """An entry before the first sample."""
    numbers = ("CPUPercentage", "Memory", "MemoryLimit", "MemoryPercentage", "NetworkRx",
               "NetworkTx", "BlockRead", "BlockWrite", "PidsCurrent")  # fmt: skip
    return {"Container": container, "Name": "", "ID": "", "IsInvalid": False} | dict.fromkeys(
        numbers, 0
    )


def entry_of(container: str, sample: "Json") -> "Json":
    """The figures of one API sample."""
    used, limit = _memory(sample.get("memory_stats") or {})
    networks = (sample.get("networks") or {}).values()
    read = written = 0
    blkio = sample.get("blkio_stats") or {}
    for one in blkio.get("io_service_bytes_recursive") or ():
        if one["op"][:1] in ("r", "R"):
            read += one["value"]
        elif one["op"][:1] in ("w", "W"):
            written += one["value"]
    return {
        "Container": container,
        "Name": sample.get("name", ""),
        "ID": sample.get("id", ""),
        "CPUPercentage": _cpu(sample),
        "Memory": used,
        "MemoryLimit": limit,
        "MemoryPercentage": used / limit * 100 if limit else 0,
        "NetworkRx": sum(n.get("rx_bytes", 0) for n in networks),
        "NetworkTx": sum(n.get("tx_bytes", 0) for n in networks),
        "BlockRead": read,
        "BlockWrite": written,
        "PidsCurrent": (sample.get("pids_stats") or {}).get("current", 0),
        "IsInvalid": False,
    }


def _memory(memory: "Json") -> tuple[int, int]:
    """(use without what the kernel can give back at once, limit)."""
    used, stats = memory.get("usage", 0), memory.get("stats") or {}
    for name in ("total_inactive_file", "inactive_file"):  # cgroup v1, v2
        if name in stats and stats[name] < used:
            used -= stats[name]
            break
    return used, memory.get("limit", 0)


def _cpu(sample: "Json") -> float:
    """Per cent of one processor, times the processors, since the sample before."""
    now, before = sample.get("cpu_stats") or {}, sample.get("precpu_stats") or {}
    use_now, use_before = now.get("cpu_usage") or {}, before.get("cpu_usage") or {}
    used = use_now.get("total_usage", 0) - use_before.get("total_usage", 0)
    system = now.get("system_cpu_usage", 0) - before.get("system_cpu_usage", 0)
    count = now.get("online_cpus") or len(use_now.get("percpu_usage") or ())
    return used / system * count * 100 if system > 0 and used > 0 else 0.0


class _Watch:
    """One container's stream, read on a thread; `entry` is the newest picture of it."""

    def __init__(self, client: Client, name: str, stream: bool) -> None:
        self.entry = blank(name)
        self.error: OrlopError | None = None
        self.ready = threading.Event()
        self._client = client
        self._stream = stream
        self._heard = time.monotonic()
        threading.Thread(target=self._read, args=(name,), daemon=True).start()

    def _read(self, name: str) -> None:
        try:
            path = f"/containers/{quote(name)}/stats?stream={int(self._stream)}"
            response = self._client.open("GET", path)
            rest = ""
            for data in response.chunks():
                found, rest = split(rest + data.decode("utf-8", "replace"))
                for sample in found:
                    self._heard = time.monotonic()
                    self.entry = entry_of(name, sample)
                    self.ready.set()
        except OrlopError as e:
            self.error = e
        except OSError as e:
            self.error = OrlopError(str(e))
        self.entry = {**self.entry, "IsInvalid": self._stream or self.error is not None}
        self.ready.set()

    def picture(self) -> "Json":
        if self._stream and time.monotonic() - self._heard > _PATIENCE:
            name, ident = self.entry["Name"], self.entry["ID"]
            empty = blank(self.entry["Container"])
            return {**empty, "Name": name, "ID": ident, "IsInvalid": True}
        return self.entry


class _All:
    """Follows which containers there are, by events."""

    def __init__(self, session: Session, everything: bool, stream: bool) -> None:
        self.watches: dict[str, _Watch] = {}
        self._client = session.client
        self._everything = everything
        self._stream = stream
        if stream:
            # subscribe before listing, or a start in between is lost
            events = self._client.open("GET", '/events?filters={"type":{"container":true}}')
            threading.Thread(target=self._follow, args=(events,), daemon=True).start()
        listed = session.client.call("GET", "/containers/json" + query({"all": everything}))
        for container in listed or ():
            self._add(container["Id"][:12])

    def _add(self, name: str) -> None:
        if name not in self.watches:
            self.watches[name] = _Watch(self._client, name, self._stream)

    def _follow(self, events: "Any") -> None:
        rest = ""
        try:
            for data in events.chunks():
                found, rest = split(rest + data.decode("utf-8", "replace"))
                for event in found:
                    name, action = event["Actor"]["ID"][:12], event["Action"]
                    if action == "start" or (action == "create" and self._everything):
                        self._add(name)
                    elif action == "die" and not self._everything:
                        self.watches.pop(name, None)
        except (OrlopError, OSError):
            return


def stats(session: Session, options: Options) -> None:
    stream = not options.flag("no-stream")
    format_ = format_of(options.text("format"), session.config.get("statsFormat"), False)
    trunc = not options.flag("no-trunc")
    if options.args:
        watches = {n: _Watch(session.client, n, stream) for n in dict.fromkeys(options.args)}
        _await(watches)
        errors = [w.error.message for w in watches.values() if w.error is not None]
        if errors:
            raise Failure("\n".join(errors))
    else:
        watches = _All(session, options.flag("all"), stream).watches
        _await(watches)
    time.sleep(0 if not stream else _PERIOD)
    while True:
        rows = [Stat(w.picture(), trunc) for w in list(watches.values())]
        text = picture(rows, format_)
        if not stream:
            out(text)
            return
        # each line ends what is left of the one it covers, the last what is below
        lines = ("\x1b[H" + text).split("\n")
        out("".join(f"{line} \x1b[K\n" for line in lines) + "\x1b[J")
        time.sleep(_PERIOD)


def _await(watches: dict[str, _Watch]) -> None:
    for watch in list(watches.values()):
        watch.ready.wait()


def picture(rows: "Sequence[Stat]", format_: str) -> str:
    """The rows as text, "" is the table."""
    if format_:
        return render(rows, HEADERS, format_)
    return table(
        [HEADERS[c] for c in COLUMNS], [[str(getattr(r, c)()) for c in COLUMNS] for r in rows]
    )
