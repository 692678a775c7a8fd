"""Questions about a Dockerfile that need no build: `--check`, `--call=targets`, `--call=outline`.

Pure. Source: github.com/moby/buildkit, frontend/subrequests (names and forms of the answers).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from orlop.builder import instructions as ins
from orlop.builder import stages
from orlop.builder.check import Options, link, report
from orlop.builder.checkrules import Finding
from orlop.builder.mountspec import parse_mount
from orlop.builder.parser import Malformed, parse
from orlop.builder.read import read
from orlop.buildkit.attributes import Attributes
from orlop.buildkit.grpc import UNKNOWN, RpcFailure
from orlop.errors import InvalidArgument

Json = dict[str, Any]
LINT = "frontend.lint"
DESCRIBE = "frontend.subrequests.describe"
_VERSION = b"1.0.0"
_KNOWN = (
    ("frontend.lint", "Lint a Dockerfile", ("result.json", "result.txt", "result.statuscode")),
    ("frontend.targets", "List the targets of a Dockerfile", ("result.json", "result.txt")),
    ("frontend.outline", "List the parameters of a target", ("result.json", "result.txt")),
    (DESCRIBE, "List the subrequests", ("result.json", "result.txt")),
)


def answer(asked: Attributes, text: str) -> dict[str, bytes]:
    """A result's metadata, of all but `lint`. Raises InvalidArgument, RpcFailure for a question
    nobody knows."""
    if asked.request == "frontend.targets":
        return _result({"targets": _targets(read(text)), "sources": [_base64(text)]})
    if asked.request == "frontend.outline":
        return _result(_outline(read(text), asked, text))
    raise RpcFailure(UNKNOWN, f"unsupported request {asked.request}")


def describe() -> dict[str, bytes]:
    found = [
        {
            "name": name, "version": _VERSION.decode(), "type": "rpc", "description": text,
            "opts": [], "metadata": [{"name": one} for one in metadata],
        }
        for name, text, metadata in _KNOWN
    ]  # fmt: skip
    return _result(found)


def lint(
    filename: str, text: str, find: Callable[[str], tuple[list[Finding], Options]]
) -> dict[str, bytes]:
    """`find` checks. Raises what it raises, but for a Dockerfile that is none."""
    source = {"filename": filename, "data": _base64(text), "language": "Dockerfile"}
    out: Json = {"warnings": [], "sources": [source]}
    told = ""
    try:
        found, _ = find(text)
        last = {node.line: node.last_line for node in parse(text).nodes}
        for one in found:
            place = {"ranges": [_lines(one.line, last.get(one.line, one.line))]}
            warning = {"ruleName": one.rule, "url": link(one.rule), "detail": one.text}
            out["warnings"].append({**warning, "location": place})
        told = report(text, found, filename)
    except InvalidArgument as error:
        line = error.line if isinstance(error, Malformed) else 0
        out["buildError"] = {
            "message": error.message,
            "location": {"ranges": [_lines(line, line)] if line else []},
        }
    code = b"1" if out["warnings"] or "buildError" in out else b"0"
    return {**_result(out), "result.txt": told.encode(), "result.statuscode": code}


def _targets(document: ins.Dockerfile) -> list[Json]:
    last = len(document.stages) - 1
    out = []
    for stage in document.stages:
        if not stage.start.alias and stage.index != last:
            continue
        found: Json = {"name": stage.start.alias, "description": stage.comment}
        found |= {"base": stage.start.base, "platform": stage.start.platform}
        if stage.index == last:
            found["default"] = True
        line = stage.start.line
        found["location"] = {"ranges": [_lines(line, line)]}
        out.append({key: value for key, value in found.items() if value})
    return out


def _outline(document: ins.Dockerfile, asked: Attributes, text: str) -> Json:
    planned = stages.plan(document, {})
    last = document.stages[stages.target(document, asked.target)]
    needed = [one.stage for one in stages.needed(planned, last.index)]
    out: Json = {
        "name": last.start.alias, "description": last.comment,
        "args": list(_arguments(document, needed, asked)), "sources": [_base64(text)],
    }  # fmt: skip
    for kind, key in (("secret", "secrets"), ("ssh", "ssh"), ("cache", "cache")):
        out[key] = _mounts(needed, kind)
    return {key: value for key, value in out.items() if value}


def _arguments(
    document: ins.Dockerfile, needed: Sequence[ins.Stage], asked: Attributes
) -> Iterator[Json]:
    seen: set[str] = set()
    commands = [*document.arguments, *(c for stage in needed for c in stage.commands)]
    for command in commands:
        for one in command.arguments if isinstance(command, ins.Arg) else ():
            if one.key in seen:
                continue
            seen.add(one.key)
            value = asked.arguments.get(one.key, one.value or "")
            found: Json = {"name": one.key, "description": one.comment, "value": value}
            found["location"] = {"ranges": [_lines(command.line, command.line)]}
            yield {key: item for key, item in found.items() if item}


def _mounts(needed: Sequence[ins.Stage], kind: str) -> list[Json]:
    out: dict[str, Json] = {}
    for stage in needed:
        for command in stage.commands:
            for text in command.mounts if isinstance(command, ins.Run) else ():
                found = parse_mount(text)
                if found.type != kind:
                    continue
                name = found.id or found.target.rpartition("/")[2] or "default"
                key = "ID" if kind == "cache" else "name"
                one: Json = {key: found.id or found.target if kind == "cache" else name}
                if found.required:
                    one["required"] = True
                one["location"] = {"ranges": [_lines(command.line, command.line)]}
                out.setdefault(name, one)
    return list(out.values())


def _result(found: Any) -> dict[str, bytes]:
    data = json.dumps(found, indent=2).encode()
    return {"result.json": data, "result.txt": data, "version": _VERSION}


def _lines(first: int, last: int) -> Json:
    return {"start": {"line": first}, "end": {"line": last}}


def _base64(text: str) -> str:
    return base64.b64encode(text.encode("utf-8", "surrogateescape")).decode()
