"""Docker's seccomp profiles → BPF. For the daemon: compiling takes 45 ms, the result is cached.

A number that neither the profile nor libseccomp knows answers ENOSYS (programs then fall back, as
glibc does); one that is known and not allowed answers the profile's default. That is runc's rule.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orlop
from orlop import files
from orlop.errors import InvalidArgument, SystemFailure
from orlop.kernel import libseccomp
from orlop.kernel.libc import MACHINE

Json = dict[str, Any]

SPEC_ALLOW = 4  # SECCOMP_FILTER_FLAG_SPEC_ALLOW, runc's default
_FORMAT = 1  # of the cache
_DEFAULT = Path(orlop.__file__).parent / "data" / "seccomp" / "default.json"
_ARCH_NAMES = {"x86_64": "SCMP_ARCH_X86_64", "aarch64": "SCMP_ARCH_AARCH64"}
_GO_ARCHES = {"x86_64": ("amd64", "x32", "x86"), "aarch64": ("arm64", "arm")}
_FLAGS = {"SECCOMP_FILTER_FLAG_LOG": 2, "SECCOMP_FILTER_FLAG_SPEC_ALLOW": 4}
_X32_BIT = 0x40000000
_ENOSYS = 0x00050000 | 38

_memory: dict[str, bytes] = {}
_lock = threading.Lock()


def default_profile() -> str:
    return _DEFAULT.read_text()


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
            found = _from_disk(cache / key) or _compile(document, frozenset(caps))
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


def _compile(document: Json, caps: frozenset[str]) -> bytes:
    arches = _arches(document)
    default = _action(document["defaultAction"], document.get("defaultErrnoRet"))
    rules = [r for r in document.get("syscalls") or () if _applies(r, caps)]
    names = {n for rule in document.get("syscalls") or () for n in _names(rule)}
    with libseccomp.Filter(default, arches) as made:
        for rule in rules:
            action = _action(rule["action"], rule.get("errnoRet"))
            if action == default:
                continue
            for name in _names(rule):
                number = libseccomp.number(name)
                if number == libseccomp.ERROR:
                    continue  # unknown here: as runc, nothing to allow
                for arguments in _argument_sets(rule.get("args") or ()):
                    made.add(action, number, arguments)
        body = made.export()
    return _unknown_is_enosys(arches, names) + body


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


# BPF (linux/bpf_common.h): classes and the offsets in struct seccomp_data
_LD_ABS, _JEQ, _JGT, _JGE, _RET = 0x20, 0x15, 0x25, 0x35, 0x06
_NR, _ARCH = 0, 4


def _op(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("=HBBI", code, yes, no, value)


def _unknown_is_enosys(arches: list[int], names: set[str]) -> bytes:
    """Instructions that answer ENOSYS for numbers newer than both profile and library."""
    newest = {arch: _newest(arch, names) for arch in arches}
    x32 = libseccomp.ARCHES["SCMP_ARCH_X32"]
    x64 = libseccomp.ARCHES["SCMP_ARCH_X86_64"]
    blocks: list[bytes] = []
    for arch in arches:
        if arch == x32:
            continue  # the kernel reports x86-64; the bit in the number tells them apart
        tests = [_op(_LD_ABS, _NR)]
        if arch == x64:
            limit = _X32_BIT + newest.get(x32, newest[x64])
            # below the x32 bit: native
            tests += [
                _op(_JGE, _X32_BIT, 0, 2),
                _op(_JGT, limit, 2, 3),  # x32: to ENOSYS, or past it
                _op(_RET, _ENOSYS),  # never reached; keeps the offsets plain
                _op(_JGT, newest[arch], 0, 1),
                _op(_RET, _ENOSYS),
            ]
        else:
            tests += [_op(_JGT, newest[arch], 0, 1), _op(_RET, _ENOSYS)]
        block = b"".join(tests)
        blocks.append(_op(_JEQ, arch, 0, len(block) // 8) + block)
    return _op(_LD_ABS, _ARCH) + _reload(blocks)


def _reload(blocks: list[bytes]) -> bytes:
    """After a block that matched, the accumulator holds the number: later tests need the arch."""
    return b"".join(block + _op(_LD_ABS, _ARCH) for block in blocks)


def _newest(arch: int, names: set[str]) -> int:
    found = [libseccomp.newest_known(arch)]
    for name in names:
        number = libseccomp.number_on(arch, name)
        if number >= 0:
            found.append(number & ~_X32_BIT)
    return max(found)
