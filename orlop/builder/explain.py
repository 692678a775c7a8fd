"""Why a step was not taken from the cache: its inputs beside those of the build before. Pure."""

from __future__ import annotations

from typing import Any

_MOST = 5  # files that are named
_WORDS = {
    "parent": "the files of the step before changed",
    "epoch": "SOURCE_DATE_EPOCH changed",
    "op": "another kind of step stands here",
}


def reasons(before: dict[str, Any] | None, now: dict[str, Any]) -> tuple[str, ...]:
    """What changed, old and new; at least one line."""
    if before is None:
        return ("never built here before",)
    out: list[str] = []
    if before.get("text") != now.get("text"):
        out.append(f"instruction changed: {before.get('text')!r} -> {now.get('text')!r}")
    for name in sorted({*before, *now} - {"text"}):
        old, new = before.get(name), now.get(name)
        if old == new:
            continue
        if name in ("files", "mounts"):
            out += _files(old or {}, new or {})
        elif name in ("environment", "arguments"):
            out += _pairs(name, old or {}, new or {})
        elif name in _WORDS:
            out.append(_WORDS[name])
        elif not out:
            out.append(f"{name} changed: {old!r} -> {new!r}")
    return tuple(out) or ("same inputs, but the layer is gone or was never kept",)


def _pairs(name: str, old: dict[str, str], new: dict[str, str]) -> list[str]:
    what = "argument" if name == "arguments" else "variable"
    out = []
    for key in sorted({*old, *new}):
        if old.get(key) == new.get(key):
            continue
        if key not in old:
            out.append(f"{what} {key} added: {new[key]!r}")
        elif key not in new:
            out.append(f"{what} {key} removed (was {old[key]!r})")
        else:
            out.append(f"{what} {key} changed: {old[key]!r} -> {new[key]!r}")
    return out


def _files(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    out = []
    for path in sorted({*old, *new}):
        if old.get(path) == new.get(path):
            continue
        if path not in old:
            out.append(f"file added: {path}")
        elif path not in new:
            out.append(f"file removed: {path}")
        else:
            out.append(f"file changed: {path}{_how(old[path], new[path])}")
    if len(out) > _MOST:
        out = [*out[:_MOST], f"and {len(out) - _MOST} more files"]
    return out


def _how(old: Any, new: Any) -> str:
    """The first part of a description that differs."""
    if not isinstance(old, list) or not isinstance(new, list):
        return ""
    for a, b in zip(old, new, strict=False):
        if a != b:
            return f" ({_short(a)} -> {_short(b)})"
    return ""


def _short(value: Any) -> str:
    if isinstance(value, int) and value < 0o10000:
        return f"{value:o}"
    return value[:12] if isinstance(value, str) and len(value) == 64 else str(value)
