"""`stats`: resource use of containers, once or as a live table."""

from orlop.cli.failure import Failure
from orlop.cli.listing import Row, format_of, render
from orlop.cli.options import Options
from orlop.cli.out import is_terminal, out
from orlop.cli.session import Session
from orlop.cli.table import table
from orlop.cli.text import ellipsis
from orlop.cli.units import bytes_size, human_size
from orlop.client.transport import query, quote
from orlop.errors import OrlopError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

HEADERS = {
    "Container": "CONTAINER",
    "ID": "CONTAINER ID",
    "Name": "NAME",
    "CPUPerc": "CPU %",
    "MemUsage": "MEM USAGE / LIMIT",
    "MemPerc": "MEM %",
    "NetIO": "NET I/O",
    "BlockIO": "BLOCK I/O",
    "PIDs": "PIDS",
}
COLUMNS = ("ID", "Name", "CPUPerc", "MemUsage", "MemPerc", "NetIO", "BlockIO", "PIDs")


class Stat(Row):
    TYPE = "*container.statsContext"
    __slots__ = ("_asked", "_full", "_s")

    def __init__(self, sample: "Any", asked: str, full: bool) -> None:
        self._s = sample
        self._asked = asked
        self._full = full

    def Container(self) -> str:
        return self._asked

    def ID(self) -> str:
        ident: str = self._s["id"]
        return ident if self._full else ident[:12]

    def Name(self) -> str:
        name: str = self._s["name"].lstrip("/")
        return name or "--"

    def _live(self) -> bool:
        return bool(self._s.get("memory_stats"))

    def CPUPerc(self) -> str:
        if not self._live():
            return "--"
        return f"{_cpu(self._s):.2f}%"

    def _memory(self) -> tuple[int, int]:
        memory = self._s["memory_stats"]
        used = memory.get("usage", 0)
        stats = memory.get("stats") or {}
        for name in ("total_inactive_file", "inactive_file"):
            if name in stats:  # what the kernel gives back at once is not use
                used = used - stats[name] if stats[name] < used else used
                break
        return used, memory.get("limit", 0)

    def MemUsage(self) -> str:
        if not self._live():
            return "-- / --"
        used, limit = self._memory()
        return f"{bytes_size(used)} / {bytes_size(limit)}"

    def MemPerc(self) -> str:
        if not self._live():
            return "--"
        used, limit = self._memory()
        return f"{used * 100 / limit if limit else 0:.2f}%"

    def NetIO(self) -> str:
        if not self._live():
            return "--"
        networks = (self._s.get("networks") or {}).values()
        received = sum(n.get("rx_bytes", 0) for n in networks)
        sent = sum(n.get("tx_bytes", 0) for n in networks)
        return f"{human_size(received, 3)} / {human_size(sent, 3)}"

    def BlockIO(self) -> str:
        if not self._live():
            return "--"
        read = written = 0
        for entry in self._s["blkio_stats"].get("io_service_bytes_recursive") or ():
            if entry["op"][:1] in ("r", "R"):
                read += entry["value"]
            elif entry["op"][:1] in ("w", "W"):
                written += entry["value"]
        return f"{human_size(read, 3)} / {human_size(written, 3)}"

    def PIDs(self) -> str:
        if not self._live():
            return "--"
        return str(self._s["pids_stats"].get("current", 0))


def _cpu(sample: "Any") -> float:
    """Per cent of one processor since the sample before, times the processors."""
    now, before = sample["cpu_stats"], sample["precpu_stats"]
    used = now["cpu_usage"]["total_usage"] - before["cpu_usage"]["total_usage"]
    system = now.get("system_cpu_usage", 0) - before.get("system_cpu_usage", 0)
    if system <= 0 or used <= 0:
        return 0.0
    count = now.get("online_cpus") or len(now["cpu_usage"].get("percpu_usage") or ()) or 1
    return float(used / system * count * 100)


def stats(session: Session, options: Options) -> int:
    once = options.flag("no-stream")
    full = options.flag("no-trunc")
    format_ = format_of(options.text("format"), session.config.get("statsFormat"), False)
    for name in options.args:
        session.client.raw("GET", f"/containers/{quote(name)}/json")
    while True:
        rows, failures = _sample(session, options, full)
        if failures and (once or not rows):
            raise Failure("\n".join(failures))
        text = _text(rows, format_, full)
        if once:
            out(text)
            return 0
        out(f"\x1b[H\x1b[2J{text}" if is_terminal(1) else text)


def _sample(session: Session, options: Options, full: bool) -> tuple[list[Stat], list[str]]:
    """One sample of each container; it takes the daemon a second, as rates need two looks."""
    names = options.args or [
        c["Id"][:12]
        for c in session.client.call(
            "GET", "/containers/json" + query({"all": options.flag("all")})
        )
    ]
    if not names:
        import select

        select.select([], [], [], 1)
        return [], []
    from concurrent.futures import ThreadPoolExecutor

    from orlop.client.host import client_for

    def ask(name: str) -> "Any":
        client = client_for(session.settings, session.config)
        try:
            return client.call("GET", f"/containers/{quote(name)}/stats?stream=0")
        except OrlopError as e:
            return e

    with ThreadPoolExecutor(min(32, len(names))) as pool:
        answers = list(pool.map(ask, names))
    failures = [str(a.message) for a in answers if isinstance(a, OrlopError)]
    rows = [Stat(a, n, full) for n, a in zip(names, answers) if not isinstance(a, OrlopError)]
    return rows, failures


def _text(rows: list[Stat], format_: str, full: bool) -> str:
    if format_:
        return render(rows, HEADERS, format_)
    heads = [HEADERS[c] for c in COLUMNS]
    cells = [[str(getattr(r, c)()) for c in COLUMNS] for r in rows]
    if not full:
        for row in cells:
            row[1] = ellipsis(row[1], 40)
    return table(heads, cells)
