"""Requests of the API corpus on one daemon; answers with what differs by nature masked."""

from __future__ import annotations

import http.client
import json
import re
import socket
from dataclasses import dataclass, field
from typing import Any

PATIENCE = 60.0  # seconds
_MASKS = (
    (re.compile(r"(M(?:ax|in)imum supported API version is) 1\.5\d"), r"\1 <newest>"),
    (re.compile(r"sha256:[0-9a-f]{64}"), "<digest>"),
    (re.compile(r"[0-9a-f]{64}"), "<id>"),
    (
        re.compile(r"(?<![0-9a-fA-F])(?=[0-9a-f]*[a-f])(?=[0-9a-f]*[0-9])[0-9a-f]{12}(?![0-9a-f])"),
        "<short>",
    ),
    (re.compile(r"(?!0001)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"), "<time>"),
    (re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}"), "<mac>"),
    (re.compile(r"(?<![\d.])(?:10|172|192)(?:\.\d{1,3}){3}(?:/\d+)?"), "<ip>"),
    (re.compile(r"(?:About )?(?:Less than )?(?:an?|\d+) (?:second|minute)s?"), "<age>"),
)
_NUMBERS = (
    "Pid",
    "Created",
    "Size",
    "SizeRw",
    "SizeRootFs",
    "VirtualSize",
    "SharedSize",
    "time",
    "timeNano",
    "LayersSize",
    "SpaceReclaimed",
    "IPPrefixLen",
    "size",
    "mtime",
    "BridgeSize",
    "Containers",
)
_UNORDERED = ("Mounts", "Volumes", "")  # Go ranges over a map here
_ROOT = re.compile(
    r"(/var/tmp|/run|/var/run|/var/lib)/[^\s\"':]*?/(containers|volumes|overlay2|netns|image)/"
)


@dataclass
class Session:
    """`path`: of the daemon's socket; `version`: as in a path, "1.50"."""

    path: str
    version: str
    known: dict[str, str] = field(default_factory=dict)  # what `keep` took from answers

    def ask(self, case: dict[str, Any]) -> dict[str, Any]:
        """{"status", "type", "body"} of one case."""
        where = self._filled(case["path"])
        if not case.get("bare"):
            where = f"/v{self.version}{where}"
        body = case.get("body")
        headers = dict(case.get("headers") or {})
        data = None
        if body is not None:
            if isinstance(body, bytes | str):
                data = body.encode() if isinstance(body, str) else body
            else:
                data = self._filled(json.dumps(body)).encode()
            headers.setdefault("Content-Type", "application/json")
        connection = _Connection(self.path)
        try:
            connection.request(case["method"], where, data, headers)
            answer = connection.getresponse()
            raw = answer.read()
        finally:
            connection.close()
        kind = answer.headers.get("Content-Type", "")
        for name, key in (case.get("keep") or {}).items():
            value: Any = json.loads(raw)
            for step in key:
                value = value[step]
            self.known[name] = value
        return {"status": answer.status, "type": kind, "body": self._shown(case, kind, raw)}

    def _filled(self, text: str) -> str:
        for name, value in self.known.items():
            text = text.replace("{" + name + "}", value)
        return text

    def _shown(self, case: dict[str, Any], kind: str, raw: bytes) -> Any:
        show = case.get("show", "values")
        if show == "none":
            return None
        if show == "size":
            return "some" if raw else "nothing"
        if not kind.startswith("application/json"):
            return mask(raw.decode("utf-8", "replace"))
        documents = [json.loads(line) for line in raw.splitlines() if line.strip()]
        if show == "keys":
            documents = [keys(d) for d in documents]
        elif show == "shape":
            documents = [shape(mask(d)) for d in documents]
        else:
            documents = [mask(d) for d in documents]
        return documents[0] if len(documents) == 1 else documents


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("docker", timeout=PATIENCE)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(self._path)


def mask(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {mask(k): mask(v, k) for k, v in value.items()}
    if isinstance(value, list):
        out = [mask(v, key) for v in value]
        if key in _UNORDERED and all(isinstance(v, dict) for v in out):
            out.sort(key=lambda v: str(v.get("Destination") or v.get("Name")))
        return out
    if isinstance(value, str):
        value = _ROOT.sub(r"<root>/\2/", value)
        for pattern, put in _MASKS:
            value = pattern.sub(put, value)
        return value
    if key in _NUMBERS and isinstance(value, int) and not isinstance(value, bool):
        return "<number>"
    return value


def shape(value: Any) -> Any:
    """Types in the place of values; a list as its distinct elements, [] where it may be empty."""
    if isinstance(value, dict):
        return {k: shape(v) for k, v in value.items()}
    if isinstance(value, list):
        out: list[Any] = []
        for found in map(shape, value):
            if found not in out:
                out.append(found)
        return out
    if value is None:
        return "null"
    return {bool: "bool", int: "number", float: "number", str: "string"}[type(value)]


def keys(value: Any) -> Any:
    """The names of the fields only."""
    if isinstance(value, dict):
        return dict.fromkeys(value, "")
    return sorted({name for found in value for name in found})


def difference(got: Any, want: Any, where: str = "") -> list[str]:
    """Lines that say where two bodies differ."""
    if isinstance(got, dict) and isinstance(want, dict):
        out = []
        for key in dict.fromkeys((*want, *got)):
            if key not in got:
                out.append(f"{where}.{key}: missing, want {want[key]!r:.200}")
            elif key not in want:
                out.append(f"{where}.{key}: unknown, got {got[key]!r:.200}")
            else:
                out += difference(got[key], want[key], f"{where}.{key}")
        return out
    if isinstance(got, list) and isinstance(want, list) and len(got) == len(want):
        out = []
        for i, (g, w) in enumerate(zip(got, want)):
            out += difference(g, w, f"{where}[{i}]")
        return out
    return [] if got == want else [f"{where}: got {got!r:.300} want {want!r:.300}"]


def lost(got: Any, want: Any, where: str = "") -> list[str]:
    """Fields of one shape that another lacks, or has with another type; more is no loss."""
    if isinstance(want, dict) and isinstance(got, dict):
        out = []
        for key, value in want.items():
            if key in got:
                out += lost(got[key], value, f"{where}.{key}")
            else:
                out.append(f"{where}.{key}")
        return out
    if isinstance(want, list) and isinstance(got, list):
        if not got:
            return []
        return [
            line
            for wanted in want
            for line in min((lost(found, wanted, f"{where}[]") for found in got), key=len)
        ]
    empty = (None, "null", [], {})
    return [] if got == want or got in empty or want in empty else [f"{where}: {got} for {want}"]
