"""Columns as Go's tabwriter lays them out: elastic tab stops, text on the left.

A column is a run of lines that have a tab-ended cell there; the last cell of a line stands free.
What could move a terminal's cursor or write to its clipboard, as a label may hold, shows as "?".
"""

_UNSEEN = {n: "?" for n in (*range(0x20), *range(0x7F, 0xA0)) if chr(n) not in "\t\n"}


def width(text: str) -> int:
    """Columns that `text` takes on a terminal."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def align(text: str, minimum: int = 10, padding: int = 3) -> str:
    """Lay out `text`, cells ended by tabs, lines by newlines."""
    if not text.isprintable():
        text = text.translate(_UNSEEN)
    lines = [line.split("\t") for line in text.split("\n")]
    out: list[str] = []
    _block(lines, 0, len(lines), [], out, minimum, padding)
    return "\n".join(out)


def _block(
    lines: list[list[str]],
    start: int,
    end: int,
    widths: list[int],
    out: list[str],
    minimum: int,
    padding: int,
) -> None:
    column, at = len(widths), start
    while at < end:
        if column >= len(lines[at]) - 1:
            at += 1
            continue
        _write(lines[start:at], widths, out)
        start = at
        size = minimum
        while at < end and column < len(lines[at]) - 1:
            size = max(size, width(lines[at][column]) + padding)
            at += 1
        _block(lines, start, at, [*widths, size], out, minimum, padding)
        start = at
    _write(lines[start:end], widths, out)


def _write(lines: list[list[str]], widths: list[int], out: list[str]) -> None:
    for cells in lines:
        out.append(
            "".join(
                cell + " " * (widths[j] - width(cell)) if j < len(widths) else cell
                for j, cell in enumerate(cells)
            )
        )


def table(headers: list[str], rows: list[list[str]]) -> str:
    """A table with its heading, as `ps` and the other lists print it."""
    return align("\n".join("\t".join(r) for r in [headers, *rows]) + "\n")
