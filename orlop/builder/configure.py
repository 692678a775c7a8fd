"""Instructions that change only an image's settings: state → state. Pure.

History texts are those of dockerd's classic builder.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from orlop.builder import instructions as ins
from orlop.builder.source import clean
from orlop.builder.state import State
from orlop.errors import InvalidArgument
from orlop.image.ports import parse_exposed
from orlop.image.signals import check_signal

Json = dict[str, Any]
Changed = tuple[State, str]  # the text is what history says after `#(nop)  `

# Usable without an ARG, and neither in history nor in a cache key.
PROXIES = frozenset(
    name
    for word in ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")
    for name in (word, word.lower())
)


def configure(state: State, instruction: ins.Instruction, escape: str) -> State:
    """`state` after the instruction, with its history entry. Raises InvalidArgument."""
    changed, text = _VERBS[type(instruction)](state, instruction, escape)
    found: State = changed
    if isinstance(instruction, ins.Cmd):
        found = replace(found, declared=found.declared | {_CMD_SET})
    words = state.shell if not isinstance(instruction, ins.Shell) else found.shell
    return found.stepped(f"{' '.join(words)} #(nop)  {text}", None)


_CMD_SET = "\0CMD"  # this stage has set CMD: an ENTRYPOINT then leaves it


def _env(state: State, node: ins.Env, escape: str) -> Changed:
    lexer, scope = state.expand(escape)
    entries = list(state.config.get("Env") or ())
    shown = []
    names = set()
    for pair in node.pairs:
        key = lexer.word(pair.key, scope)
        value = lexer.word(pair.value, scope)
        if not key:
            raise InvalidArgument("ENV names can not be blank")
        shown.append(f"{key}={value}")
        names.add(key)
        for number, entry in enumerate(entries):
            if entry.partition("=")[0] == key:
                entries[number] = f"{key}={value}"
                break
        else:
            entries.append(f"{key}={value}")
    state = replace(state, winning=state.winning - names)
    return state.with_config(Env=entries), "ENV " + " ".join(shown)


def _label(state: State, node: ins.Label, escape: str) -> Changed:
    lexer, scope = state.expand(escape)
    labels = dict(state.config.get("Labels") or {})
    shown = []
    for pair in node.pairs:
        key = lexer.word(pair.key, scope)
        if not key:
            raise InvalidArgument("LABEL names can not be blank")
        labels[key] = lexer.word(pair.value, scope)
        shown.append(f"{key}={labels[key]}")
    return state.with_config(Labels=dict(sorted(labels.items()))), "LABEL " + " ".join(shown)


def declare(state: State, node: ins.Arg, escape: str, given: dict[str, str]) -> Changed:
    """ARG: `given` are build arguments and, for a bare name, what the global ARGs say."""
    shown = []
    for argument in node.arguments:
        lexer, scope = state.expand(escape)
        key = lexer.word(argument.key, scope)
        default = None if argument.value is None else lexer.word(argument.value, scope)
        shown.append(key if default is None else f"{key}={default}")
        value = given.get(key, default)
        arguments = dict(state.arguments)
        winning = state.winning
        if value is not None:
            arguments[key] = value
            winning |= {key} & state.environment.keys()
        state = replace(
            state, arguments=arguments, declared=state.declared | {key}, winning=winning
        )
    return state, "ARG " + " ".join(shown)


def _command(state: State, node: ins.Command) -> list[str]:
    return [*state.shell, *node.words] if node.shell and node.words else list(node.words)


def go_list(words: list[str]) -> str:
    quoted = (w.replace("\\", "\\\\").replace('"', '\\"') for w in words)
    return "[" + " ".join(f'"{w}"' for w in quoted) + "]"


def _cmd(state: State, node: ins.Cmd, escape: str) -> Changed:
    words = _command(state, node)
    return state.with_config(Cmd=words), f"CMD {go_list(words)}"


def _entrypoint(state: State, node: ins.Entrypoint, escape: str) -> Changed:
    words = _command(state, node)
    changed = state.with_config(Entrypoint=words)
    if _CMD_SET not in state.declared:
        changed = changed.with_config(Cmd=None)  # it was meant for the old entrypoint
    return changed, f"ENTRYPOINT {go_list(words)}"


def _expose(state: State, node: ins.Expose, escape: str) -> Changed:
    lexer, scope = state.expand(escape)
    words = [word for port in node.ports for word in lexer.words(port, scope)]
    ports = dict(state.config.get("ExposedPorts") or {})
    for word in words:
        ports.update((port, {}) for port in parse_exposed(word))
    return state.with_config(ExposedPorts=dict(sorted(ports.items()))), "EXPOSE " + " ".join(
        sorted(words)
    )


def _volume(state: State, node: ins.Volume, escape: str) -> Changed:
    lexer, scope = state.expand(escape)
    volumes = dict(state.config.get("Volumes") or {})
    shown = []
    for path in node.paths:
        path = lexer.word(path, scope).strip()
        if not path:
            raise InvalidArgument("VOLUME specified can not be an empty string")
        volumes[path] = {}
        shown.append(path)
    return state.with_config(Volumes=dict(sorted(volumes.items()))), f"VOLUME [{' '.join(shown)}]"


def _user(state: State, node: ins.User, escape: str) -> Changed:
    lexer, scope = state.expand(escape)
    user = lexer.word(node.user, scope)
    return state.with_config(User=user), f"USER {user}"


def workdir(state: State, node: ins.Workdir, escape: str) -> str:
    """The new working directory, absolute; the old one when variables make nothing of it."""
    lexer, scope = state.expand(escape)
    return absolute(state, lexer.word(node.path, scope))


def absolute(state: State, path: str) -> str:
    """A path as the image sees it, from its working directory."""
    whole = path if path.startswith("/") else f"{state.config.get('WorkingDir') or '/'}/{path}"
    return "/" + clean(whole)


def _stopsignal(state: State, node: ins.Stopsignal, escape: str) -> Changed:
    lexer, scope = state.expand(escape)
    signal = check_signal(lexer.word(node.signal, scope))
    return state.with_config(StopSignal=signal), f"STOPSIGNAL {signal}"


def _shell(state: State, node: ins.Shell, escape: str) -> Changed:
    return state.with_config(Shell=list(node.words)), f"SHELL [{' '.join(node.words)}]"


def _maintainer(state: State, node: ins.Maintainer, escape: str) -> Changed:
    return replace(state, author=node.who), f"MAINTAINER {node.who}"


def _onbuild(state: State, node: ins.Onbuild, escape: str) -> Changed:
    triggers = [*(state.config.get("OnBuild") or ()), node.trigger]
    return state.with_config(OnBuild=triggers), f"ONBUILD {node.trigger}"


def _go_duration(nanoseconds: int) -> str:
    if nanoseconds == 0:
        return "0s"
    if nanoseconds % 10**9:
        return f"{nanoseconds / 10**6:g}ms" if nanoseconds < 10**9 else f"{nanoseconds / 10**9:g}s"
    seconds = nanoseconds // 10**9
    hours, minutes = divmod(seconds // 60, 60)
    out = f"{hours}h" if hours else ""
    out += f"{minutes}m" if hours or minutes else ""
    return out + f"{seconds % 60}s"


_HEALTH_ORDER = ("Interval", "Timeout", "StartPeriod", "StartInterval")


def _healthcheck(state: State, node: ins.Healthcheck, escape: str) -> Changed:
    health: Json = {"Test": list(node.test)}
    health.update((k, node.durations[k]) for k in _HEALTH_ORDER if k in node.durations)
    if node.retries:
        health["Retries"] = node.retries
    times = " ".join(_go_duration(node.durations.get(k, 0)) for k in _HEALTH_ORDER)
    shown = f"HEALTHCHECK &{{[{' '.join(node.test)}] {times} {node.retries}}}"
    return state.with_config(Healthcheck=health), shown


_VERBS: dict[type[ins.Instruction], Callable[[State, Any, str], tuple[State, str]]] = {
    ins.Env: _env,
    ins.Label: _label,
    ins.Cmd: _cmd,
    ins.Entrypoint: _entrypoint,
    ins.Expose: _expose,
    ins.Volume: _volume,
    ins.User: _user,
    ins.Stopsignal: _stopsignal,
    ins.Shell: _shell,
    ins.Maintainer: _maintainer,
    ins.Onbuild: _onbuild,
    ins.Healthcheck: _healthcheck,
}
