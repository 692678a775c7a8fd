"""`events`."""

from orlop.cli.failure import Failure
from orlop.cli.options import Options
from orlop.cli.out import out
from orlop.cli.session import Session
from orlop.client.transport import query
from orlop.oci.jsonlite import dumps, split

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from orlop.template import Template


def pretty(event: "dict[str, Any]") -> str:
    import time

    text = ""
    nanoseconds = event.get("timeNano") or (event.get("time") or 0) * 10**9
    if nanoseconds:
        moment = time.localtime(nanoseconds // 10**9)
        zone = time.strftime("%z", moment)
        zone = "Z" if zone == "+0000" else f"{zone[:3]}:{zone[3:]}"
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", moment)
        text = f"{stamp}.{nanoseconds % 10**9:09d}{zone} "
    actor = event.get("Actor") or {}
    text += f"{event.get('Type', '')} {event.get('Action', '')} {actor.get('ID', '')}"
    attributes = actor.get("Attributes") or {}
    if attributes:
        text += " (" + ", ".join(f"{k}={attributes[k]}" for k in sorted(attributes)) + ")"
    return text


def _template(format_: str) -> "Template | None":
    if not format_:
        return None
    from orlop.cli.shapes import typed
    from orlop.template import TemplateError, parse

    try:
        template = parse("{{json .}}" if format_ == "json" else format_)
        template.execute(typed("event", {}, "*events.Message"))
    except TemplateError as e:
        raise Failure(f"Error parsing format: {e}", 64) from None
    return template


def events(session: Session, options: Options) -> None:
    template = _template(options.text("format"))
    filters = options.map("filter")
    response = session.client.open(
        "GET",
        "/events"
        + query(
            {
                "filters": dumps(filters) if filters else None,
                "since": _time(options, "since"),
                "until": _time(options, "until"),
            }
        ),
    )
    rest = b""
    for data in response.chunks():
        rest += data
        cut = rest.rfind(b"\n") + 1
        found, _ = split(rest[:cut].decode("utf-8", "replace"))
        rest = rest[cut:]
        for event in found:
            out(_line(event, template) + "\n")


def _line(event: "dict[str, Any]", template: "Template | None") -> str:
    if template is None:
        return pretty(event)
    from orlop.cli.shapes import typed

    return template.execute(typed("event", event, "events.Message"))


def _time(options: Options, name: str) -> str:
    text = options.text(name)
    if not text:
        return ""
    from orlop.cli.timestamp import parse

    return parse(text)
