"""One record of comma separated values, quoted as RFC 4180 says, with the errors of Go's reader."""


def fields(text: str) -> list[str]:
    """Raises ValueError."""
    if not text:
        raise ValueError("EOF")
    line = text.split("\n", 1)[0] if '"' not in text else text
    found, at, size = [], 0, len(line)
    while True:
        if at < size and line[at] == '"':
            field, at = _quoted(line, at + 1)
        else:
            end = line.find(",", at)
            end = size if end < 0 else end
            field = line[at:end]
            if '"' in field:
                column = at + field.index('"') + 1
                raise ValueError(
                    f'parse error on line 1, column {column}: bare " in non-quoted-field'
                )
            at = end
        found.append(field)
        if at >= size:
            return found
        at += 1  # the comma


def _quoted(line: str, at: int) -> tuple[str, int]:
    parts = []
    while True:
        end = line.find('"', at)
        if end < 0:
            raise ValueError(
                f'parse error on line 1, column {len(line) + 1}: extraneous or missing " '
                "in quoted-field"
            )
        parts.append(line[at:end])
        at = end + 1
        if at < len(line) and line[at] == '"':
            parts.append('"')
            at += 1
        elif at == len(line) or line[at] == ",":
            return "".join(parts), at
        else:
            raise ValueError(
                f'parse error on line 1, column {at}: extraneous or missing " in quoted-field'
            )
