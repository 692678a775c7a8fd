"""JSON as Go's encoding/json writes it: keys of maps sorted, no escapes outside ASCII."""

from __future__ import annotations

from orlop.template.values import NilList, NilPointer, Number, Struct, TypedMap, float_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SHORT = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}


def quote(text: str, escape: bool = False) -> str:
    """A JSON string; with `escape`, `<`, `>` and `&` become \\u003c and so on."""
    plain = text.isascii() and text.isprintable() and '"' not in text and "\\" not in text
    if plain and not (escape and any(c in text for c in "<>&")):
        return f'"{text}"'
    out = ['"']
    for char in text:
        if char in _SHORT:
            out.append(_SHORT[char])
        elif char < " " or char in "\u2028\u2029" or (escape and char in "<>&"):
            out.append(f"\\u{ord(char):04x}")
        elif "\udc80" <= char <= "\udcff":
            out.append("\\ufffd")
        else:
            out.append(char)
    out.append('"')
    return "".join(out)


def encode(value: Any, escape: bool = False, indent: str | None = None, level: int = 0) -> str:
    """`indent` None is compact; a dict keeps its order unless it is a map of Go (see sort)."""
    if isinstance(value, Struct):
        inner = value.json() if callable(value.json) else value.json
        return encode(inner, escape or value.escape, indent, level)
    if value is None or isinstance(value, NilPointer | NilList):
        return "null"
    if isinstance(value, TypedMap) and value.is_nil:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, str):
        return quote(value, escape)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, dict):
        items = [
            f"{quote(str(k), escape)}:{'' if indent is None else ' '}"
            + encode(v, escape, indent, level + 1)
            for k, v in (sorted(value.items()) if isinstance(value, TypedMap) else value.items())
        ]
        return _wrap("{", items, "}", indent, level)
    if isinstance(value, list | tuple):
        items = [encode(v, escape, indent, level + 1) for v in value]
        return _wrap("[", items, "]", indent, level)
    raise TypeError(f"not JSON: {type(value).__name__}")


def _wrap(left: str, items: list[str], right: str, indent: str | None, level: int) -> str:
    if not items:
        return left + right
    if indent is None:
        return left + ",".join(items) + right
    inner = "\n" + indent * (level + 1)
    return left + inner + ("," + inner).join(items) + "\n" + indent * level + right


def _float(value: float) -> str:
    if value and (abs(value) < 1e-6 or abs(value) >= 1e21):
        text = float_text(value)
        mantissa, _, exponent = text.partition("e")
        # e-09 becomes e-9
        return mantissa + "e" + exponent[0] + exponent[1:].lstrip("0") if exponent else text
    text = repr(value)
    if "e" in text:
        text = format(value, ".20f").rstrip("0")
    return text.removesuffix(".0").removesuffix(".")
