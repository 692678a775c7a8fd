"""Answers against the Engine API description (Swagger 2.0): a small validator."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

DESCRIPTION = Path(__file__).parents[2] / "vectors" / "api" / "engine-v1.50.yaml"
_KINDS: dict[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "boolean": (bool,),
    "integer": (int,), "number": (int, float),
}  # fmt: skip
_POINTERS = ("MemorySwappiness", "ExitCode")  # null is described in words only


class Description:
    def __init__(self) -> None:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        self._document = yaml.load(DESCRIPTION.read_text(), loader)
        self._paths = []
        for path, operations in self._document["paths"].items():
            pattern = re.compile(re.sub(r"\\\{\w+\\\}", "(.+)", re.escape(path)))
            self._paths.append((path.count("{"), path, pattern, operations))
        self._paths.sort(key=lambda found: found[0])  # literal paths first

    def operations(self) -> dict[str, list[str]]:
        """Operation ID: tags."""
        return {
            op["operationId"]: op["tags"] for _, _, _, ops in self._paths for op in ops.values()
        }

    def operation(self, method: str, path: str) -> dict[str, Any] | None:
        for _, _, pattern, operations in self._paths:
            if method.lower() in operations and pattern.fullmatch(path):
                found: dict[str, Any] = operations[method.lower()]
                return found
        return None

    def problems(self, operation: dict[str, Any], status: int, body: Any) -> list[str]:
        """What is wrong with a JSON answer. An error that is not described is like the others."""
        answer = operation["responses"].get(status) or operation["responses"].get(str(status))
        if answer is None:
            if status < 400:
                return [f"status {status} is not described"]
            answer = {"schema": {"$ref": "#/definitions/ErrorResponse"}}
        answer = self._resolved(answer)
        schema = answer.get("schema")
        return [] if schema is None else list(self._check(body, schema, "$"))

    def _resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in schema:
            found: Any = self._document
            for step in schema["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            schema = found
        return schema

    def _check(self, value: Any, schema: dict[str, Any], where: str) -> Any:
        schema = self._resolved(schema)
        merged = self._merged(schema)
        kind = merged.get("type") or ("object" if "properties" in merged else None)
        if value is None:
            # Go encodes a nil slice, map or pointer as null, whatever the description says
            pointer = merged.get("x-nullable") or where.rpartition(".")[2] in _POINTERS
            if not pointer and kind not in ("array", "object", None):
                yield f"{where}: null"
            return
        if kind is None:
            return
        wrong = not isinstance(value, _KINDS[kind])
        if wrong or (isinstance(value, bool) and kind in ("integer", "number")):
            yield f"{where}: {type(value).__name__} instead of {kind}"
            return
        if "enum" in merged and value not in merged["enum"]:
            yield f"{where}: {value!r} is none of {merged['enum']}"
        if kind == "array":
            for number, item in enumerate(value):
                yield from self._check(item, merged.get("items") or {}, f"{where}[{number}]")
        elif kind == "object":
            yield from self._object(value, merged, where)

    def _merged(self, schema: dict[str, Any]) -> dict[str, Any]:
        """With the fields of its `allOf` in it."""
        if "allOf" not in schema:
            return schema
        out: dict[str, Any] = {"type": "object", "properties": {}, "required": []}
        for part in (*schema["allOf"], {k: v for k, v in schema.items() if k != "allOf"}):
            part = self._merged(self._resolved(part))
            out["type"] = part.get("type") or out["type"]
            if "enum" in part:
                out["enum"] = part["enum"]
            out["properties"] |= part.get("properties") or {}
            out["required"] = [*out["required"], *(part.get("required") or ())]
            if "additionalProperties" in part:
                out["additionalProperties"] = part["additionalProperties"]
            if "x-nullable" in part:
                out["x-nullable"] = part["x-nullable"]
        return out

    def _object(self, value: dict[str, Any], schema: dict[str, Any], where: str) -> Any:
        properties = schema.get("properties") or {}
        for name in schema.get("required") or ():
            if name not in value:
                yield f"{where}.{name}: missing"
        other = schema.get("additionalProperties")
        for name, found in value.items():
            if name in properties:
                yield from self._check(found, properties[name], f"{where}.{name}")
            elif isinstance(other, dict):
                yield from self._check(found, other, f"{where}.{name}")
            elif properties and not other:
                yield f"{where}.{name}: not described"
