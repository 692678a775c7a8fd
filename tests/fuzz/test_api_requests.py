"""The API corpus with its bodies, paths and queries mutated: never an internal error.

A sample of a fixed seed by default; ORLOP_FUZZ=full sends forty thousand from ORLOP_FUZZ_SEED on.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from daemon import Daemon

sys.path.insert(0, str(Path(__file__).parents[1] / "compat" / "api"))
import corpus

from orlop.api import models

pytestmark = pytest.mark.root

FULL = os.environ.get("ORLOP_FUZZ") == "full"
COUNT = 8000 if FULL else 1500
FIRST = int(os.environ.get("ORLOP_FUZZ_SEED", "1"))
SEEDS = [FIRST + n for n in range(5)] if FULL else [1]
ODD: list[Any] = [
    None, True, 0, -1, 1 << 31, 1 << 63, -(1 << 63), 10**22, 1e308, "", "x", "\0", "\ud800", "\n",
    "é" * 300, "/" * 50, "a" * 70_000, "a" * 64, "../..", "%", "{}", "-1", "9" * 20, "--", "*", "[",
    "sha256:" + "a" * 64, "container:", "container:x", "host", "${A}", [], {}, [[]], [None],
    {"": None}, ["x"] * 500, {"a": {"b": {"c": [1]}}},
]  # fmt: skip
FIELDS = [
    name
    for shape in (models.Config, models.HostConfig, models.Mount, models.Endpoint, models.Exec)
    for name in shape.__struct_fields__
]
PARAMETERS = (
    "all filters limit size t signal h w path name platform force v tail since until type stream "
    "one-shot tag repo changes ps_args condition".split()
)
# what waits for others, asks a registry, or would take the machine's address pools
LEFT_OUT = (
    "/wait",
    "attach",
    "/events",
    "fromImage",
    "/auth",
    "search",
    "/push",
    "/networks/create",
)


def mutated(value: Any, chance: random.Random, depth: int = 0) -> Any:
    if chance.random() < 0.25 or depth > 6:
        return chance.choice(ODD)
    if isinstance(value, dict):
        out = {
            key: mutated(found, chance, depth + 1) if chance.random() < 0.4 else found
            for key, found in value.items()
        }
        if chance.random() < 0.3:
            out[chance.choice(FIELDS)] = chance.choice(ODD)
        return out
    if isinstance(value, list):
        return [mutated(v, chance, depth + 1) if chance.random() < 0.4 else v for v in value]
    return chance.choice(ODD) if chance.random() < 0.5 else value


def odd_text(chance: random.Random) -> str:
    return quote(str(chance.choice(ODD)).encode("utf-8", "replace"), safe="")


def odd_path(path: str, chance: random.Random) -> str:
    base, _, query = path.partition("?")
    parts = query.split("&") if query else []
    parts = [
        f"{part.partition('=')[0]}={odd_text(chance)}" if chance.random() < 0.5 else part
        for part in parts
    ]
    if chance.random() < 0.4:
        parts.append(f"{chance.choice(PARAMETERS)}={odd_text(chance)}")
    if chance.random() < 0.3:
        base = base.replace("apic-f", odd_text(chance))
    return f"{base}?{'&'.join(parts)}" if parts else base


def drawn(case: dict[str, Any], chance: random.Random) -> tuple[str, str, Any]:
    """(method, path, body) of a request made from a case."""
    path = case["path"].replace("apic-c", "apic-f")
    for name in ("c", "e", "n", "d", "y", "u", "net"):
        path = path.replace(f"{{{name}}}", "x")
    if chance.random() < 0.4:
        path = odd_path(path, chance)[:60_000]
    if "/stats" in path:
        path = "/containers/x/stats"  # else it goes on for ever
    if "/stop" in path or "/restart" in path:
        path = path.partition("?")[0] + "?t=0"
    body = case.get("body")
    if isinstance(body, dict | list):
        body = json.dumps(mutated(body, chance))
    return case["method"], chance.choice(("/v1.50", "/v1.24", "/v1.41", "")) + path, body


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.timeout(3600)
def test_no_internal_error(seed: int, orlopd: Daemon) -> None:
    chance = random.Random(seed)
    cases = [c for c in corpus.ALL if not any(word in c["path"] for word in LEFT_OUT)]
    orlopd.docker("rm", "-f", "apic-f", check=False)
    orlopd.docker("run", "-d", "--name", "apic-f", "busybox", "sleep", "1000")
    seen: dict[int, int] = {}
    with contextlib.closing(orlopd.http()) as connection:
        for _ in range(COUNT):
            method, path, body = drawn(chance.choice(cases), chance)
            headers = {"Content-Type": "application/json"} if isinstance(body, str) else {}
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read()
            seen[answer.status] = seen.get(answer.status, 0) + 1
            if answer.status >= 400:
                shown = f"seed {seed}: {method} {path[:300]} {str(body)[:500]}: {text[:300]!r}"
                assert b"internal error" not in text, shown
                assert b"Traceback" not in text, shown
    assert seen[200] > COUNT / 50
    assert seen[400] > COUNT / 10
    assert "Traceback" not in orlopd.log.read_text()
    ids = orlopd.docker("ps", "-aq").stdout.split()
    if ids:
        orlopd.docker("rm", "-fv", *ids)
