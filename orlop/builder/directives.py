"""Parser directives: `# syntax=`, `# escape=`, `# check=` at the very top of a Dockerfile.

Pure. Source: Dockerfile reference, "Parser directives".
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from orlop.errors import InvalidArgument

KNOWN = ("syntax", "escape", "check")
_UTF8_BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class Directive:
    name: str
    value: str
    line: int  # 1 is the first


class DirectiveParser:
    """Fed with lines from the top until the first that is no directive."""

    def __init__(self, comment: str = "#") -> None:
        self._pattern = re.compile(
            rf"^{re.escape(comment)}\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$"
        )
        self._done = False
        self._seen: set[str] = set()
        self._line = 0

    def line(self, text: str) -> Directive | None:
        """Raises InvalidArgument for one that is given twice."""
        self._line += 1
        if self._done:
            return None
        match = self._pattern.match(text)
        if match is None or match[1].lower() not in KNOWN:
            # Not one of ours ends the directives; `# KEY = x` is an ordinary comment
            self._done = True
            return None
        name = match[1].lower()
        if name in self._seen:
            raise InvalidArgument(f"only one {name} parser directive can be used")
        self._seen.add(name)
        return Directive(name, match[2], self._line)


def parse_all(text: str) -> list[Directive]:
    """Every directive at the top."""
    parser = DirectiveParser()
    out = []
    for line in text.removeprefix(_UTF8_BOM).split("\n"):
        found = parser.line(line)
        if found is None:
            break
        out.append(found)
    return out


def detect(text: str, key: str) -> tuple[str, int] | None:
    """(value, line or 0) of a directive in any of its forms: `#`, `//` or a JSON document."""
    text = text.removeprefix(_UTF8_BOM)
    first, _, rest = text.partition("\n")
    skipped = 0
    if first.startswith("#!"):
        text, skipped = rest, 1
    for comment in ("#", "//"):
        parser = DirectiveParser(comment)
        for number, line in enumerate(text.split("\n"), 1):
            try:
                found = parser.line(line)
            except InvalidArgument:
                break
            if found is None:
                break
            if found.name == key:
                return found.value, number + skipped
    return _json(text, key)


def _json(text: str, key: str) -> tuple[str, int] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    found = value.get(key) if isinstance(value, dict) else None
    return (found, 0) if isinstance(found, str) and found else None
