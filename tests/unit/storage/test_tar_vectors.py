"""Odd and broken archives, and what Go's reader makes of them."""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from orlop.errors import InvalidArgument
from orlop.storage.tar import DIRECTORY, FILE, Entry, TarReader

VECTORS = Path(__file__).parents[2] / "vectors" / "tar"
CASES: list[dict[str, Any]] = json.loads((VECTORS / "expected.json").read_text())
LISTED = {case["file"] for case in CASES}
HEADER_ONLY = "123456"  # Go keeps the size that such a header names, and reads no data


def instant(text: str) -> int:
    whole, _, fraction = text.removesuffix("Z").partition(".")
    seconds = datetime.datetime.fromisoformat(whole + "+00:00").timestamp()
    return int(seconds) * 10**9 + int((fraction or "0").ljust(9, "0"))


def expected(case: dict[str, Any]) -> list[dict[str, Any]]:
    out = []
    for entry in case["entries"]:
        name = entry["name"]
        kind = entry["typeflag"]
        row = {
            "name": name.encode() if isinstance(name, str) else base64.b64decode(name["base64"]),
            "mode": entry["mode"],
            "uid": entry["uid"],
            "gid": entry["gid"],
            "size": 0 if kind in HEADER_ONLY or kind == "D" else entry["size"],
            # sparse files are files, directories of a GNU dump are directories
            "type": {"S": FILE, "D": DIRECTORY}.get(kind, kind.encode()),
            "link": entry.get("linkname", "").encode(),
            "major": entry.get("devmajor", 0),
            "minor": entry.get("devminor", 0),
            "xattrs": {k.encode(): v.encode() for k, v in entry.get("xattrs", {}).items()} or None,
        }
        if entry["mtime"] is not None:
            row["mtime_ns"] = instant(entry["mtime"])
        out.append(row)
    return out


def filled(entry: Entry, stored: bytes) -> bytes:
    if entry.holes is None:
        return stored
    out = bytearray(entry.size)
    at = 0
    for offset, length in entry.holes:
        out[offset : offset + length] = stored[at : at + length]
        at += length
    return bytes(out)


@pytest.mark.parametrize("case", CASES, ids=[c["file"] for c in CASES])
def test_as_go_reads_it(case: dict[str, Any]) -> None:
    reader = TarReader(iter([(VECTORS / "headers" / case["file"]).read_bytes()]))
    wanted = expected(case)
    found = []
    try:
        while (entry := reader.next()) is not None:
            index = len(found)
            row = {key: getattr(entry, key) for key in wanted[index]}
            found.append(row)
            if case["md5"][index] is not None and entry.size < 100 << 20:
                content = filled(entry, b"".join(reader.data()))
                if entry.plain or entry.type == FILE:
                    assert hashlib.md5(content).hexdigest() == case["md5"][index]
        failed = None
    except InvalidArgument as e:
        failed = e.message
    assert found == wanted
    assert failed == case.get("error")


@pytest.mark.parametrize("path", sorted((VECTORS / "headers").iterdir()), ids=lambda p: p.name)
@pytest.mark.parametrize("chunk", [1, 512, 700])
def test_in_any_chunking_it_ends_or_is_refused(path: Path, chunk: int) -> None:
    data = path.read_bytes()

    def names(pieces: list[bytes]) -> list[bytes | str]:
        reader = TarReader(iter(pieces))
        out: list[bytes | str] = []
        try:
            while (entry := reader.next()) is not None:
                out.append(entry.name)
        except InvalidArgument as e:
            out.append(e.message)
        return out

    assert names([data[i : i + chunk] for i in range(0, len(data), chunk)]) == names([data])
