"""A config.json that is not quite what it should be: read as far as the Docker CLI reads it."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_TEXTS = (
    "psFormat", "imagesFormat", "networksFormat", "pluginsFormat", "volumesFormat", "statsFormat",
    "detachKeys", "credsStore", "serviceInspectFormat", "servicesFormat", "tasksFormat",
    "secretFormat", "configFormat", "nodesFormat", "currentContext",
)  # fmt: skip


def repaired(data: bytes) -> "tuple[dict[str, Any], str]":
    """(what counts of it, what is wrong in Go's words or "")."""
    import json

    text = data.decode("utf-8", "replace").lstrip(" \t\r\n")
    if not text:
        return {}, ""
    try:
        found, _ = json.JSONDecoder(strict=False).raw_decode(text)  # what follows is not looked at
    except ValueError as e:
        at = e.pos if isinstance(e, json.JSONDecodeError) else 0
        if at < len(text.rstrip()):
            return {}, f"invalid character '{text[at]}' looking for beginning of value"
        return {}, "unexpected EOF"
    if found is None:
        return {}, ""
    if not isinstance(found, dict):
        return (
            {},
            f"json: cannot unmarshal {_kind(found)} into Go value of type configfile.ConfigFile",
        )
    return _without_wrong(found)


def _without_wrong(found: "dict[str, Any]") -> "tuple[dict[str, Any], str]":
    wrong = ""
    kept = {}
    for key, value in found.items():
        if key in _TEXTS and value is not None and not isinstance(value, str):
            wrong = wrong or _field(value, key)
            continue
        if key == "HttpHeaders" and isinstance(value, dict):
            for one in value.values():
                if not isinstance(one, str):
                    wrong = wrong or _field(one, key)
            value = {name: one for name, one in value.items() if isinstance(one, str)}
        kept[key] = value
    return kept, wrong


def _field(value: object, key: str) -> str:
    place = f"Go struct field ConfigFile.{key} of type string"
    return f"json: cannot unmarshal {_kind(value)} into {place}"


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, list):
        return "array"
    return "object" if isinstance(value, dict) else "string"
