"""`info`: the client and the daemon at a glance. Warnings go to stderr."""

import itertools

from orlop.cli.failure import Failure
from orlop.cli.options import Options
from orlop.cli.out import err, out
from orlop.cli.session import Session
from orlop.cli.units import bytes_size
from orlop.client.transport import ApiError
from orlop.errors import OrlopError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]


def info(session: Session, options: Options) -> None:
    from orlop.cli.version import client_info

    format_ = options.text("format")
    client = {"Debug": session.debug, **client_info(session, "")}
    if format_:
        _formatted(session, format_, client)
        return
    found: Json | None = None
    errors: list[str] = []
    failure: OrlopError | None = None
    try:
        found = session.client.call("GET", "/info")
    except ApiError as e:
        errors.append(e.message)
    except OrlopError as e:
        failure = e
    if found is not None:
        auths = session.config.get("auths") or {}
        found["UserName"] = _user(auths.get("https://index.docker.io/v1/") or {})
    text, warnings, wrong = pretty(client, found)
    errors += wrong
    out(text)
    err("".join(w + "\n" for w in warnings))
    err("".join(f"ERROR: {e}\n" for e in errors))
    if errors:
        raise Failure("errors pretty printing info")
    if failure is not None:
        raise failure


def _user(auth: "Json") -> str:
    import binascii

    if auth.get("username"):
        return str(auth["username"])
    try:
        return binascii.a2b_base64(auth.get("auth") or "").decode().partition(":")[0]
    except ValueError:
        return ""


def _formatted(session: Session, format_: str, client: "Json") -> None:
    from orlop.cli.shapes import typed
    from orlop.template import TemplateError, parse
    from orlop.template.values import Struct

    try:
        template = parse("{{json .}}" if format_ == "json" else format_)
    except TemplateError as e:
        raise Failure(f"template parsing error: {e}", 64) from None
    extra: Json = {"ClientInfo": {**client, "Plugins": [], "Warnings": None}}
    fields: Json = {
        "ClientInfo": Struct(
            "*system.clientInfo",
            {"Debug": client["Debug"], "clientVersion": typed("client", client), "Plugins": [],
             "Warnings": []},
            extra["ClientInfo"],
        ),
        "ServerErrors": [],
        "ClientErrors": [],
        "UserName": "",
    }  # fmt: skip
    fields["ClientInfo"].embedded = ("clientVersion",)
    failure: OrlopError | None = None
    raw: Json = {}
    if needs_server(format_):
        try:
            raw = session.client.call("GET", "/info")
        except ApiError as e:
            extra["ServerErrors"] = [e.message]
            err(e.message + "\n")
        except OrlopError as e:
            failure = e
    fields = {"Info": typed("info", raw, "*system.Info"), **fields}
    value = Struct("system.dockerInfo", fields, {**fields["Info"].json, **extra})
    value.embedded = ("Info",)
    try:
        out(template.execute(value) + "\n")
    except TemplateError as e:
        out(e.output + "\n")
        text = f"{failure.message}\n{e}" if failure else str(e)
        raise Failure(text) from None
    if failure is not None:
        raise failure


def needs_server(format_: str) -> bool:
    """False for a template that only asks for the client."""
    from orlop.template import TemplateError, parse
    from orlop.template.values import Struct

    if format_ in ("", "json", "{{json .}}"):
        return True
    if not any(a == "." and b.isascii() and b.isalpha() for a, b in itertools.pairwise(format_)):
        return True
    from orlop.cli.shapes import typed

    client = Struct(
        "*system.clientInfo",
        {"Debug": False, "clientVersion": typed("client", {}), "Plugins": [], "Warnings": []},
    )
    client.embedded = ("clientVersion",)
    try:
        parse(format_).execute(
            Struct("system.sparseInfo", {"ClientInfo": client, "ClientErrors": []})
        )
    except TemplateError:
        return True
    return False


def _boolean(value: object) -> str:
    return "true" if value else "false"


def pretty(client: "Json | None", server: "Json | None") -> tuple[str, list[str], list[str]]:
    """(text, warnings, errors)."""
    lines = ["Client:" + _platform(client or {})]
    warnings: list[str] = []
    if client is not None:
        if client.get("Version"):
            lines.append(f" Version:    {client['Version']}")
        lines.append(f" Context:    {client.get('Context', '')}")
        lines.append(f" Debug Mode: {_boolean(client.get('Debug'))}")
        if client.get("Plugins"):
            lines.append(" Plugins:")
            warnings = _plugins(client["Plugins"], lines)
        warnings = [*(client.get("Warnings") or ()), *warnings]
    lines += ["", "Server:"]
    errors: list[str] = []
    if server is not None:
        errors = _server(server, lines)
        warnings += server.get("Warnings") or ()
    return "\n".join(lines) + "\n", warnings, errors


def _platform(client: "Json") -> str:
    name = (client.get("Platform") or {}).get("Name")
    return f" {name}" if name else ""


def _plugins(plugins: "list[Json]", lines: list[str]) -> list[str]:
    warnings = []
    for plugin in plugins:
        if plugin.get("Err"):
            path = plugin.get("Path") or plugin.get("Name")
            warnings.append(f'WARNING: Plugin "{path}" is not valid: {plugin["Err"]}')
            continue
        lines.append(
            f"  {plugin['Name']}: {plugin.get('ShortDescription', '')} ({plugin.get('Vendor', '')})"
        )
        if plugin.get("Version"):
            lines.append(f"    Version:  {plugin['Version']}")
        if plugin.get("Path"):
            lines.append(f"    Path:     {plugin['Path']}")
    return warnings


def _server(i: "Json", lines: list[str]) -> list[str]:
    """Append the daemon's part; returns what was wrong with it."""

    def add(label: str, value: object) -> None:
        lines.append(f"{label} {value}")

    def add_if(label: str, value: object) -> None:
        if value:
            add(label, value)

    add(" Containers:", i.get("Containers", 0))
    for state in ("Running", "Paused", "Stopped"):
        add(f"  {state}:", i.get("Containers" + state, 0))
    add(" Images:", i.get("Images", 0))
    add_if(" Server Version:", i.get("ServerVersion"))
    add_if(" Storage Driver:", i.get("Driver"))
    lines += [f"  {k}: {v}" for k, v in i.get("DriverStatus") or ()]
    lines += [f" {k}: {v}" for k, v in i.get("SystemStatus") or ()]
    add_if(" Logging Driver:", i.get("LoggingDriver"))
    add_if(" Cgroup Driver:", i.get("CgroupDriver"))
    add_if(" Cgroup Version:", i.get("CgroupVersion"))
    plugins = i.get("Plugins") or {}
    lines.append(" Plugins:")
    for kind in ("Volume", "Network", "Authorization", "Log"):
        if kind != "Authorization" or plugins.get(kind):
            add(f"  {kind}:", " ".join(plugins.get(kind) or ()))
    if i.get("CDISpecDirs"):
        lines += [" CDI spec directories:", *(f"  {d}" for d in i["CDISpecDirs"])]
    if i.get("DiscoveredDevices"):
        lines.append(" Discovered Devices:")
        lines += [f"  {d.get('Source', '')}: {d.get('ID', '')}" for d in i["DiscoveredDevices"]]
    from orlop.cli.swarminfo import lines_of

    lines += lines_of(i.get("Swarm") or {})
    if i.get("Runtimes"):
        add(" Runtimes:", " ".join(i["Runtimes"]))
        add(" Default Runtime:", i.get("DefaultRuntime", ""))
    errors = _linux(i, lines)
    _host(i, lines)
    return errors


def _linux(i: "Json", lines: list[str]) -> list[str]:
    if i.get("OSType") == "windows":
        lines.append(f" Default Isolation: {i.get('Isolation', '')}")
    if i.get("OSType") != "linux":
        return []
    lines.append(f" Init Binary: {i.get('InitBinary', '')}")
    for name, key in (
        ("containerd", "ContainerdCommit"),
        ("runc", "RuncCommit"),
        ("init", "InitCommit"),
    ):
        lines.append(f" {name} version: {(i.get(key) or {}).get('ID', '')}")
    if not i.get("SecurityOptions"):
        return []
    try:
        options = [_security_option(o) for o in i["SecurityOptions"]]
    except ValueError as e:
        return [str(e)]
    lines.append(" Security Options:")
    for name, profiles in options:
        lines.append("  " + name)
        lines += ["   Profile: " + p for p in profiles]
    return []


def _security_option(text: str) -> tuple[str, list[str]]:
    """(name, profiles) of "name=seccomp,profile=builtin". Raises ValueError."""
    if "=" not in text:
        return text, []  # daemons before 1.13
    name, profiles = "", []
    for part in text.split(","):
        key, equals, value = part.partition("=")
        if not equals:
            from orlop.text import go_quote

            raise ValueError(f"invalid security option {go_quote(part)}")
        if not key or not value:
            raise ValueError("invalid empty security option")
        if key == "name":
            name = value
        elif key == "profile":
            profiles.append(value)
    return name, profiles


def _host(i: "Json", lines: list[str]) -> None:
    for label, key in (
        (" Kernel Version:", "KernelVersion"),
        (" Operating System:", "OperatingSystem"),
        (" OSType:", "OSType"),
        (" Architecture:", "Architecture"),
    ):
        if i.get(key):
            lines.append(f"{label} {i[key]}")
    lines.append(f" CPUs: {i.get('NCPU', 0)}")
    lines.append(f" Total Memory: {bytes_size(i.get('MemTotal') or 0)}")
    for label, key in ((" Name:", "Name"), (" ID:", "ID")):
        if i.get(key):
            lines.append(f"{label} {i[key]}")
    lines.append(f" Docker Root Dir: {i.get('DockerRootDir', '')}")
    lines.append(f" Debug Mode: {_boolean(i.get('Debug'))}")
    if i.get("Debug"):
        for label, key in (
            ("File Descriptors", "NFd"),
            ("Goroutines", "NGoroutines"),
            ("System Time", "SystemTime"),
            ("EventsListeners", "NEventsListener"),
        ):
            lines.append(f"  {label}: {i.get(key, '')}")
    for label, key in (
        (" HTTP Proxy:", "HttpProxy"),
        (" HTTPS Proxy:", "HttpsProxy"),
        (" No Proxy:", "NoProxy"),
        (" Username:", "UserName"),
    ):
        if i.get(key):
            lines.append(f"{label} {i[key]}")
    if i.get("Labels"):
        lines += [" Labels:", *(f"  {label}" for label in i["Labels"])]
    lines.append(f" Experimental: {_boolean(i.get('ExperimentalBuild'))}")
    _registries(i.get("RegistryConfig") or {}, lines)
    lines.append(f" Live Restore Enabled: {_boolean(i.get('LiveRestoreEnabled'))}")
    if i.get("ProductLicense"):
        lines.append(f" Product License: {i['ProductLicense']}")
    if i.get("DefaultAddressPools"):
        lines.append(" Default Address Pools:")
        lines += [f"   Base: {p['Base']}, Size: {p['Size']}" for p in i["DefaultAddressPools"]]
    lines.append("")


def _registries(config: "Json", lines: list[str]) -> None:
    cidrs, indexes = config.get("InsecureRegistryCIDRs") or [], config.get("IndexConfigs") or {}
    if cidrs or indexes:
        lines.append(" Insecure Registries:")
        lines += [f"  {c.get('Name', '')}" for c in indexes.values() if not c.get("Secure")]
        lines += [f"  {c}" for c in cidrs]
    if config.get("Mirrors"):
        lines += [" Registry Mirrors:", *(f"  {m}" for m in config["Mirrors"])]
