"""Small text shapes of Go and Docker: quoting, booleans, ellipsis, short IDs."""

_ESCAPES = {7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r",
            34: '\\"', 92: "\\\\"}  # fmt: skip


def go_quote(text: str) -> str:
    """strconv.Quote: double quotes, Go escapes; printable characters stay."""
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    parts = ['"']
    for char in text:
        code = ord(char)
        if code in _ESCAPES:
            parts.append(_ESCAPES[code])
        elif 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8
            parts.append(f"\\x{code - 0xDC00:02x}")
        elif char.isprintable():
            parts.append(char)
        elif code < 0x80:
            parts.append(f"\\x{code:02x}")
        else:
            parts.append(f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")
    parts.append('"')
    return "".join(parts)


def parse_bool(text: str) -> bool:
    """strconv.ParseBool. Raises ValueError with Go's words."""
    if text in ("1", "t", "T", "true", "TRUE", "True"):
        return True
    if text in ("0", "f", "F", "false", "FALSE", "False"):
        return False
    raise ValueError(f'strconv.ParseBool: parsing "{text}": invalid syntax')


def short_id(text: str) -> str:
    """12 characters, without the algorithm."""
    _, colon, rest = text.partition(":")
    return (rest if colon else text)[:12]


def ellipsis(text: str, room: int) -> str:
    """Cut to `room` columns, the last of them an ellipsis; wide characters count two."""
    if room <= 0:
        return ""
    if room == 1:
        return text[:1]
    if text.isascii():
        return text if len(text) <= room else text[: room - 1] + "…"
    from unicodedata import east_asian_width

    total, at, cut = 0, 0, None
    for char in text:
        step = 2 if east_asian_width(char) in "WF" else 1
        if cut is None and total + step > room - 1:
            cut = at
        total += step
        at += 1
    if total <= room or cut is None:
        return text
    return text[:cut] + "…"
