"""Docker's seccomp profiles → BPF. For the daemon: compiling takes 45 ms, the result is cached.

What libseccomp makes of the rules comes behind a stub for the numbers it does not know, see
`seccompstub`. The program depends on the profile, the capabilities, the machine, the library.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orlop
from orlop import files
from orlop.errors import InvalidArgument, SystemFailure
from orlop.kernel import libseccomp
from orlop.kernel.libc import MACHINE
from orlop.runtime import seccompstub, verdict

Json = dict[str, Any]

SPEC_ALLOW = 4  # SECCOMP_FILTER_FLAG_SPEC_ALLOW, runc's default
_FORMAT = 2  # of the cache
_DEFAULT = Path(orlop.__file__).parent / "data" / "seccomp" / "default.json"
_ARCH_NAMES = {"x86_64": "SCMP_ARCH_X86_64", "aarch64": "SCMP_ARCH_AARCH64"}
_GO_ARCHES = {"x86_64": ("amd64", "x32", "x86"), "aarch64": ("arm64", "arm")}
_FLAGS = {"SECCOMP_FILTER_FLAG_LOG": 2, "SECCOMP_FILTER_FLAG_SPEC_ALLOW": 4}

# With these as the default a new number must not fail (a tracer answers it itself): as runc.
_LETS_PASS = {"SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_TRACE"}

_memory: dict[str, bytes] = {}
_lock = threading.Lock()


def default_profile() -> str:
    return _DEFAULT.read_text()


def hardened_profile() -> str:
    """The default without socketcall: by it a 32-bit program would get the sockets whose families
    the profile denies to socket(2), AF_ALG and AF_VSOCK."""
    document = json.loads(default_profile())
    for rule in document["syscalls"]:
        rule["names"] = [name for name in rule["names"] if name != "socketcall"]
    return json.dumps(document)


def program(profile: str, capabilities: Iterable[str], cache: Path) -> tuple[bytes, int]:
    """(BPF, filter flags) for a profile's JSON text and the container's bounding capabilities.

    `cache`: a directory of our own, made 0700. Raises InvalidArgument for a bad profile,
    SystemFailure when libseccomp is missing.
    """
    document = _parse(profile)
    caps = sorted(capabilities)
    key = hashlib.sha256(
        "\0".join(
            [str(_FORMAT), profile, *caps, MACHINE, libseccomp.version(), os.uname().release]
        ).encode()
    ).hexdigest()
    flags = _flags(document)
    with _lock:
        found = _memory.get(key)
        if found is None:
            found = _from_disk(cache / key) or compile_document(document, frozenset(caps))
            _memory[key] = found
            cache.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not (cache / key).exists():
                files.write_atomic(cache / key, found, durable=False)
    return found, flags


def _from_disk(path: Path) -> bytes | None:
    try:
        data = path.read_bytes()
    except OSError:
        return None
    return data if data and len(data) % 8 == 0 else None


def _parse(profile: str) -> Json:
    try:
        document = json.loads(profile)
    except ValueError as e:
        raise InvalidArgument(f"Decoding seccomp profile failed: {e}") from None
    if not isinstance(document, dict) or "defaultAction" not in document:
        raise InvalidArgument("Decoding seccomp profile failed: no defaultAction")
    return document


def _flags(document: Json) -> int:
    if document.get("flags") is None:
        return SPEC_ALLOW
    flags = 0
    for name in document["flags"]:
        if name not in _FLAGS:
            raise InvalidArgument(f"seccomp flag {name!r} is not supported")
        flags |= _FLAGS[name]
    return flags


def compile_document(document: Json, caps: frozenset[str]) -> bytes:
    """A profile of Docker's or the OCI's form → BPF. Raises InvalidArgument, SystemFailure."""
    arches = _arches(document)
    default = _action(document["defaultAction"], document.get("defaultErrnoRet"))
    rules = [r for r in document.get("syscalls") or () if _applies(r, caps)]
    names = {n for rule in document.get("syscalls") or () for n in _names(rule)}
    allowed: set[str] = set()  # without conditions, though the library does not know them
    with libseccomp.Filter(default, arches) as made:
        for rule in rules:
            action = _action(rule["action"], rule.get("errnoRet"))
            if action == default:
                continue
            for name in _names(rule):
                number = libseccomp.number(name)
                if number == libseccomp.ERROR:
                    if action == verdict.ALLOW and not rule.get("args"):
                        allowed.add(name)
                    continue  # else as runc: nothing to allow
                for arguments in _argument_sets(rule.get("args") or ()):
                    made.add(action, number, arguments)
        body = made.export()
    if default == seccompstub.ENOSYS or document["defaultAction"] in _LETS_PASS:
        return body
    return seccompstub.stub(arches, names, allowed) + body


def oci(profile: str, capabilities: Iterable[str]) -> Json:
    """A profile as `linux.seccomp` of a config.json, decided for these bounding capabilities.

    Raises InvalidArgument for a bad profile.
    """
    document = _parse(profile)
    native = _ARCH_NAMES.get(MACHINE, "")
    arches = [native] if native else []
    for entry in document.get("archMap") or ():
        if entry["architecture"] == native:
            arches += entry.get("subArchitectures") or []
    arches += [n for n in document.get("architectures") or () if n not in arches]
    kept = ("action", "args", "errnoRet")
    caps = frozenset(capabilities)
    found: Json = {
        "defaultAction": document["defaultAction"],
        "architectures": arches,
        "syscalls": [
            {"names": _names(rule), **{key: rule[key] for key in kept if rule.get(key)}}
            for rule in document.get("syscalls") or ()
            if _applies(rule, caps)
        ],
    }
    for key in ("defaultErrnoRet", "flags"):
        if document.get(key) is not None:
            found[key] = document[key]
    return found


def _names(rule: Json) -> list[str]:
    return list(rule.get("names") or ([rule["name"]] if rule.get("name") else []))


def _action(name: str, errno: int | None) -> int:
    try:
        return libseccomp.action(name, errno)
    except KeyError:
        raise InvalidArgument(f"seccomp action {name!r} is not supported") from None


def _arches(document: Json) -> list[int]:
    native = _ARCH_NAMES.get(MACHINE)
    if native is None:
        raise SystemFailure(f"seccomp: no profile for {MACHINE}")
    names = [native]
    for entry in document.get("archMap") or ():
        if entry["architecture"] == native:
            names += entry.get("subArchitectures") or []
    names += [n for n in document.get("architectures") or () if n not in names]
    return [libseccomp.ARCHES[n] for n in names if n in libseccomp.ARCHES]


def _applies(rule: Json, caps: frozenset[str]) -> bool:
    includes, excludes = rule.get("includes") or {}, rule.get("excludes") or {}
    arches = set(_GO_ARCHES[MACHINE])
    if includes.get("arches") and not arches & set(includes["arches"]):
        return False
    if excludes.get("arches") and arches & set(excludes["arches"]):
        return False
    if not set(includes.get("caps") or ()) <= caps:
        return False
    if set(excludes.get("caps") or ()) & caps:
        return False
    least = includes.get("minKernel")
    return not least or _kernel() >= _version(least)


def _kernel() -> tuple[int, int]:
    return _version(os.uname().release)


def _version(text: str) -> tuple[int, int]:
    parts = text.split(".")
    return int(parts[0]), int("".join(c for c in parts[1] if c.isdigit()) or 0)


def _argument_sets(arguments: Iterable[Json]) -> list[list[libseccomp.Argument]]:
    """One list of conditions, or, when an argument is named twice, a rule for each (as runc)."""
    found = [
        (
            int(a["index"]),
            libseccomp.OPERATORS[a["op"]],
            int(a.get("value") or 0),
            int(a.get("valueTwo") or 0),
        )
        for a in arguments
    ]
    indexes = [a[0] for a in found]
    if len(set(indexes)) < len(indexes):
        return [[a] for a in found]
    return [found]
