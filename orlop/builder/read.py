"""Nodes → instructions, checked. Pure; errors are BuildKit's, with the line.

`read(text)` is the whole front of the builder: text in, stages out.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from orlop.builder import instructions as ins
from orlop.builder.flags import Flags
from orlop.builder.heredoc import parse_word
from orlop.builder.mountspec import parse_device, parse_mount
from orlop.builder.parser import Node, at_line, parse
from orlop.builder.remote import is_git, is_url
from orlop.builder.suggest import did_you_mean
from orlop.errors import InvalidArgument
from orlop.image.times import duration_ns

_STAGE_NAME = re.compile(r"[a-z][a-z0-9-_.]*", re.ASCII)
_ONBUILD = re.compile(r"^\s*ONBUILD\s*", re.IGNORECASE)
RESERVED = ("scratch", "context")  # stage names that `--check` warns of
_DIGESTS = {"sha256": 64, "sha384": 96, "sha512": 128}  # algorithm: hex digits
_UNITLESS = re.compile(r"[-+]?\d+\.?\d*", re.ASCII)
_DURATIONS = {
    "interval": "Interval",
    "timeout": "Timeout",
    "start-period": "StartPeriod",
    "start-interval": "StartInterval",
}


def read(text: str) -> ins.Dockerfile:
    """Raises InvalidArgument."""
    parsed = parse(text)
    stages: list[tuple[ins.From, list[ins.Instruction], str]] = []
    arguments: list[ins.Arg] = []
    for node in parsed.nodes:
        try:
            found = instruction(node)
            if isinstance(found, ins.From):
                stages.append((found, [], _stage_comment(node, found)))
            elif stages:
                stages[-1][1].append(found)
            elif isinstance(found, ins.Arg):
                arguments.append(found)
            else:
                error = InvalidArgument("no build stage in current context")
                raise at_line(error, node.line, node.last_line, said=False)
        except InvalidArgument as error:
            raise at_line(error, node.line, node.last_line) from None
    if not stages:
        raise InvalidArgument("dockerfile contains no stages to build")
    checks = next((d.value for d in parsed.directives if d.name == "check"), "")
    return ins.Dockerfile(
        tuple(
            ins.Stage(number, start, tuple(commands), comment)
            for number, (start, commands, comment) in enumerate(stages)
        ),
        tuple(arguments),
        parsed.escape,
        parsed.warnings,
        checks,
    )


def _stage_comment(node: Node, start: ins.From) -> str:
    return _comment(node, start.alias) if start.alias else ""


def _comment(node: Node, name: str) -> str:
    """What a comment right above says of `name`: `# name does this`."""
    for line in node.comments:
        if line.startswith(name + " "):
            return line[len(name) + 1 :].strip()
    return ""


def instruction(node: Node) -> ins.Instruction:
    """Raises InvalidArgument without the line."""
    reader = _READERS.get(node.name)
    if reader is None:
        word = node.text.split(None, 1)[0]
        known = [name.upper() for name in _READERS] if word.isupper() else list(_READERS)
        near = did_you_mean(word if word.isupper() else node.name, known)
        raise InvalidArgument(f"unknown instruction: {word}{near}")
    found: ins.Instruction = reader(node)
    return found


def trigger(text: str, escape: str = "\\") -> ins.Instruction:
    """The instruction of an ONBUILD trigger stored in an image."""
    (node,) = parse(f"# escape={escape}\n{text}\n").nodes
    return instruction(node)


def _place(node: Node) -> dict[str, Any]:
    text = node.text
    for document in node.heredocs:
        text += f"\n{document.content}{document.name}"
    return {"line": node.line, "last_line": node.last_line, "text": text}


def _no_flags(node: Node) -> None:
    Flags(node.flags)


def _one(node: Node) -> str:
    _no_flags(node)
    if len(node.words) != 1:
        raise InvalidArgument(f"{node.name.upper()} requires exactly one argument")
    return node.words[0]


def _some(node: Node) -> tuple[str, ...]:
    if not node.words:
        raise InvalidArgument(f"{node.name.upper()} requires at least one argument")
    return node.words


def _from(node: Node) -> ins.From:
    flags = Flags(node.flags, strings=("platform",))
    words = node.words
    alias = ""
    if len(words) == 3 and words[1].lower() == "as":
        alias = words[2].lower()
        if not _STAGE_NAME.fullmatch(alias):
            raise InvalidArgument(
                f'invalid name for build stage: "{words[2]}", name can\'t start with a number '
                "or contain symbols"
            )
    elif len(words) != 1:
        raise InvalidArgument("FROM requires either one or three arguments")
    return ins.From(words[0], alias, flags.text("platform"), **_place(node))


def _transfer(node: Node) -> dict[str, Any]:
    """Sources, inline files and destination."""
    upper = node.name.upper()
    if len(node.words) < 2:
        raise InvalidArgument(
            f"{upper} requires at least two arguments, but only one was provided. "
            "Destination could not be determined"
            if node.words
            else f"{upper} requires at least one argument"
        )
    *sources, target = node.words
    if not node.json and parse_word(target) is not None:
        raise InvalidArgument(f"{upper} cannot accept a heredoc as a destination")
    documents = {document.name: document for document in node.heredocs}
    plain, inlines = [], []
    for source in sources:
        opened = parse_word(source) if "<<" in source and not node.json else None
        document = documents.get(opened.name) if opened is not None else None
        if document is None:
            plain.append(source)
        else:
            inlines.append(ins.Inline(document.name, document.data, document.expand))
    return {"sources": tuple(plain), "inlines": tuple(inlines), "target": target}


def _copy(node: Node) -> ins.Copy:
    flags = Flags(
        node.flags,
        strings=("from", "chown", "chmod"),
        lists=("exclude",),
        booleans=("link", "parents"),
    )
    if "$" in flags.text("from"):
        raise InvalidArgument(
            "variable expansion is not supported for --from, define a new stage with FROM using "
            "ARG from global scope as a workaround"
        )
    return ins.Copy(
        **_transfer(node),
        **_common(flags),
        source_stage=flags.text("from"),
        parents=flags.on("parents"),
        **_place(node),
    )


def _add(node: Node) -> ins.Add:
    flags = Flags(
        node.flags,
        strings=("chown", "chmod", "checksum"),
        lists=("exclude",),
        booleans=("link", "keep-git-dir", "unpack"),
    )
    found = _transfer(node)
    _check_sum(flags.text("checksum"), found)
    return ins.Add(
        **found,
        **_common(flags),
        checksum=flags.text("checksum"),
        keep_git_dir=flags.on("keep-git-dir"),
        unpack=flags.maybe("unpack"),
        **_place(node),
    )


def _check_sum(text: str, found: dict[str, Any]) -> None:
    """`--checksum`: of one file of a URL, or of a commit. Raises InvalidArgument."""
    if not text or "$" in text:
        return
    sources = found["sources"]
    if len(sources) + len(found["inlines"]) != 1:
        raise InvalidArgument("checksum can't be specified for multiple sources")
    if sources and ("$" in sources[0] or is_git(sources[0])):
        return
    if not sources or not is_url(sources[0]):
        raise InvalidArgument("checksum requires HTTP(S) or Git sources")
    algorithm, colon, digest = text.partition(":")
    if not colon:
        raise InvalidArgument("invalid checksum digest format")
    if algorithm not in _DIGESTS:
        raise InvalidArgument("unsupported digest algorithm")
    if len(digest) != _DIGESTS[algorithm]:
        raise InvalidArgument("invalid checksum digest length")


def _common(flags: Flags) -> dict[str, Any]:
    return {
        "chown": flags.text("chown"),
        "chmod": flags.text("chmod"),
        "link": flags.on("link"),
        "excludes": flags.all("exclude"),
    }


def _run(node: Node) -> ins.Run:
    flags = Flags(node.flags, strings=("network", "security"), lists=("mount", "device"))
    for text in flags.all("mount"):
        if "$" not in text:
            try:
                parse_mount(text)
            except InvalidArgument as error:
                raise at_line(error, node.line, node.last_line, said=False) from None
    for text in flags.all("device"):
        parse_device(text)
    network = flags.text("network") or "default"
    if network not in ("default", "none", "host"):
        raise InvalidArgument(
            f'invalid network mode "{network}"' + did_you_mean(network, ("default", "none", "host"))
        )
    security = flags.text("security") or "sandbox"
    if security not in ("sandbox", "insecure"):
        raise InvalidArgument(f'security "{security}" is not supported')
    return ins.Run(
        node.words,
        not node.json,
        node.heredocs,
        flags.all("mount"),
        network,
        security,
        flags.all("device"),
        **_place(node),
    )


def _pairs(node: Node) -> tuple[ins.Pair, ...]:
    _no_flags(node)
    words = _some(node)
    upper = node.name.upper()
    if len(words) % 3:
        raise InvalidArgument(f"Bad input to {upper}, too many arguments")
    out = []
    for at in range(0, len(words), 3):
        if not words[at]:
            raise InvalidArgument(f"{upper} names can not be blank")
        out.append(ins.Pair(words[at], words[at + 1], words[at + 2]))
    return tuple(out)


def _arg(node: Node) -> ins.Arg:
    _no_flags(node)
    found = []
    for word in _some(node):
        key, equals, value = word.partition("=")
        if not key:
            raise InvalidArgument("ARG names can not be blank")
        found.append(ins.Argument(key, value if equals else None, _comment(node, key)))
    return ins.Arg(tuple(found), **_place(node))


def _command(kind: type[ins.Command]) -> Callable[[Node], ins.Command]:
    def reader(node: Node) -> ins.Command:
        _no_flags(node)
        return kind(node.words, not node.json, **_place(node))

    return reader


def _expose(node: Node) -> ins.Expose:
    _no_flags(node)
    return ins.Expose(_some(node), **_place(node))


def _healthcheck(node: Node) -> ins.Healthcheck:
    flags = Flags(node.flags, strings=(*_DURATIONS, "retries"))
    kind, *command = _some(node)
    kind = kind.upper()
    if kind == "NONE":
        if command:
            raise InvalidArgument("HEALTHCHECK NONE takes no arguments")
        return ins.Healthcheck(("NONE",), **_place(node))
    if kind != "CMD":
        raise InvalidArgument(f'Unknown type "{kind}" in HEALTHCHECK (try CMD)')
    if not command:
        raise InvalidArgument("Missing command after HEALTHCHECK CMD")
    test = ("CMD", *command) if node.json else ("CMD-SHELL", *command)
    durations = {field: _duration(flags, name) for name, field in _DURATIONS.items()}
    return ins.Healthcheck(
        test, {k: v for k, v in durations.items() if v}, _retries(flags), **_place(node)
    )


def _duration(flags: Flags, name: str) -> int:
    text = flags.text(name)
    if not text:
        return 0
    value = duration_ns(text)
    if value is None:
        wrong = "missing unit in" if _UNITLESS.fullmatch(text) else "invalid"
        raise InvalidArgument(f'time: {wrong} duration "{text}"')
    if 0 < value < 1_000_000 or value < 0:
        raise InvalidArgument(f'Interval "{name}" cannot be less than 1ms')
    return value


def _retries(flags: Flags) -> int:
    text = flags.text("retries")
    if not text:
        return 0
    if re.fullmatch(r"[+-]?\d{1,9}", text, re.ASCII) is None:
        raise InvalidArgument(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    if int(text) < 0:
        raise InvalidArgument(f"--retries cannot be negative ({int(text)})")
    return int(text)


def _maintainer(node: Node) -> ins.Maintainer:
    return ins.Maintainer(_one(node), **_place(node))


def _onbuild(node: Node) -> ins.Onbuild:
    _no_flags(node)
    if node.child is None:
        raise InvalidArgument("ONBUILD requires at least one argument")
    name = node.child.name.upper()
    if name == "ONBUILD":
        raise InvalidArgument("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")
    if name in ("MAINTAINER", "FROM"):
        raise InvalidArgument(f"{name} isn't allowed as an ONBUILD trigger")
    place = _place(node)
    instruction(node.child)
    return ins.Onbuild(_ONBUILD.sub("", place["text"]), **place)


def _shell(node: Node) -> ins.Shell:
    _no_flags(node)
    if not node.json and node.words:
        raise InvalidArgument("SHELL requires the arguments to be in JSON form")
    return ins.Shell(_some(node), **_place(node))


def _stopsignal(node: Node) -> ins.Stopsignal:
    return ins.Stopsignal(_one(node), **_place(node))


def _user(node: Node) -> ins.User:
    return ins.User(_one(node), **_place(node))


def _volume(node: Node) -> ins.Volume:
    _no_flags(node)
    paths = tuple(path.strip() for path in _some(node))
    if not all(paths):
        raise InvalidArgument("VOLUME specified can not be an empty string")
    return ins.Volume(paths, **_place(node))


def _workdir(node: Node) -> ins.Workdir:
    return ins.Workdir(_one(node), **_place(node))


_READERS: dict[str, Callable[[Node], Any]] = {
    "add": _add,
    "arg": _arg,
    "cmd": _command(ins.Cmd),
    "copy": _copy,
    "entrypoint": _command(ins.Entrypoint),
    "env": lambda node: ins.Env(_pairs(node), **_place(node)),
    "expose": _expose,
    "from": _from,
    "healthcheck": _healthcheck,
    "label": lambda node: ins.Label(_pairs(node), **_place(node)),
    "maintainer": _maintainer,
    "onbuild": _onbuild,
    "run": _run,
    "shell": _shell,
    "stopsignal": _stopsignal,
    "user": _user,
    "volume": _volume,
    "workdir": _workdir,
}
