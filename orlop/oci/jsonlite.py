"""JSON without the `json` package, whose `re` import costs ten milliseconds.

`_json` is CPython's own C scanner and encoder; where an interpreter lacks one, `json` serves.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class _Plain:
    strict = False
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    memo: "dict[str, str]" = {}

    @staticmethod
    def parse_constant(name: str) -> float:
        return float(name.replace("Infinity", "inf"))


_context: "Any" = _Plain

try:
    from _json import encode_basestring_ascii as _quote
    from _json import make_encoder as _make_encoder
    from _json import make_scanner as _make_scanner

    _scan: "Any" = _make_scanner(_context)
except (ImportError, TypeError, AttributeError):  # another interpreter
    _scan = None


def _refuse(value: object) -> object:
    raise TypeError(f"not JSON: {type(value).__name__}")


def loads(text: "str | bytes | bytearray") -> "Any":
    """Decode one document. Raises ValueError."""
    if not isinstance(text, str):
        text = str(text, "utf-8", "replace")
    text = text.strip(" \t\r\n")
    if _scan is None:
        import json

        return json.loads(text, strict=False)
    return _whole(_scan, text)


def _whole(scan: "Any", text: str) -> "Any":
    try:
        value, end = scan(text, 0)
    except StopIteration as e:
        raise ValueError(f"invalid JSON at character {e.value}") from None
    if end != len(text):
        raise ValueError(f"invalid JSON: something follows at character {end}")
    return value


def loads_exact(text: "str | bytes", number: "type[str]") -> "Any":
    """As loads, with every number as the text that it was. Raises ValueError."""
    if not isinstance(text, str):
        text = str(text, "utf-8", "replace")
    if _scan is None:
        import json

        return json.loads(text, strict=False, parse_int=number, parse_float=number)

    exact: Any = type("Exact", (_Plain,), {"parse_float": number, "parse_int": number})
    return _whole(_make_scanner(exact), text.strip(" \t\r\n"))


def dumps(value: object) -> str:
    """Encode compactly, in ASCII."""
    if _scan is None:
        import json

        return json.dumps(value, separators=(",", ":"))
    encode = _make_encoder(None, _refuse, _quote, None, ":", ",", False, False, True)
    return "".join(encode(value, 0))


def split(buffer: str) -> "tuple[list[Any], str]":
    """Documents that are complete in `buffer` (one after another, any white space) and the rest.

    Raises ValueError for what can never become JSON.
    """
    found = []
    lines = buffer.split("\n")
    rest = lines.pop()
    for line in lines:
        line = line.strip()
        if line:
            found.extend(_documents(line))
    return found, rest


def _documents(line: str) -> "list[Any]":
    if _scan is None:
        return [loads(line)]
    out, at = [], 0
    while at < len(line):
        try:
            value, at = _scan(line, at)
        except StopIteration as e:
            raise ValueError(f"invalid JSON at character {e.value}") from None
        out.append(value)
        while at < len(line) and line[at] in " \t\r":
            at += 1
    return out
