"""Dockerfile-style changes (`commit -c`, `import -c`) applied to a run config.

Source: Dockerfile reference; dockerd 28's texts for what is wrong.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from orlop.errors import InvalidArgument
from orlop.image.healthcheck import parse_healthcheck
from orlop.image.ports import parse_exposed
from orlop.image.signals import check_signal
from orlop.image.words import Expander, split_words

_CONTINUED = re.compile(r"\\[ \t]*$")
_ALLOWED = (
    "CMD", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "ONBUILD", "STOPSIGNAL", "USER",
    "VOLUME", "WORKDIR",
)  # fmt: skip
_SHELL = ["/bin/sh", "-c"]


class _State:
    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config
        self.cmd_set = False

    @property
    def expand(self) -> Expander:
        pairs = (entry.partition("=") for entry in self.config.get("Env") or [])
        return Expander({name: value for name, _, value in pairs})

    @property
    def shell(self) -> list[str]:
        return self.config.get("Shell") or _SHELL


def apply(config: Mapping[str, Any], changes: Sequence[str]) -> dict[str, Any]:
    """A changed copy of `config`. Raises InvalidArgument."""
    state = _State(copy.deepcopy(dict(config)))
    if not changes:
        return state.config
    lines = _instructions("\n".join(changes))
    if not lines:
        raise InvalidArgument("file with no instructions")
    for name, _ in lines:
        if name not in _ALLOWED:
            raise InvalidArgument(f"{name} is not a valid change command")
    for name, rest in lines:
        _VERBS[name](state, rest)
    return state.config


def _instructions(text: str) -> list[tuple[str, str]]:
    """(upper-case name, rest) of each logical line."""
    out: list[tuple[str, str]] = []
    pending = ""
    for line in text.split("\n"):
        if line.lstrip().startswith("#") or (pending and not line.strip()):
            continue
        line = line if pending else line.lstrip()
        if _CONTINUED.search(line):
            pending += _CONTINUED.sub("", line)
            continue
        _add(out, pending + line)
        pending = ""
    _add(out, pending)
    return out


def _add(out: list[tuple[str, str]], line: str) -> None:
    words = line.strip().split(None, 1)
    if words:
        out.append((words[0].upper(), words[1] if len(words) > 1 else ""))


def json_array(text: str) -> list[str] | None:
    """The strings of a JSON array, None for anything else (which is then shell text)."""
    if not text.lstrip().startswith("["):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        return None
    return value


def _need(name: str, rest: str, what: str = "at least one argument") -> None:
    if not rest.strip():
        raise InvalidArgument(f"{name} requires {what}")


def _command(state: _State, rest: str) -> list[str]:
    words = json_array(rest)
    if words is not None:
        return words
    return [*state.shell, rest] if rest else list(state.shell)


def _cmd(state: _State, rest: str) -> None:
    state.config["Cmd"] = _command(state, rest)
    state.cmd_set = True


def _entrypoint(state: _State, rest: str) -> None:
    state.config["Entrypoint"] = _command(state, rest) or None
    if not state.cmd_set:
        state.config["Cmd"] = None  # it was meant for the old entrypoint


def _pairs(name: str, rest: str) -> list[tuple[str, str]]:
    """`a=b c=d` or the old form `a the rest`; words still quoted."""
    _need(name, rest)
    words = split_words(rest)
    if "=" not in words[0]:
        parts = rest.split(None, 1)
        if len(parts) < 2:
            raise InvalidArgument(f"{name} must have two arguments")
        return [(parts[0], parts[1])]
    for word in words:
        if "=" not in word:
            raise InvalidArgument(
                f'Syntax error - can\'t find = in "{word}". Must be of the form: name=value'
            )
    return [(key, value) for key, _, value in (word.partition("=") for word in words)]


def _env(state: _State, rest: str) -> None:
    expand = state.expand
    values = [(expand.word(k), expand.word(v)) for k, v in _pairs("ENV", rest)]
    for key, value in values:
        if not key:
            raise InvalidArgument("ENV names can not be blank")
        entries = list(state.config.get("Env") or [])
        for index, entry in enumerate(entries):
            if entry.partition("=")[0] == key:
                entries[index] = f"{key}={value}"
                break
        else:
            entries.append(f"{key}={value}")
        state.config["Env"] = entries


def _label(state: _State, rest: str) -> None:
    expand = state.expand
    labels = dict(state.config.get("Labels") or {})
    for raw_key, raw_value in _pairs("LABEL", rest):
        key = expand.word(raw_key)
        if not key:
            raise InvalidArgument("LABEL names can not be blank")
        labels[key] = expand.word(raw_value)
    state.config["Labels"] = labels


def _expose(state: _State, rest: str) -> None:
    _need("EXPOSE", rest)
    expand = state.expand
    words = [part for word in rest.split() for part in expand.word(word).split()]
    ports = dict(state.config.get("ExposedPorts") or {})
    for word in sorted(words):
        ports.update((port, {}) for port in parse_exposed(word))
    state.config["ExposedPorts"] = ports


def _volume(state: _State, rest: str) -> None:
    _need("VOLUME", rest)
    expand = state.expand
    words = json_array(rest)
    if words is None:
        words = rest.split()
    if not words:
        raise InvalidArgument("VOLUME requires at least one argument")
    volumes = dict(state.config.get("Volumes") or {})
    for word in words:
        path = expand.word(word).strip()
        if not path:
            raise InvalidArgument("VOLUME specified can not be an empty string")
        volumes[path] = {}
    state.config["Volumes"] = volumes


def _user(state: _State, rest: str) -> None:
    _need("USER", rest, "exactly one argument")
    state.config["User"] = state.expand.word(rest.strip())


def _workdir(state: _State, rest: str) -> None:
    _need("WORKDIR", rest, "exactly one argument")
    wanted = state.expand.word(rest.strip())
    current = state.config.get("WorkingDir") or "/"
    whole = wanted if wanted.startswith("/") else f"{current}/{wanted}"
    parts: list[str] = []
    for part in whole.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    state.config["WorkingDir"] = "/" + "/".join(parts)


def _stopsignal(state: _State, rest: str) -> None:
    _need("STOPSIGNAL", rest, "exactly one argument")
    state.config["StopSignal"] = check_signal(state.expand.word(rest.strip()))


def _onbuild(state: _State, rest: str) -> None:
    _need("ONBUILD", rest)
    trigger = rest.split(None, 1)[0].upper()
    if trigger == "ONBUILD":
        raise InvalidArgument("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")
    if trigger in ("MAINTAINER", "FROM"):
        raise InvalidArgument(f"{trigger} isn't allowed as an ONBUILD trigger")
    state.config["OnBuild"] = [*(state.config.get("OnBuild") or []), rest.strip()]


def _healthcheck(state: _State, rest: str) -> None:
    state.config["Healthcheck"] = parse_healthcheck(rest, json_array)


_VERBS: dict[str, Callable[[_State, str], None]] = {
    "CMD": _cmd,
    "ENTRYPOINT": _entrypoint,
    "ENV": _env,
    "EXPOSE": _expose,
    "HEALTHCHECK": _healthcheck,
    "LABEL": _label,
    "ONBUILD": _onbuild,
    "STOPSIGNAL": _stopsignal,
    "USER": _user,
    "VOLUME": _volume,
    "WORKDIR": _workdir,
}
