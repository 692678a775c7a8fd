"""Lists with `--format`: rows whose methods are the template's fields.

A row is an object with Go's method names; HEADERS give the headings. The default table is printed
without the template engine, which is not on a hot path.
"""

from orlop.cli.failure import Failure
from orlop.cli.out import out
from orlop.cli.table import align, table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from orlop.template.values import Struct


_DIGITS = "0123456789"


class Row:
    """Base of the rows: public methods are fields, those with a parameter too. TYPE is Go's
    name."""

    TYPE = "*formatter.Context"

    __slots__ = ()

    def as_struct(self) -> "Struct":
        from orlop.template.values import Struct

        methods = {
            name: getattr(self, name)
            for name in dir(self)
            if name[0].isupper() and callable(getattr(self, name))
        }
        return Struct(self.TYPE, {}, self.as_json, methods, escape=True)

    def as_json(self) -> "dict[str, Any]":
        found = {}
        for name in sorted(dir(self)):
            method = getattr(self, name)
            if not name[0].isupper() or not callable(method):
                continue
            code = getattr(method, "__code__", None)
            if code is None or code.co_argcount == 1:
                found[name] = method()
        return found


def show(
    rows: "Sequence[Row]",
    headers: dict[str, str],
    columns: "Sequence[str]",
    format_: str,
) -> None:
    """Print `rows`. `format_` "" is the default table of `columns`; raises Failure."""
    if not format_:
        heads = [headers[c] for c in columns]
        out(table(heads, [[str(getattr(r, c)()) for c in columns] for r in rows]))
        return
    out(render(rows, headers, format_))


def render(rows: "Sequence[Row]", headers: dict[str, str], format_: str) -> str:
    """As text by a template, `json` or `table TEMPLATE`. Raises Failure."""
    from orlop.template import TemplateError, parse

    is_table = format_.startswith("table")
    text = format_.removeprefix("table") if is_table else format_
    if format_ == "json":
        text = "{{json .}}"
    text = text.strip(" ").replace("\\t", "\t").replace("\\n", "\n")
    try:
        template = parse(text)
        body = "".join(template.execute(row.as_struct()) + "\n" for row in rows)
    except TemplateError as e:
        raise Failure(f"template parsing error: {e}") from None
    if not is_table:
        return body
    return align(heading(text, headers) + "\n" + body)


def heading(text: str, headers: dict[str, str]) -> str:
    """The template over the headings, with functions that leave text alone."""
    from orlop.template import TemplateError, parse
    from orlop.template.values import TypedMap

    same: Callable[..., Any] = lambda value, *rest: value  # noqa: E731
    functions = {
        "json": (same, ("string",)),
        "split": (same, ("string", "string")),
        "join": (same, ("string", "string")),
        "title": (same, ("string",)),
        "lower": (same, ("string",)),
        "upper": (same, ("string",)),
        "truncate": (same, ("string", "int")),
    }
    values = TypedMap(dict(headers))
    values.methods = {"Label": _label}
    try:
        return parse(text, functions=functions).execute(values)
    except TemplateError as e:
        return getattr(e, "output", "")


def _label(name: str) -> str:
    return name.rpartition(".")[2].replace("-", " ").replace("_", " ")


def format_of(given: str, configured: object, quiet: bool) -> str:
    """--format, else the config's, else "" (the table)."""
    if given:
        return "" if given == "table" else given
    if configured and not quiet:
        text = str(configured)
        return "" if text == "table" else text
    return ""


def joined_labels(labels: "dict[str, str] | None") -> str:
    return ",".join(sorted(f"{k}={v}" for k, v in (labels or {}).items()))


def local_time(seconds: int) -> str:
    """Go's Time.String of a Unix time, in the local zone."""
    import time

    return time.strftime("%Y-%m-%d %H:%M:%S %z %Z", time.localtime(seconds))


def go_time(text: str) -> str:
    """Go's Time.String of an RFC 3339 time."""
    date, _, rest = text.partition("T")
    if not rest:
        return text
    if rest.endswith("Z"):
        clock, zone = rest[:-1], "+0000 UTC"
    else:
        clock, sign, offset = rest[:-6], rest[-6], rest[-5:].replace(":", "")
        zone = f"{sign}{offset} {sign}{offset}"
        import time

        if time.strftime("%z") == sign + offset:
            zone = f"{sign}{offset} {time.strftime('%Z')}"
    whole, dot, fraction = clock.partition(".")
    fraction = fraction.rstrip("0")
    return f"{date} {whole}{dot if fraction else ''}{fraction} {zone}"


def natural(text: str) -> "list[tuple[int, int | str]]":
    """Sort key: digits by value."""
    key: list[tuple[int, int | str]] = []
    at = 0
    while at < len(text):
        end = at
        digits = text[at] in _DIGITS
        while end < len(text) and (text[end] in _DIGITS) == digits:
            end += 1
        key.append((0, int(text[at:end])) if digits else (1, text[at:end]))
        at = end
    return key
