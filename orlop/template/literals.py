"""Constants of a template: numbers, characters, strings, with Go's syntax."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
            "\\": "\\", "'": "'", '"': '"'}  # fmt: skip


def unquote(text: str) -> str:
    """The value of "…", `…` or '…'. Raises ValueError."""
    if text[0] == "`":
        return text[1:-1].replace("\r", "")
    body, out, at = text[1:-1], [], 0
    while at < len(body):
        char = body[at]
        at += 1
        if char != "\\":
            out.append(char)
            continue
        if at >= len(body):
            raise ValueError("invalid syntax")
        code = body[at]
        at += 1
        if code in _ESCAPES and not (code in "'\"" and code != text[0]):
            out.append(_ESCAPES[code])
        elif code in "xuU":
            size = {"x": 2, "u": 4, "U": 8}[code]
            out.append(chr(int(_digits(body, at, size), 16)))
            at += size
        elif code in "01234567":
            out.append(chr(int(_digits(body, at - 1, 3), 8)))
            at += 2
        else:
            raise ValueError("invalid syntax")
    return "".join(out)


def _digits(text: str, at: int, size: int) -> str:
    found = text[at : at + size]
    if len(found) != size or not found.isalnum():
        raise ValueError("invalid syntax")
    return found


def number(text: str) -> Any:
    """int, float or complex as an untyped Go constant would become. Raises ValueError."""
    if text[0] == "'":
        char = unquote(text)
        if len(char) != 1:
            raise ValueError(f"malformed character constant: {text}")
        return ord(char)
    if text.endswith("i"):
        return _complex(text)
    try:
        return _integer(text)
    except ValueError:
        return _float(text)


def _bad(text: str) -> ValueError:
    from orlop.text import go_quote

    return ValueError(f"bad number syntax: {go_quote(text)}")


def _integer(text: str) -> int:
    digits = text.lstrip("+-")
    if len(text) - len(digits) > 1:
        raise _bad(text)
    if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit():
        value = int(digits, 8)  # a leading zero is octal in Go
    else:
        value = int(digits, 0)
    return -value if text[0] == "-" else value


def _float(text: str) -> float:
    digits = text.lstrip("+-")
    lower = digits.lower()
    if len(text) - len(digits) > 1 or not digits or not (digits[0].isdigit() or digits[0] == "."):
        raise _bad(text)
    try:
        if lower.startswith("0x"):
            if "p" not in lower:
                raise _bad(text)  # a hexadecimal mantissa needs an exponent
            value = float.fromhex(digits.replace("_", ""))
        else:
            value = float(digits.replace("_", ""))
    except ValueError:
        raise _bad(text) from None
    return -value if text[0] == "-" else value


def _complex(text: str) -> complex:
    body = text[:-1]
    at = max(body.rfind("+", 1), body.rfind("-", 1))
    while at > 0 and body[at - 1] in "eEpP":
        at = max(body.rfind("+", 1, at), body.rfind("-", 1, at))
    real = _float(_plain(body[:at])) if at > 0 else 0.0
    return complex(real, _float(_plain(body[at:] if at > 0 else body)))


def _plain(text: str) -> str:
    try:
        return repr(float(_integer(text)))
    except (ValueError, OverflowError):
        return text


def kinds(text: str) -> dict[str, Any]:
    """Which of int, uint, float and complex the constant fits, with its value. Raises
    ValueError."""
    value = number(text)
    found: dict[str, Any] = {}
    if isinstance(value, complex):
        found["complex"] = value
        if value.imag:
            return found
        value = value.real
    if isinstance(value, float):
        found["float"] = value
        if value == int(value):
            value = int(value)
    else:
        found["float"] = float(value)
    if isinstance(value, int):
        if -(1 << 63) <= value < 1 << 63:
            found["int"] = value
        if 0 <= value < 1 << 64 and not text.startswith("+"):
            found["uint"] = value
    return found
