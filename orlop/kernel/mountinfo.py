"""The table of mounts, /proc/self/mountinfo (proc_pid_mountinfo(5)). Few imports."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

TABLE = "/proc/self/mountinfo"
_ESCAPES = (
    ("\\040", " "),
    ("\\011", "\t"),
    ("\\012", "\n"),
    ("\\043", "#"),  # of sources only
    ("\\134", "\\"),
)


class Mount:
    """One line. `optional`: shared:N, master:N, …; `options`: those of the filesystem; `root`: what
    of it is mounted."""

    __slots__ = ("device", "kind", "optional", "options", "point", "root", "source")

    def __init__(self, line: str) -> None:
        left, _, right = line.rstrip("\n").partition(" - ")
        fields = left.split(" ")
        self.device = fields[2]
        self.root, self.point = _plain(fields[3]), _plain(fields[4])
        self.optional = fields[6:]
        self.kind, source, options = right.split(" ", 2)
        self.source = _plain(source)
        self.options = options.split(",")


def _plain(text: str) -> str:
    if "\\" in text:
        for escape, plain in _ESCAPES:
            text = text.replace(escape, plain)
    return text


def mounts(table: str = TABLE) -> Iterator[Mount]:
    with open(table, encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            yield Mount(line)


def is_point(path: str) -> bool:
    """`path` (absolute, without links) is mounted on; os.path.ismount misses binds on itself."""
    return any(mount.point == path for mount in mounts())


def is_bound_on_itself(path: str, table: str = TABLE) -> bool:
    """What is mounted on `path` (absolute, without links) last is only what lies there anyhow."""
    here = under(path, table)
    if here is None or here.point != path or path == "/":
        return False
    above = under(path.rpartition("/")[0] or "/", table)
    if above is None:
        return False
    inner = path.removeprefix(above.point.rstrip("/")).strip("/")
    return (here.device, here.root) == (above.device, f"{above.root.rstrip('/')}/{inner}")


def under(path: str, table: str = TABLE) -> Mount | None:
    """The mount that `path` (absolute, without links) is on: the last one at the deepest point.

    Not by device number: the directories of btrfs have others than their mount.
    """
    found: Mount | None = None
    for mount in mounts(table):
        above = mount.point.rstrip("/") + "/"
        if f"{path}/".startswith(above) and (found is None or len(mount.point) >= len(found.point)):
            found = mount
    return found
