"""`inspect` on any object: indented JSON, compact JSON, or a template."""

from orlop.cli.failure import Failure
from orlop.cli.options import Options
from orlop.cli.out import err, out
from orlop.cli.session import Session
from orlop.client.transport import ApiError, query, quote
from orlop.errors import OrlopError
from orlop.oci.jsonlite import loads, loads_exact
from orlop.text import go_quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    # raw answer and the shape's name
    Getter = Callable[[str], tuple[bytes, str]]

TYPES = ("config", "container", "image", "network", "node", "plugin", "secret", "service", "task",
         "volume")  # fmt: skip
_SWARM = ("service", "task", "node", "secret", "config")
_PATHS = {
    "container": "/containers/{}/json",
    "image": "/images/{}/json",
    "network": "/networks/{}",
    "volume": "/volumes/{}",
    "service": "/services/{}",
    "task": "/tasks/{}",
    "node": "/nodes/{}",
    "plugin": "/plugins/{}/json",
    "secret": "/secrets/{}",
    "config": "/configs/{}",
}


def _get(session: Session, kind: str, name: str, **options: "Any") -> tuple[bytes, str]:
    if not name.strip():
        raise Failure(f"invalid {kind} name or ID: value is empty")
    safe = b"/:@" if kind == "image" else b""
    path = _PATHS[kind].format(quote(name, safe)) + query(options)
    return session.client.raw("GET", path), kind


def container(session: Session, options: Options) -> None:
    size = options.flag("size")
    show(options, lambda n: _get(session, "container", n, size=size))


def image(session: Session, options: Options) -> None:
    platform = ""
    if options.text("platform"):
        from orlop.cli.platform import to_json

        platform = to_json(options.text("platform"))
    show(options, lambda n: _get(session, "image", n, platform=platform))


def network(session: Session, options: Options) -> None:
    verbose = options.flag("verbose")
    show(
        options,
        lambda n: _get(session, "network", n, verbose="true" if verbose else None),
    )


def volume(session: Session, options: Options) -> None:
    show(options, lambda n: _get(session, "volume", n))


def any_(session: Session, options: Options) -> None:
    kind, size = options.text("type"), options.flag("size")
    if options.changed("type") and not kind:
        raise Failure("type is empty: must be one of " + _types_quoted())
    if kind and kind not in TYPES:
        raise Failure(f"unknown type: {go_quote(kind)}: must be one of {_types_quoted()}")
    show(options, _Search(session, kind, size))


def _types() -> str:
    return '", "'.join(TYPES) + '"'


def _types_quoted() -> str:
    return '"' + _types()


class _Search:
    """Tries one sort of object after the other."""

    def __init__(self, session: Session, kind: str, size: bool) -> None:
        self.session = session
        self.kind = kind
        self.size = size
        self.swarm: bool | None = None

    def __call__(self, name: str) -> tuple[bytes, str]:
        kinds = [self.kind] if self.kind else list(_PATHS)
        for kind in kinds:
            if not self.kind and kind in _SWARM and not self._has_swarm():
                continue
            try:
                extra = {"size": self.size} if kind == "container" else {}
                found = _get(self.session, kind, name, **extra)
            except OrlopError as e:
                if not self.kind and _skippable(e):
                    continue
                raise
            if self.size and kind != "container":
                err(f"WARNING: --size ignored for {kind}\n")
            return found
        raise Failure(f"Error: No such object: {name}")

    def _has_swarm(self) -> bool:
        if self.swarm is None:
            try:
                info = self.session.client.call("GET", "/info")
                self.swarm = bool((info.get("Swarm") or {}).get("ControlAvailable"))
            except OrlopError as e:
                err(e.message + "\n")
                self.swarm = False
        return self.swarm


def _skippable(error: OrlopError) -> bool:
    text = error.message
    if isinstance(error, ApiError) and error.status == 404:
        return True
    return "not supported" in text or "invalid reference format" in text


def show(options: Options, get: "Getter") -> None:
    """Print every object; errors come together at the end. Raises Failure."""
    format_ = options.text("format")
    errors: list[str] = []
    if format_ in ("", "json"):
        found = []
        for name in options.args:
            try:
                found.append(get(name)[0])
            except OrlopError as e:
                errors.append(e.message)
        out(_documents(found, format_ == ""))
    else:
        _by_template(options.args, format_, get, errors)
    if errors:
        raise Failure("\n".join(errors))


def _documents(found: list[bytes], indented: bool) -> str:
    if not found:
        return "[]\n"
    from orlop.template.gojson import encode

    values = [loads(raw) for raw in found]
    return encode(values, False, "    " if indented else None) + "\n"


def _by_template(names: list[str], format_: str, get: "Getter", errors: list[str]) -> None:
    from orlop.cli.shapes import SHAPES, typed
    from orlop.template import TemplateError, parse

    try:
        template = parse(format_)
    except TemplateError as e:
        raise Failure(f"template parsing error: {e}", 64) from None
    text = ""
    for name in names:
        try:
            raw, kind = get(name)
        except OrlopError as e:
            errors.append(e.message)
            continue
        value = loads(raw)
        try:
            if kind not in SHAPES:
                raise TemplateError
            text += template.execute(typed(kind, value)) + "\n"
        except TemplateError:
            try:
                text += _by_keys(format_, raw) + "\n"
            except TemplateError as e:
                errors.append(f"template parsing error: {e}")
    out(text or "\n")


def _by_keys(format_: str, raw: bytes) -> str:
    """The template over the plain JSON, where `{{.Id}}` is a key and a missing key an error."""
    from orlop.template import parse
    from orlop.template.values import Number

    template = parse(format_)
    template.missing = "error"
    return template.execute(loads_exact(raw, Number))
