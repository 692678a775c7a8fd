"""Where the vectors of the Dockerfile language are, and Go's quoting for their trees."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "vectors" / "dockerfile"


def cases(file: str, kind: str) -> list[dict[str, Any]]:
    found = [c for c in json.loads((FOLDER / file).read_text()) if c.get("kind") == kind]
    assert found, f"no vectors of kind {kind}"
    return found


_NAMED = {"\\": "\\\\", '"': '\\"', "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n",
          "\r": "\\r", "\t": "\\t", "\v": "\\v"}  # fmt: skip


def go_quote(text: str) -> str:
    out = []
    for char in text:
        if char in _NAMED:
            out.append(_NAMED[char])
        elif ord(char) < 32 or ord(char) == 127:
            out.append(f"\\x{ord(char):02x}")
        else:
            out.append(char)
    return '"' + "".join(out) + '"'
