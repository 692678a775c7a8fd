#!/usr/bin/env python3
"""What images cost by files and by megabytes: measure engines, draw the picture of BENCHMARKS.md.

    scripts/image_costs.py measure OUT.json NAME='CLI' [NAME='CLI' ...]
    scripts/image_costs.py memory 'CLI' PIDFILE [PIDFILE ...]
    scripts/image_costs.py draw OUT.svg A.json [B.json ...]

`measure` makes images of one layer (files of 4 KiB; or ten large files) and times load, save and
rmi with each command line, in turns, so that all see the same machine; the least of three counts.
`memory` says how much memory an image with a layer of 1 GiB takes above idle in the processes of
the pid files and their children (PSS). Standard library only.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shlex
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

FILES = (1_000, 3_000, 10_000, 30_000, 100_000)
MEGABYTES = (10, 30, 100, 300, 1024)
ROUNDS = 3
KIB, MIB = 1 << 10, 1 << 20
_BLOCK = os.urandom(MIB)


class _Noise(io.RawIOBase):
    """`size` bytes that hardly compress, made while they are read."""

    def __init__(self, size: int, seed: int) -> None:
        self._left = size
        self._at = seed * 4099 % MIB

    def readinto(self, buffer: Any) -> int:
        size = min(len(buffer), self._left, MIB - self._at)
        buffer[:size] = _BLOCK[self._at : self._at + size]
        self._left -= size
        self._at = (self._at + size) % MIB
        return size

    def readable(self) -> bool:
        return True


def archive(path: Path, tag: str, count: int, size: int, seed: int) -> None:
    """A docker archive of one layer of `count` files of `size` bytes, 100 in a directory."""
    with tempfile.NamedTemporaryFile(dir=path.parent) as layer:
        with tarfile.open(fileobj=layer, mode="w") as tar:
            for number in range(count):
                if number % 100 == 0:
                    folder = tarfile.TarInfo(f"d{number // 100}")
                    folder.type, folder.mode = tarfile.DIRTYPE, 0o755
                    tar.addfile(folder)
                info = tarfile.TarInfo(f"d{number // 100}/f{number}")
                info.size = size
                tar.addfile(info, io.BufferedReader(_Noise(size, number * 8 + seed)))
        layer.flush()
        layer.seek(0)
        digest = hashlib.file_digest(layer, "sha256").hexdigest()
        config = {
            "architecture": "amd64",
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
        }
        raw = json.dumps(config).encode()
        name = hashlib.sha256(raw).hexdigest() + ".json"
        listed = [{"Config": name, "RepoTags": [tag], "Layers": ["l/layer.tar"]}]
        with tarfile.open(path, "w") as tar:
            tar.add(layer.name, "l/layer.tar")
            for member, data in ((name, raw), ("manifest.json", json.dumps(listed).encode())):
                info = tarfile.TarInfo(member)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))


class Memory:
    """The most that the processes of pid files and their children held, PSS in MiB."""

    def __init__(self, pidfiles: list[str]) -> None:
        self._roots = [int(Path(p).read_text()) for p in pidfiles]
        self._end = threading.Event()
        self.idle = self._now()
        self.peak = 0.0

    def _now(self) -> float:
        pids, todo = [], list(self._roots)
        while todo:
            pid = todo.pop()
            pids.append(pid)
            for task in Path(f"/proc/{pid}/task").glob("*/children"):
                try:
                    todo += [int(word) for word in task.read_text().split()]
                except OSError:
                    continue
        return sum(map(_pss, pids)) / 1024

    def __enter__(self) -> Memory:
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._end.wait(0.01):
            self.peak = max(self.peak, self._now())

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()


def _pss(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0


def _run(cli: list[str], *args: str) -> float:
    begun = time.perf_counter()
    subprocess.run([*cli, *args], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def measure(out: Path, engines: dict[str, list[str]]) -> None:
    """Nothing is removed before all is loaded: ext4 is slow where inodes were just freed."""
    sizes = [("files", n, n, 4 * KIB) for n in FILES]
    sizes += [("MB", n, 10, n * MIB // 10) for n in MEGABYTES]
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        source, saved = Path(folder) / "in.tar", Path(folder) / "out.tar"
        for axis, value, count, size in sizes:
            fresh = [{"engine": e, "axis": axis, "value": value} for e in engines]
            for turn in range(ROUNDS):
                tag = f"costs:{axis}-{value}-{turn}"
                archive(source, tag, count, size, turn)
                for row in fresh:
                    cli = engines[row["engine"]]
                    os.sync()
                    _least(row, "load", _run(cli, "load", "-i", str(source)))
                    saved.unlink(missing_ok=True)
                    _least(row, "save", _run(cli, "save", "-o", str(saved), tag))
            rows += fresh
            for row in fresh:
                print(json.dumps(row), flush=True)
        for row in rows:
            for turn in range(ROUNDS):
                tag = f"costs:{row['axis']}-{row['value']}-{turn}"
                _least(row, "rmi", _run(engines[row["engine"]], "rmi", tag))
    out.write_text(json.dumps(rows, indent=1) + "\n")


def _least(row: dict[str, Any], what: str, seconds: float) -> None:
    row[what] = min(seconds, row.get(what, seconds))


def memory(cli: list[str], pidfiles: list[str]) -> dict[str, float]:
    """MiB above idle, per call."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        source, saved = Path(folder) / "in.tar", Path(folder) / "out.tar"
        archive(source, "costs:1", 1, 1024 * MIB, ROUNDS)
        return _peaks(cli, source, saved, pidfiles)


def _peaks(cli: list[str], source: Path, saved: Path, pidfiles: list[str]) -> dict[str, float]:
    found = {}
    calls = {
        "load": ("load", "-i", str(source)),
        "save": ("save", "-o", str(saved), "costs:1"),
        "rmi": ("rmi", "costs:1"),
    }
    for what, call in calls.items():
        with Memory(pidfiles) as watched:
            _run(cli, *call)
        found[what] = round(watched.peak - watched.idle, 1)
    return found


# --- the picture ------------------------------------------------------------------------------

_WIDE, _HIGH, _LEFT, _TOP = 330, 240, 62, 46
_COLOURS = ("#0b6e4f", "#2364aa", "#b3541e", "#6f4a8e")
_STYLE = "font-family:sans-serif;font-size:11px;fill:#333"


def draw(out: Path, sources: list[Path]) -> None:
    """Small multiples: load, save, rmi across files (above) and megabytes (below), both axes
    logarithmic, one line per engine."""
    rows = [row for path in sources for row in json.loads(path.read_text())]
    engines = list(dict.fromkeys(row["engine"] for row in rows))
    parts = []
    for down, axis in enumerate(("files", "MB")):
        for across, what in enumerate(("load", "save", "rmi")):
            x, y = _LEFT + across * (_WIDE + 70), _TOP + down * (_HIGH + 70)
            parts += _panel([r for r in rows if r["axis"] == axis], engines, axis, what, x, y)
    for index, engine in enumerate(engines):
        x = _LEFT + index * 150
        parts.append(f'<rect x="{x}" y="12" width="14" height="4" fill="{_COLOURS[index]}"/>')
        parts.append(f'<text x="{x + 20}" y="18" style="{_STYLE}">{engine}</text>')
    width, height = _LEFT + 3 * (_WIDE + 70), _TOP + 2 * (_HIGH + 70)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">'
    ground = f'<rect width="{width}" height="{height}" fill="white"/>'
    out.write_text("\n".join([head, ground, *parts, "</svg>", ""]))


def _panel(
    rows: list[dict[str, Any]], engines: list[str], axis: str, what: str, left: int, top: int
) -> list[str]:
    import math

    values = sorted({row["value"] for row in rows})
    x_low, x_high = math.log10(values[0]), math.log10(values[-1])
    y_low, y_high = -2.0, 2.0  # 10 ms to 100 s

    def place(value: float, seconds: float) -> tuple[float, float]:
        x = left + _WIDE * (math.log10(value) - x_low) / (x_high - x_low)
        share = (math.log10(max(seconds, 0.001)) - y_low) / (y_high - y_low)
        return round(x, 1), round(top + _HIGH * (1 - min(max(share, 0), 1)), 1)

    unit = "files of 4 KiB" if axis == "files" else "MiB in ten files"
    out = [f'<text x="{left}" y="{top - 8}" style="{_STYLE}">{what}, s, by {unit}</text>']
    for power in (-2, -1, 0, 1, 2):
        _, y = place(values[0], 10.0**power)
        out.append(f'<line x1="{left}" y1="{y}" x2="{left + _WIDE}" y2="{y}" stroke="#ddd"/>')
        label = f"{10.0**power:g}"
        out.append(
            f'<text x="{left - 6}" y="{y + 4}" text-anchor="end" style="{_STYLE}">{label}</text>'
        )
    for value in values:
        x, _ = place(value, 1)
        out.append(
            f'<text x="{x}" y="{top + _HIGH + 16}" text-anchor="middle" '
            f'style="{_STYLE}">{value:,}</text>'
        )
    for index, engine in enumerate(engines):
        points = [place(r["value"], r[what]) for r in rows if r["engine"] == engine]
        line = " ".join(f"{x},{y}" for x, y in points)
        colour = _COLOURS[index]
        out.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>' for x, y in points]
    return out


def main(argv: list[str]) -> int:
    if len(argv) >= 3 and argv[0] == "measure":
        pairs = [text.partition("=") for text in argv[2:]]
        measure(Path(argv[1]), {name: shlex.split(cli) for name, _, cli in pairs})
    elif len(argv) >= 3 and argv[0] == "memory":
        print(json.dumps(memory(shlex.split(argv[1]), argv[2:])))
    elif len(argv) >= 3 and argv[0] == "draw":
        draw(Path(argv[1]), [Path(path) for path in argv[2:]])
    else:
        print(__doc__, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
