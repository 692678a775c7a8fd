"""`network`."""

from orlop.cli.failure import Failure
from orlop.cli.listing import Row, format_of, go_time, joined_labels, natural, show
from orlop.cli.options import Options
from orlop.cli.out import err, out
from orlop.cli.session import Session
from orlop.client.transport import ApiError, query, quote
from orlop.errors import OrlopError
from orlop.oci.jsonlite import dumps
from orlop.text import short_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]

HEADERS = {
    "ID": "NETWORK ID", "Name": "NAME", "Driver": "DRIVER", "Scope": "SCOPE", "IPv4": "IPV4",
    "IPv6": "IPV6", "Internal": "INTERNAL", "Labels": "LABELS", "CreatedAt": "CREATED AT",
}  # fmt: skip
_RAW = "network_id: {{.ID}}\\nname: {{.Name}}\\ndriver: {{.Driver}}\\nscope: {{.Scope}}\\n"


class Network(Row):
    TYPE = "*network.networkContext"
    __slots__ = ("n", "trunc")

    def __init__(self, network: "Json", trunc: bool) -> None:
        self.n = network
        self.trunc = trunc

    def ID(self) -> str:
        return short_id(self.n["Id"]) if self.trunc else str(self.n["Id"])

    def Name(self) -> str:
        return str(self.n.get("Name") or "")

    def Driver(self) -> str:
        return str(self.n.get("Driver") or "")

    def Scope(self) -> str:
        return str(self.n.get("Scope") or "")

    def IPv4(self) -> str:
        return "true" if self.n.get("EnableIPv4") else "false"

    def IPv6(self) -> str:
        return "true" if self.n.get("EnableIPv6") else "false"

    def Internal(self) -> str:
        return "true" if self.n.get("Internal") else "false"

    def Labels(self) -> str:
        return joined_labels(self.n.get("Labels"))

    def Label(self, name: str) -> str:
        return str((self.n.get("Labels") or {}).get(name, ""))

    def CreatedAt(self) -> str:
        return go_time(str(self.n.get("Created") or "0001-01-01T00:00:00Z"))


def final_format(format_: str, quiet: bool) -> str:
    if format_ in ("", "table"):
        return "{{.ID}}" if quiet else ""
    if format_ == "raw":
        return "network_id: {{.ID}}" if quiet else _RAW
    return format_


def ls(session: Session, options: Options) -> None:
    filters = options.map("filter")
    found = session.client.call(
        "GET", "/networks" + query({"filters": dumps(filters) if filters else None})
    )
    quiet = options.flag("quiet")
    format_ = format_of(options.text("format"), session.config.get("networksFormat"), quiet)
    trunc = not options.flag("no-trunc")
    entries = sorted(found or (), key=lambda n: natural(n.get("Name") or ""))
    rows = [Network(n, trunc) for n in entries]
    show(rows, HEADERS, ("ID", "Name", "Driver", "Scope"), final_format(format_, quiet))


def create(session: Session, options: Options) -> None:
    from orlop.cli.ipam import configuration

    try:
        ipam = configuration(options)
    except ValueError as e:
        raise Failure(str(e)) from None
    labels = {}
    for label in options.all("label"):
        key, _, value = label.partition("=")
        labels[key] = value
    body: Json = {
        "Name": options.args[0],
        "Driver": options.text("driver", "bridge"),
        "Scope": options.text("scope"),
        "IPAM": ipam,
        "Internal": options.flag("internal"),
        "Attachable": options.flag("attachable"),
        "Ingress": options.flag("ingress"),
        "ConfigOnly": options.flag("config-only"),
        "ConfigFrom": None,
        "Options": options.map("opt"),
        "Labels": labels,
    }
    if options.text("config-from"):
        body["ConfigFrom"] = {"Network": options.text("config-from")}
    for flag, key in (("ipv4", "EnableIPv4"), ("ipv6", "EnableIPv6")):
        if options.changed(flag):
            body[key] = options.flag(flag)
    answer = session.client.call("POST", "/networks/create", body)
    if answer.get("Warning"):
        err(f"WARNING: {answer['Warning']}\n")
    out(f"{answer['Id']}\n")


def connect(session: Session, options: Options) -> None:
    network, container = options.args
    driver = {}
    for option in options.all("driver-opt"):
        key, equals, value = option.partition("=")
        if not equals or not key.strip():
            raise Failure("invalid key/value pair format in driver options")
        driver[key.strip()] = value.strip()
    ipam = {
        key: value
        for key, value in (
            ("IPv4Address", options.text("ip")),
            ("IPv6Address", options.text("ip6")),
            ("LinkLocalIPs", options.all("link-local-ip")),
        )
        if value
    }
    endpoint = {
        "IPAMConfig": ipam,
        "Links": options.all("link") or None,
        "Aliases": options.all("alias") or None,
        "DriverOpts": driver,
        "GwPriority": options.number("gw-priority"),
    }
    session.client.call(
        "POST",
        f"/networks/{quote(network)}/connect",
        {"Container": container, "EndpointConfig": endpoint},
    )


def disconnect(session: Session, options: Options) -> None:
    network, container = options.args
    session.client.call(
        "POST",
        f"/networks/{quote(network)}/disconnect",
        {"Container": container, "Force": options.flag("force")},
    )


def rm(session: Session, options: Options) -> None:
    failed = False
    for name in options.args:
        try:
            session.client.call("DELETE", f"/networks/{quote(name)}")
        except OrlopError as e:
            if options.flag("force") and isinstance(e, ApiError) and e.status == 404:
                continue
            err(e.message + "\n")
            failed = True
        else:
            out(name + "\n")
    if failed:
        raise Failure("exit status 1")
