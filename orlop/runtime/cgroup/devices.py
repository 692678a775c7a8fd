"""Device rules: OCI's list, as writes for v1 and as an eBPF program for v2. Pure."""

from __future__ import annotations

import struct

from orlop.errors import InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ANY = -1
_BITS = {"m": 1, "r": 2, "w": 4}  # BPF_DEVCG_ACC_*
_TYPES = {"b": 1, "c": 2}  # BPF_DEVCG_DEV_*


class Rule:
    """One line of devices.allow or devices.deny."""

    __slots__ = ("access", "allow", "kind", "major", "minor")

    def __init__(self, allow: bool, kind: str, major: int, minor: int, access: str) -> None:
        self.allow = allow
        self.kind = kind  # a, b, c
        self.major = major  # or ANY
        self.minor = minor
        self.access = access  # of "rwm"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rule) and all(
            getattr(self, name) == getattr(other, name) for name in self.__slots__
        )

    def __hash__(self) -> int:
        return hash((self.allow, self.text()))

    def text(self) -> str:
        """As devices.allow and devices.deny read it."""
        if self.kind == "a":
            return "a"
        major, minor = (str(n) if n != ANY else "*" for n in (self.major, self.minor))
        return f"{self.kind} {major}:{minor} {self.access}"


# What every container may use (runc's AllowedDevices): mknod of all, the plain nodes, ptys.
DEFAULTS = (
    Rule(True, "c", ANY, ANY, "m"),
    Rule(True, "b", ANY, ANY, "m"),
    Rule(True, "c", 1, 3, "rwm"),
    Rule(True, "c", 1, 8, "rwm"),
    Rule(True, "c", 1, 7, "rwm"),
    Rule(True, "c", 5, 0, "rwm"),
    Rule(True, "c", 1, 5, "rwm"),
    Rule(True, "c", 1, 9, "rwm"),
    Rule(True, "c", 136, ANY, "rwm"),
    Rule(True, "c", 5, 2, "rwm"),
)


def rules_of(entries: list[dict[str, Any]]) -> list[Rule]:
    """OCI linux.resources.devices with the defaults behind. Raises InvalidArgument."""
    rules = []
    for entry in entries:
        kind = entry.get("type") or "a"
        access = entry.get("access") or "rwm"
        if kind not in ("a", "b", "c") or not access or set(access) - set(_BITS):
            raise InvalidArgument(f"invalid device cgroup rule: {entry}")
        numbers = [entry.get(key) for key in ("major", "minor")]
        major, minor = (ANY if n is None or n < 0 else int(n) for n in numbers)
        rules.append(Rule(bool(entry.get("allow")), kind, major, minor, access))
    return [*rules, *DEFAULTS]


def v1_writes(rules: list[Rule]) -> list[tuple[str, str]]:
    """(file, text) in order, without what the rules just before already say."""
    writes: list[tuple[str, str]] = []
    everything: bool | None = None  # what stands for all devices, while nothing contradicts it
    run: list[Rule] = []  # the latest rules that say the same, allow or deny
    for rule in rules:
        if rule.kind == "a":
            everything, run = rule.allow, []
        elif rule.allow is everything or rule in run:
            continue
        else:
            everything = None
            run = [*run, rule] if run and run[-1].allow is rule.allow else [rule]
        writes.append(("devices.allow" if rule.allow else "devices.deny", rule.text()))
    return writes


# struct bpf_cgroup_dev_ctx { u32 access_type /* access << 16 | type */; u32 major; u32 minor }
_LOAD, _AND, _RSH, _MOV_K, _MOV_X = 0x61, 0x54, 0x74, 0xB4, 0xBC
_JNE_K, _JNE_X, _EXIT, _MOV64_K = 0x56, 0x5E, 0x95, 0xB7
_TYPE, _ACCESS, _MAJOR, _MINOR, _SCRATCH = 2, 3, 4, 5, 6


def v2_program(rules: list[Rule]) -> bytes:
    """eBPF that returns 1 to allow: the last rule that matches decides, none denies."""
    code = [
        _instruction(_LOAD, _TYPE, 1, 0),
        _instruction(_AND, _TYPE, immediate=0xFFFF),
        _instruction(_LOAD, _ACCESS, 1, 0),
        _instruction(_RSH, _ACCESS, immediate=16),
        _instruction(_LOAD, _MAJOR, 1, 4),
        _instruction(_LOAD, _MINOR, 1, 8),
    ]
    for rule in reversed(rules):
        tests = _tests(rule)
        code += _with_jumps(tests, exit_length=2)
        code += [_instruction(_MOV64_K, 0, immediate=int(rule.allow)), _instruction(_EXIT)]
        if not tests:
            return b"".join(code)
    code += [_instruction(_MOV64_K, 0, immediate=0), _instruction(_EXIT)]
    return b"".join(code)


def _tests(rule: Rule) -> list[tuple[int, int, int, int]]:
    """(opcode, dst, src, immediate) that must hold; the JNE among them get their targets later."""
    tests: list[tuple[int, int, int, int]] = []
    if rule.kind != "a":
        tests.append((_JNE_K, _TYPE, 0, _TYPES[rule.kind]))
    mask = sum(_BITS[letter] for letter in set(rule.access))
    if mask != 7:
        if rule.allow:  # all that is asked for must be within the rule
            tests += [(_MOV_X, _SCRATCH, _ACCESS, 0), (_AND, _SCRATCH, 0, mask)]
            tests.append((_JNE_X, _SCRATCH, _ACCESS, 0))
        else:  # any part that is asked for is denied
            tests += [(_MOV_X, _SCRATCH, _ACCESS, 0), (_AND, _SCRATCH, 0, mask)]
            tests.append((0x16, _SCRATCH, 0, 0))  # JEQ 0: nothing of it asked
    if rule.major != ANY:
        tests.append((_JNE_K, _MAJOR, 0, rule.major))
    if rule.minor != ANY:
        tests.append((_JNE_K, _MINOR, 0, rule.minor))
    return tests


def _with_jumps(tests: list[tuple[int, int, int, int]], exit_length: int) -> list[bytes]:
    end = len(tests) + exit_length
    out = []
    for index, (opcode, dst, src, immediate) in enumerate(tests):
        jumps = opcode in (_JNE_K, _JNE_X, 0x16)
        offset = end - index - 1 if jumps else 0
        out.append(_instruction(opcode, dst, src, offset, immediate))
    return out


def _instruction(
    opcode: int, dst: int = 0, src: int = 0, offset: int = 0, immediate: int = 0
) -> bytes:
    return struct.pack("=BBhi", opcode, dst | src << 4, offset, immediate)
