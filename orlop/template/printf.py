"""fmt.Sprintf, Sprint and Sprintln for the values of templates."""

from __future__ import annotations

from orlop.template.values import (
    NilPointer,
    Struct,
    float_text,
    print_value,
    type_name,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def sprint(values: list[Any]) -> str:
    """A blank between two operands when neither is a string."""
    out = ""
    for at, value in enumerate(values):
        if at and not isinstance(value, str) and not isinstance(values[at - 1], str):
            out += " "
        out += print_value(value)
    return out


def sprintln(values: list[Any]) -> str:
    return " ".join(print_value(v) for v in values) + "\n"


def sprintf(template: str, values: list[Any]) -> str:
    out: list[str] = []
    at, used = 0, 0
    while at < len(template):
        end = template.find("%", at)
        if end < 0:
            out.append(template[at:])
            break
        out.append(template[at:end])
        at = end + 1
        flags = ""
        while at < len(template) and template[at] in "+-# 0":
            flags += template[at]
            at += 1
        width, at, used = _number(template, at, values, used)
        precision: int | None = None
        if template[at : at + 1] == ".":
            precision, at, used = _number(template, at + 1, values, used)
            precision = precision or 0
        if at >= len(template):
            out.append("%!(NOVERB)")
            break
        verb = template[at]
        at += 1
        if verb == "%":
            out.append("%")
            continue
        if used >= len(values):
            out.append(f"%!{verb}(MISSING)")
            continue
        out.append(_format(verb, flags, width, precision, values[used]))
        used += 1
    if used < len(values):
        extra = ", ".join(f"{type_name(v)}={print_value(v)}" for v in values[used:])
        out.append(f"%!(EXTRA {extra})")
    return "".join(out)


def _number(template: str, at: int, values: list[Any], used: int) -> tuple[int | None, int, int]:
    if template[at : at + 1] == "*":
        if used < len(values) and isinstance(values[used], int):
            return values[used], at + 1, used + 1
        return None, at + 1, used
    start = at
    while at < len(template) and template[at].isdigit():
        at += 1
    return (int(template[start:at]) if at > start else None), at, used


def _format(verb: str, flags: str, width: int | None, precision: int | None, value: Any) -> str:
    text = _verb(verb, flags, precision, value)
    if width is None:
        return text
    if "-" in flags or width < 0:
        return text.ljust(abs(width))
    if "0" in flags and (isinstance(value, int | float) or verb in "xX"):
        sign = text[:1] if text[:1] in "+-" else ""
        return sign + text[len(sign) :].rjust(width - len(sign), "0")
    return text.rjust(width)


def _wrong(verb: str, value: Any) -> str:
    if value is None:
        return f"%!{verb}(<nil>)"
    return f"%!{verb}({type_name(value)}={print_value(value)})"


def _verb(verb: str, flags: str, precision: int | None, value: Any) -> str:
    if verb == "v":
        if "#" in flags:
            return _syntax(value)
        if isinstance(value, float) and precision is not None:
            return format(value, f".{precision}g")
        return print_value(value)
    if verb == "T":
        return type_name(value)
    if verb == "t":
        return print_value(value) if isinstance(value, bool) else _wrong(verb, value)
    if isinstance(value, list | tuple) and verb in "dsqxX":
        return "[" + " ".join(_verb(verb, flags, precision, v) for v in value) + "]"
    if isinstance(value, dict) and verb in "sq":
        return (
            "map["
            + " ".join(
                f"{_verb(verb, flags, precision, k)}:{_verb(verb, flags, precision, value[k])}"
                for k in sorted(value)
            )
            + "]"
        )
    if verb in "sqxX" and isinstance(value, str):
        return _string(verb, flags, precision, str(value))
    if isinstance(value, Struct) and verb == "s":
        return print_value(value)
    if isinstance(value, bool):
        return _wrong(verb, value)
    if isinstance(value, int) and verb in "dboxXcqU":
        return _integer(verb, flags, value)
    if isinstance(value, float) and verb in "eEfFgG":
        return _real(verb, flags, precision, value)
    if isinstance(value, NilPointer) and verb == "p":
        return "%!p(<nil>)"
    return _wrong(verb, value)


def _string(verb: str, flags: str, precision: int | None, value: str) -> str:
    if precision is not None:
        value = value[:precision]
    if verb == "s":
        return value
    if verb == "q":
        if "#" in flags and "`" not in value and value.isprintable():
            return f"`{value}`"
        from orlop.text import go_quote

        return go_quote(value)
    text = value.encode("utf-8", "surrogateescape").hex(*((" ",) if " " in flags else ()))
    return text.upper() if verb == "X" else text


def _integer(verb: str, flags: str, value: int) -> str:
    if verb == "c":
        return chr(value)
    if verb == "q":
        return "'" + chr(value).replace("'", "\\'") + "'"
    if verb == "U":
        return f"U+{value:04X}"
    text = format(value, {"d": "d", "b": "b", "o": "o", "x": "x", "X": "X"}[verb])
    if "#" in flags and verb in "oxX":
        text = {"o": "0", "x": "0x", "X": "0X"}[verb] + text
    return "+" + text if "+" in flags and value >= 0 else text


def _real(verb: str, flags: str, precision: int | None, value: float) -> str:
    if verb in "gG" and precision is None:
        text = float_text(value)
    else:
        text = format(value, f".{6 if precision is None else precision}{verb}")
    return "+" + text if "+" in flags and value >= 0 else text


def _syntax(value: Any) -> str:
    """%#v, as far as JSON values go."""
    from orlop.text import go_quote

    if isinstance(value, str):
        return go_quote(str(value))
    if isinstance(value, dict):
        inner = ", ".join(f"{go_quote(k)}:{_syntax(value[k])}" for k in sorted(value))
        return f"{type_name(value)}{{{inner}}}"
    if isinstance(value, list | tuple):
        return f"{type_name(value)}{{{', '.join(_syntax(v) for v in value)}}}"
    return print_value(value)
