"""`volume`."""

from orlop.cli.failure import Failure
from orlop.cli.listing import Row, format_of, joined_labels, natural, show
from orlop.cli.options import Options
from orlop.cli.out import out
from orlop.cli.session import Session
from orlop.cli.units import human_size
from orlop.client.transport import query, quote
from orlop.errors import OrlopError
from orlop.oci.jsonlite import dumps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]

HEADERS = {
    "ID": "ID", "Name": "VOLUME NAME", "Group": "GROUP", "Driver": "DRIVER", "Scope": "SCOPE",
    "Availability": "AVAILABILITY", "Mountpoint": "MOUNTPOINT", "Labels": "LABELS",
    "Links": "LINKS", "Size": "SIZE", "Status": "STATUS",
}  # fmt: skip


class Volume(Row):
    TYPE = "*formatter.volumeContext"
    __slots__ = ("v",)

    def __init__(self, volume: "Json") -> None:
        self.v = volume

    def Name(self) -> str:
        return str(self.v.get("Name") or "")

    def Driver(self) -> str:
        return str(self.v.get("Driver") or "")

    def Scope(self) -> str:
        return str(self.v.get("Scope") or "")

    def Mountpoint(self) -> str:
        return str(self.v.get("Mountpoint") or "")

    def Labels(self) -> str:
        return joined_labels(self.v.get("Labels"))

    def Label(self, name: str) -> str:
        return str((self.v.get("Labels") or {}).get(name, ""))

    def Links(self) -> str:
        usage = self.v.get("UsageData")
        return "N/A" if usage is None else str(usage["RefCount"])

    def Size(self) -> str:
        usage = self.v.get("UsageData")
        return "N/A" if usage is None else human_size(usage["Size"])

    # volumes of a cluster have these; ours are local
    def Group(self) -> str:
        return "N/A"

    def Availability(self) -> str:
        return "N/A"

    def Status(self) -> str:
        return "N/A"


def final_format(format_: str, quiet: bool) -> str:
    if format_ in ("", "table"):
        return "{{.Name}}" if quiet else ""
    if format_ == "raw":
        return "name: {{.Name}}" if quiet else "name: {{.Name}}\\ndriver: {{.Driver}}\\n"
    return format_


def ls(session: Session, options: Options) -> None:
    filters = options.map("filter")
    found = session.client.call(
        "GET", "/volumes" + query({"filters": dumps(filters) if filters else None})
    )
    quiet = options.flag("quiet")
    format_ = format_of(options.text("format"), session.config.get("volumesFormat"), quiet)
    entries = sorted(found.get("Volumes") or (), key=lambda v: natural(v["Name"]))
    rows = [Volume(v) for v in entries]
    if options.flag("cluster") and not quiet:
        # those of a swarm: none here
        show([], HEADERS, ("Name", "Group", "Driver", "Availability", "Status"), format_)
        return
    show(rows, HEADERS, ("Driver", "Name"), final_format(format_, quiet))


_CLUSTER = (
    "availability", "group", "limit-bytes", "required-bytes", "scope", "secret", "sharing",
    "topology-preferred", "topology-required", "type",
)  # fmt: skip


def _cluster(options: Options) -> "Json":
    """What a swarm would need; the daemon says that there is none."""
    text = options.text
    return {
        "Group": text("group"),
        "AccessMode": {"Scope": text("scope", "single"), "Sharing": text("sharing", "none")},
        "Availability": text("availability", "active"),
    }


def update(session: Session, options: Options) -> None:
    session.client.call("GET", f"/volumes/{quote(options.args[0])}")
    raise Failure("can only update cluster volumes")


def create(session: Session, options: Options) -> None:
    labels = {}
    for label in options.all("label"):
        key, _, value = label.partition("=")
        labels[key] = value
    body = {
        "Driver": options.text("driver", "local"),
        "DriverOpts": options.map("opt"),
        "Labels": labels,
    }
    if options.text("name"):
        if options.args:
            raise Failure(
                "conflicting options: cannot specify a volume-name through both --name and as a "
                "positional arg"
            )
        body["Name"] = options.text("name")
    if options.args and options.args[0]:
        body["Name"] = options.args[0]
    if any(options.changed(name) for name in _CLUSTER):
        body["ClusterVolumeSpec"] = _cluster(options)
    out(f"{session.client.call('POST', '/volumes/create', body)['Name']}\n")


def rm(session: Session, options: Options) -> None:
    errors = []
    tail = query({"force": options.flag("force")})
    for name in options.args:
        try:
            session.client.call("DELETE", f"/volumes/{quote(name)}{tail}")
        except OrlopError as e:
            errors.append(e.message)
        else:
            out(name + "\n")
    if errors:
        raise Failure("\n".join(errors))
