"""`ps`: list containers."""

from orlop.cli.failure import Failure
from orlop.cli.listing import Row, joined_labels, local_time, show
from orlop.cli.options import Options
from orlop.cli.out import err
from orlop.cli.session import Session
from orlop.cli.units import human_duration, human_size
from orlop.client.transport import query
from orlop.oci.jsonlite import dumps
from orlop.text import ellipsis, go_quote, short_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]

HEADERS = {
    "ID": "CONTAINER ID", "Names": "NAMES", "Image": "IMAGE", "Command": "COMMAND",
    "CreatedAt": "CREATED AT", "RunningFor": "CREATED", "Ports": "PORTS", "State": "STATE",
    "Status": "STATUS", "Size": "SIZE", "Labels": "LABELS", "Mounts": "MOUNTS",
    "LocalVolumes": "LOCAL VOLUMES", "Networks": "NETWORKS", "Platform": "PLATFORM",
}  # fmt: skip
COLUMNS = ("ID", "Image", "Command", "RunningFor", "Status", "Ports", "Names")
RAW = (
    "container_id: {{.ID}}\nimage: {{.Image}}\ncommand: {{.Command}}\n"
    "created_at: {{.CreatedAt}}\nstate: {{- pad .State 1 0}}\nstatus: {{- pad .Status 1 0}}\n"
    "names: {{.Names}}\nlabels: {{- pad .Labels 1 0}}\nports: {{- pad .Ports 1 0}}\n"
)


class Container(Row):
    """One entry of /containers/json."""

    TYPE = "*formatter.ContainerContext"

    __slots__ = ("c", "trunc", "used")

    def __init__(self, container: "Json", trunc: bool) -> None:
        self.c = container
        self.trunc = trunc
        self.used: set[str] = set()

    def ID(self) -> str:
        return short_id(self.c["Id"]) if self.trunc else str(self.c["Id"])

    def Names(self) -> str:
        names = [n[1:] for n in self.c.get("Names") or ()]
        if self.trunc:
            names = next(([n] for n in names if "/" not in n), names)
        return ",".join(names)

    def Image(self) -> str:
        image = str(self.c.get("Image") or "")
        if not image:
            return "<no image>"
        if not self.trunc:
            return image
        short = short_id(self.c.get("ImageID") or "")
        if short == short_id(image):
            return short
        if "@" not in image and not image.startswith(("docker.io/", "index.docker.io/")):
            return image
        from orlop.cli.reference import parse

        try:
            ref = parse(image)
        except ValueError:
            return image
        return ref.familiar_name + (f":{ref.tag}" if ref.tag else "")

    def Command(self) -> str:
        command = str(self.c.get("Command") or "")
        return go_quote(ellipsis(command, 20) if self.trunc else command)

    def CreatedAt(self) -> str:
        return local_time(self.c.get("Created") or 0)

    def RunningFor(self) -> str:
        import time

        return human_duration(time.time() - (self.c.get("Created") or 0)) + " ago"

    def Platform(self) -> object:
        from orlop.template.values import NilPointer

        found = (self.c.get("ImageManifestDescriptor") or {}).get("platform")
        return found or NilPointer("*formatter.Platform")

    def Ports(self) -> str:
        ports = self.c.get("Ports")
        return display_ports(ports) if ports else ""

    def State(self) -> str:
        return str(self.c.get("State") or "")

    def Status(self) -> str:
        return str(self.c.get("Status") or "")

    def Size(self) -> str:
        self.used.add("Size")
        text = human_size(self.c.get("SizeRw") or 0, 3)
        whole = self.c.get("SizeRootFs") or 0
        return f"{text} (virtual {human_size(whole, 3)})" if whole > 0 else text

    def Labels(self) -> str:
        return joined_labels(self.c.get("Labels"))

    def Label(self, name: str) -> str:
        return str((self.c.get("Labels") or {}).get(name, ""))

    def Mounts(self) -> str:
        names = [m.get("Name") or m.get("Source", "") for m in self.c.get("Mounts") or ()]
        return ",".join(ellipsis(n, 15) if self.trunc else n for n in names)

    def LocalVolumes(self) -> str:
        return str(sum(m.get("Driver") == "local" for m in self.c.get("Mounts") or ()))

    def Networks(self) -> str:
        settings = self.c.get("NetworkSettings") or {}
        return ",".join(settings.get("Networks") or {})


def host_port(ip: str, port: object) -> str:
    return f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"


def display_ports(ports: "list[Json]") -> str:
    """0.0.0.0:8080->80/tcp, 90-92/udp: equal ranges are drawn together."""
    entries = sorted(
        (p["PrivatePort"], p.get("IP") or "", p.get("PublicPort") or 0, p["Type"]) for p in ports
    )
    groups: dict[str, list[int]] = {}
    result: list[str] = []
    mapped: list[str] = []
    for private, ip, public, kind in entries:
        key = kind
        if ip:
            if public != private:
                mapped.append(f"{host_port(ip, public)}->{private}/{kind}")
                continue
            key = f"{ip}/{kind}"
        group = groups.get(key)
        if group is None:
            groups[key] = [private, private]
        elif private == group[1] + 1:
            group[1] = private
        else:
            result.append(_group(key, *group))
            groups[key] = [private, private]
    result += [_group(key, *group) for key, group in groups.items()]
    return ", ".join(result + mapped)


def _group(key: str, first: int, last: int) -> str:
    ip, slash, kind = key.rpartition("/")
    text = str(first) if first == last else f"{first}-{last}"
    if slash:
        text = f"{host_port(ip, text)}->{text}"
    return f"{text}/{kind}"


def _wants_size(format_: str) -> bool:
    from orlop.template import TemplateError, parse

    probe = Container({"Id": ""}, True)
    try:
        template = parse(format_)
    except TemplateError as e:
        raise Failure(f"failed to parse template: {e}") from None
    try:
        template.execute(probe.as_struct())
    except TemplateError as e:
        raise Failure(f"failed to execute template: {e}") from None
    return "Size" in probe.used


def size_requested(options: Options, format_: str) -> bool:
    """-s, or a format that shows the size."""
    if format_ and not options.flag("size"):
        wanted = _wants_size(format_)
        return wanted and not options.flag("quiet") and not options.changed("size")
    return options.flag("size")


def final_format(format_: str, quiet: bool, size: bool) -> str:
    if format_ == "raw":
        if quiet:
            return "container_id: {{.ID}}"
        return RAW + ("size: {{.Size}}\\n" if size else "")
    if quiet:
        return "{{.ID}}"
    return "" if format_ == "table" else format_


def ps(session: Session, options: Options) -> None:
    quiet, format_ = options.flag("quiet"), options.text("format")
    if not format_:
        format_ = str(session.config.get("psFormat") or "")
    elif quiet:
        err("WARNING: Ignoring custom format, because both --format and --quiet are set.\n")
    last = options.number("last", -1)
    size = size_requested(options, format_)
    filters = options.map("filter")
    entries = session.client.call(
        "GET",
        "/containers/json"
        + query(
            {
                "all": options.flag("all"),
                "filters": dumps(filters) if filters else None,
                "limit": 1 if options.flag("latest") and last == -1 else last if last > 0 else None,
                "size": size,
            }
        ),
    )
    trunc = not options.flag("no-trunc")
    rows = [Container(c, trunc) for c in entries or ()]
    wanted = final_format(format_, quiet, size)
    if wanted == "{{.ID}}":
        from orlop.cli.out import out

        out("".join(r.ID() + "\n" for r in rows))
        return
    show(rows, HEADERS, (*COLUMNS, "Size") if size else COLUMNS, wanted)
