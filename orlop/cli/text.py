"""Small text shapes of Go and Docker: quoting, ellipsis, short IDs."""

from orlop.quote import go_quote as go_quote


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
