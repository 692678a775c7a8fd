"""`system df`: what takes the room."""

from orlop.cli.failure import Failure
from orlop.cli.images import HEADERS as IMAGE_HEADERS
from orlop.cli.images import Image, is_dangling
from orlop.cli.listing import Row, render, show
from orlop.cli.options import Options
from orlop.cli.out import out
from orlop.cli.ps import HEADERS as CONTAINER_HEADERS
from orlop.cli.ps import Container
from orlop.cli.reference import parse as parse_reference
from orlop.cli.session import Session
from orlop.cli.units import human_duration, human_size
from orlop.cli.volume import HEADERS as VOLUME_HEADERS
from orlop.cli.volume import Volume
from orlop.client.transport import ApiError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]

_HEADERS = {
    "Type": "TYPE", "TotalCount": "TOTAL", "Active": "ACTIVE", "Size": "SIZE",
    "Reclaimable": "RECLAIMABLE",
}  # fmt: skip
_CACHE = {
    "ID": "CACHE ID", "Parent": "PARENT", "CacheType": "CACHE TYPE", "Size": "SIZE",
    "CreatedSince": "CREATED", "LastUsedSince": "LAST USED", "UsageCount": "USAGE",
    "Shared": "SHARED", "Description": "DESCRIPTION",
}  # fmt: skip
_RAW = (
    "type: {{.Type}}\ntotal: {{.TotalCount}}\nactive: {{.Active}}\nsize: {{.Size}}\n"
    "reclaimable: {{.Reclaimable}}\n"
)


class Usage(Row):
    """One line of the summary."""

    TYPE = "*formatter.diskUsageImagesContext"
    __slots__ = ("_values",)

    def __init__(self, kind: str, total: int, active: int, size: int, free: int, share: bool):
        text = human_size(free)
        if share and size > 0:
            text += f" ({int(free * 100 / size)}%)"
        self._values = (kind, str(total), str(active), human_size(size), text)

    def Type(self) -> str:
        return self._values[0]

    def TotalCount(self) -> str:
        return self._values[1]

    def Active(self) -> str:
        return self._values[2]

    def Size(self) -> str:
        return self._values[3]

    def Reclaimable(self) -> str:
        return self._values[4]


class Cache(Row):
    TYPE = "*formatter.buildCacheContext"
    __slots__ = ("b", "trunc")

    def __init__(self, record: "Json", trunc: bool) -> None:
        self.b = record
        self.trunc = trunc

    def ID(self) -> str:
        ident = str(self.b["ID"])
        if self.trunc:
            ident = ident[:12]
        return ident + ("*" if self.b.get("InUse") else "")

    def Parent(self) -> str:
        parents = self.b.get("Parents") or [self.b.get("Parent") or ""]
        return ", ".join(p[:12] if self.trunc else p for p in parents)

    def CacheType(self) -> str:
        return str(self.b.get("Type") or "")

    def Description(self) -> str:
        return str(self.b.get("Description") or "")

    def Size(self) -> str:
        return human_size(self.b.get("Size") or 0, 3)

    def CreatedSince(self) -> str:
        return _since(str(self.b.get("CreatedAt") or ""))

    def LastUsedSince(self) -> str:
        used = self.b.get("LastUsedAt")
        return _since(str(used)) if used else ""

    def UsageCount(self) -> str:
        return str(self.b.get("UsageCount") or 0)

    def InUse(self) -> str:
        return "true" if self.b.get("InUse") else "false"

    def Shared(self) -> str:
        return "true" if self.b.get("Shared") else "false"


def _since(text: str) -> str:
    import calendar
    import time

    try:
        seconds = calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S"))
    except ValueError:
        return "N/A"
    return human_duration(time.time() - seconds) + " ago"


def summary(du: "Json") -> list[Usage]:
    images = du.get("Images") or []
    total = int(du.get("LayersSize") or 0)
    used = sum(
        i["Size"] - i["SharedSize"]
        for i in images
        if i.get("Containers", 0) != 0 and i.get("Size") != -1 and i.get("SharedSize") != -1
    )
    containers = du.get("Containers") or []
    active = [c for c in containers if c.get("State") in ("running", "paused", "restarting")]
    size = sum(c.get("SizeRw") or 0 for c in containers)
    idle = size - sum(c.get("SizeRw") or 0 for c in active)
    volumes = [v for v in du.get("Volumes") or [] if v.get("UsageData")]
    known = [v["UsageData"] for v in volumes if v["UsageData"]["Size"] != -1]
    cache = du.get("BuildCache") or []
    built = sum(b.get("Size") or 0 for b in cache if not b.get("Shared"))
    busy = sum(b.get("Size") or 0 for b in cache if b.get("InUse") and not b.get("Shared"))
    return [
        Usage("Images", len(images), sum(i.get("Containers", 0) > 0 for i in images), total,
              total - used, True),
        Usage("Containers", len(containers), len(active), size, idle, True),
        Usage("Local Volumes", len(du.get("Volumes") or []),
              sum(v["UsageData"]["RefCount"] > 0 for v in volumes),
              sum(u["Size"] for u in known),
              sum(u["Size"] for u in known if u["RefCount"] == 0), True),
        Usage("Build Cache", len(cache), sum(bool(b.get("InUse")) for b in cache), built,
              built - busy, False),
    ]  # fmt: skip


def _images(du: "Json", trunc: bool) -> list[Image]:
    rows = []
    for image in du.get("Images") or ():
        repo = tag = "<none>"
        if image.get("RepoTags") and not is_dangling(image):
            try:
                ref = parse_reference(image["RepoTags"][0])
            except ValueError:
                continue
            if ref.tag:
                repo, tag = ref.familiar_name, ref.tag
        rows.append(Image(image, repo, tag, "", trunc))
    return rows


def _sections(
    du: "Json", trunc: bool
) -> tuple[list[Image], list[Container], list[Volume], list[Cache]]:
    containers = [Container({**c, "SizeRootFs": 0}, trunc) for c in du.get("Containers") or ()]
    records = sorted(
        du.get("BuildCache") or (),
        key=lambda b: (b.get("LastUsedAt") or "", b.get("CreatedAt") or ""),
    )
    return (
        _images(du, trunc),
        containers,
        [Volume(v) for v in du.get("Volumes") or ()],
        [Cache(b, trunc) for b in records],
    )


def _verbose(du: "Json") -> None:
    images, containers, volumes, cache = _sections(du, True)
    out("Images space usage:\n\n")
    show(
        images,
        IMAGE_HEADERS,
        ("Repository", "Tag", "ID", "CreatedSince", "Size", "SharedSize", "UniqueSize",
         "Containers"),
        "",
    )  # fmt: skip
    out("\nContainers space usage:\n\n")
    show(
        containers,
        CONTAINER_HEADERS,
        ("ID", "Image", "Command", "LocalVolumes", "Size", "RunningFor", "Status", "Names"),
        "",
    )
    out("\nLocal Volumes space usage:\n\n")
    show(volumes, VOLUME_HEADERS, ("Name", "Links", "Size"), "")
    size = sum(b.b.get("Size") or 0 for b in cache if not b.b.get("Shared"))
    out(f"\nBuild cache usage: {human_size(size)}\n\n")
    show(
        cache,
        _CACHE,
        ("ID", "CacheType", "Size", "CreatedSince", "LastUsedSince", "UsageCount", "Shared"),
        "",
    )


def _root(session: Session) -> None:
    """Beyond Docker's tables: every byte of the data root, and what nobody knows by its path."""
    from orlop.cli.ours import rows
    from orlop.cli.table import align

    try:
        found = list(rows(session, "/orlop/usage"))
    except ApiError as e:
        if e.status == 404:
            return  # a dockerd
        raise
    kinds: dict[str, list[int]] = {}
    for row in found:
        total = kinds.setdefault(row["Kind"], [0, 0])
        total[0] += row["Bytes"]
        total[1] += row["Files"]
    lines = ["KIND\tON DISK\tFILES"]
    for kind, (size, files) in sorted(kinds.items(), key=lambda pair: -pair[1][0]):
        lines.append(f"{kind}\t{human_size(size, 3)}\t{files}")
    size = sum(total[0] for total in kinds.values())
    out(f"\nData root usage: {human_size(size, 3)}\n\n" + align("\n".join(lines) + "\n"))
    for row in found:
        if row["Kind"] == "lost":
            out(f"lost: {row['ID']} ({human_size(row['Bytes'], 3)})\n")


def df(session: Session, options: Options) -> None:
    du = session.client.call("GET", "/system/df")
    out_format = options.text("format") or "table"
    if options.flag("verbose"):
        if out_format == "table":
            _verbose(du)
            _root(session)
        else:
            out(render_verbose(du, out_format))
        return
    show(summary(du), _HEADERS, tuple(_HEADERS), summary_format(out_format))


def summary_format(format_: str) -> str:
    return "" if format_ == "table" else _RAW if format_ == "raw" else format_


def render_verbose(du: "Json", format_: str) -> str:
    """All objects as one value for the template. Raises Failure."""
    from orlop.template import TemplateError, parse
    from orlop.template.values import Struct

    table = format_.startswith("table")
    images, containers, volumes, cache = _sections(du, table)
    if format_ == "raw":
        return _raw_verbose(images, containers, volumes, cache)
    text = "{{json .}}" if format_ == "json" else format_.removeprefix("table")
    fields: dict[str, Any] = {
        name: [r.as_struct() for r in rows]
        for name, rows in (
            ("Images", images),
            ("Containers", containers),
            ("Volumes", volumes),
            ("BuildCache", cache),
        )
    }
    try:
        template = parse(text.strip(" ").replace("\\t", "\t").replace("\\n", "\n"))
        return template.execute(Struct("*formatter.diskUsageContext", fields, fields))
    except TemplateError as e:
        raise Failure(str(e)) from None


def _raw_verbose(
    images: list[Image], containers: list[Container], volumes: list[Volume], cache: list[Cache]
) -> str:
    from orlop.cli.images import final_format as image_format
    from orlop.cli.ps import final_format as container_format
    from orlop.cli.volume import final_format as volume_format

    text = ""
    for kind, rows, format_ in (
        ("Image", images, image_format("raw", False, True)),
        ("Container", containers, container_format("raw", False, True)),
        ("Volume", volumes, volume_format("raw", False)),
        ("Build Cache", cache, "build_cache_id: {{.ID}}\nparent_id: {{.Parent}}\n"
         "build_cache_type: {{.CacheType}}\ndescription: {{.Description}}\n"
         "created_at: {{.CreatedSince}}\nlast_used_at: {{.LastUsedSince}}\nusage_count: "
         "{{.UsageCount}}\nin_use: {{.InUse}}\nshared: {{.Shared}}\n"),
    ):  # fmt: skip
        for row in rows:
            text += f"type: {kind}\n" + render([row], {}, format_)
    return text
