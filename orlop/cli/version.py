"""`version`: of the client and of the daemon with its components."""

import posix

from orlop.cli.failure import Failure
from orlop.cli.main import VERSION
from orlop.cli.options import Options
from orlop.cli.out import out
from orlop.cli.session import Session
from orlop.cli.shapes import typed
from orlop.cli.table import align
from orlop.client.transport import API_VERSION
from orlop.errors import OrlopError
from orlop.template import TemplateError, parse
from orlop.template.values import NilPointer, Struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
_TEMPLATE = """{{with .Client -}}
Client:{{if ne .Platform nil}}{{if ne .Platform.Name ""}} {{.Platform.Name}}{{end}}{{end}}
 Version:\t{{.Version}}
 API version:\t{{.APIVersion}}{{if ne .APIVersion .DefaultAPIVersion}} (downgraded from {{.DefaultAPIVersion}}){{end}}
 {{.GoVersion}}
 Git commit:\t{{.GitCommit}}
 Built:\t{{.BuildTime}}
 OS/Arch:\t{{.Os}}/{{.Arch}}
 Context:\t{{.Context}}
{{- end}}

{{- if ne .Server nil}}{{with .Server}}

Server:{{if ne .Platform.Name ""}} {{.Platform.Name}}{{end}}
 {{- range $component := .Components}}
 {{$component.Name}}:
  {{- if eq $component.Name "Engine" }}
  Version:\t{{.Version}}
  API version:\t{{index .Details "ApiVersion"}} (minimum version {{index .Details "MinAPIVersion"}})
  Go version:\t{{index .Details "GoVersion"}}
  Git commit:\t{{index .Details "GitCommit"}}
  Built:\t{{index .Details "BuildTime"}}
  OS/Arch:\t{{index .Details "Os"}}/{{index .Details "Arch"}}
  Experimental:\t{{index .Details "Experimental"}}
  {{- else }}
  Version:\t{{$component.Version}}
  {{- range $key, $value := $component.Details}}
  {{$key}}:\t{{$value}}
   {{- end}}
  {{- end}}
 {{- end}}
 {{- end}}{{- end}}"""  # noqa: E501


def client_info(session: Session, api_version: str) -> "dict[str, Any]":
    """What `version` and `info` say about the client; Python takes the place of Go."""
    import sys

    system = posix.uname()
    found = {
        "Version": VERSION,
        "ApiVersion": api_version,
        "DefaultAPIVersion": API_VERSION,
        "GitCommit": "",
        "GoVersion": "python" + sys.version.split()[0],
        "Os": system.sysname.lower(),
        "Arch": _MACHINES.get(system.machine, system.machine),
        "BuildTime": "",
        "Context": session.settings.context or "default",
    }
    return {k: v for k, v in found.items() if v or k == "Context"}


def _server(session: Session) -> "dict[str, Any]":
    found: dict[str, Any] = session.client.call("GET", "/version")
    components = found.setdefault("Components", [])
    for component in components:
        details = component.get("Details") or {}
        if component.get("Name") == "Engine" and "BuildTime" in details:
            details["BuildTime"] = _ansi(details["BuildTime"])
    if not any(c.get("Name") == "Engine" for c in components):
        components.append(_engine(found))
    return found


def _engine(found: "dict[str, Any]") -> "dict[str, Any]":
    """The Engine component of a daemon too old to list components."""
    details = {k: str(found.get(k) or "") for k in
               ("ApiVersion", "MinAPIVersion", "GitCommit", "GoVersion", "Os", "Arch")}  # fmt: skip
    details["BuildTime"] = _ansi(str(found.get("BuildTime") or ""))
    details["Experimental"] = "true" if found.get("Experimental") else "false"
    return {"Name": "Engine", "Version": found.get("Version", ""), "Details": details}


def _ansi(text: str) -> str:
    """RFC 3339 to `Fri May 30 12:07:14 2025`; anything else stays."""
    date, _, clock = text[:19].partition("T")
    parts = date.split("-")
    if len(parts) != 3 or len(clock) != 8 or not all(p.isdigit() for p in parts):
        return text
    year, month, day = (int(p) for p in parts)
    if not 1 <= month <= 12:
        return text
    # Sakamoto's day of the week; strptime would import re and datetime
    shift = (0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4)[month - 1]
    y = year - (month < 3)
    weekday = "SunMonTueWedThuFriSat"[3 * ((y + y // 4 - y // 100 + y // 400 + shift + day) % 7) :]
    name = "JanFebMarAprMayJunJulAugSepOctNovDec"[3 * month - 3 : 3 * month]
    return f"{weekday[:3]} {name} {day:>2} {clock} {year}"


def version(session: Session, options: Options) -> None:
    format_ = options.text("format")
    text = "{{json .}}" if format_ == "json" else format_ or _TEMPLATE
    try:
        template = parse(
            text.replace("{{.GoVersion}}\n Git", "Python:\t{{slice .GoVersion 6}}\n Git")
                         if not format_ else text, "version")  # fmt: skip
    except TemplateError as e:
        raise Failure(f"template parsing error: {e}", 64) from None
    failure: OrlopError | None = None
    server: dict[str, Any] | None = None
    try:
        server = _server(session)
    except OrlopError as e:
        failure = e
    client = client_info(session, session.client.version)
    if not format_:
        client.setdefault("GitCommit", "")
    value = Struct(
        "system.versionInfo",
        {
            "Client": typed("client", client, "system.clientVersion"),
            "Server": NilPointer("*types.Version") if server is None else typed("server", server),
        },
        {"Client": client, "Server": server},
    )
    try:
        out(align(_without_blanks(template.execute(value)) if not format_ else
                  template.execute(value), 20, 1) + "\n")  # fmt: skip
    except TemplateError as e:
        out(align(e.output, 20, 1) + "\n")
        failure = failure or Failure(str(e))
    if failure is not None:
        raise failure


def _without_blanks(text: str) -> str:
    """Lines of the client that have nothing to say here: no build, no commit."""
    return "\n".join(
        line for line in text.split("\n") if line not in (" Git commit:\t", " Built:\t")
    )
