"""Platforms: `os/arch[/variant]`, their normal form, and which images a host can run.

Source: OCI image-spec `image-index.md`; containerd's platform rules (aliases, arm variants).
"""

from __future__ import annotations

import platform as _host
import re
from dataclasses import dataclass
from typing import Any

from orlop.errors import InvalidArgument

_ARCHITECTURES = {
    "x86_64": ("amd64", ""),
    "x86-64": ("amd64", ""),
    "aarch64": ("arm64", ""),
    "arm64": ("arm64", ""),
    "armhf": ("arm", "v7"),
    "armel": ("arm", "v6"),
    "armv7l": ("arm", "v7"),
    "armv6l": ("arm", "v6"),
    "armv5tel": ("arm", "v5"),
    "i386": ("386", ""),
    "i486": ("386", ""),
    "i586": ("386", ""),
    "i686": ("386", ""),
}
_KNOWN_ARCHITECTURES = frozenset(
    [
        "386",
        "amd64",
        "amd64p32",
        "arm",
        "arm64",
        "arm64be",
        "armbe",
        "loong64",
        "mips",
        "mips64",
        "mips64le",
        "mips64p32",
        "mips64p32le",
        "mipsle",
        "ppc",
        "ppc64",
        "ppc64le",
        "riscv",
        "riscv64",
        "s390",
        "s390x",
        "sparc",
        "sparc64",
        "wasm",
    ]
)
_KNOWN_SYSTEMS = frozenset(
    [
        "aix",
        "android",
        "darwin",
        "dragonfly",
        "freebsd",
        "illumos",
        "ios",
        "js",
        "linux",
        "netbsd",
        "openbsd",
        "plan9",
        "solaris",
        "wasip1",
        "windows",
        "zos",
    ]
)
_PART = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Platform:
    os: str
    architecture: str
    variant: str = ""

    def __str__(self) -> str:
        base = f"{self.os}/{self.architecture}"
        return f"{base}/{self.variant}" if self.variant else base


def normalize(os: str, architecture: str, variant: str = "") -> Platform:
    os = {"macos": "darwin"}.get(os.lower(), os.lower())
    arch = architecture.lower()
    variant = variant.lower()
    arch, implied = _ARCHITECTURES.get(arch, (arch, ""))
    variant = variant or implied
    if arch == "arm64" and variant in ("8", "v8", "v8.0"):
        variant = ""
    elif arch == "arm":
        variant = {"": "v7", "5": "v5", "6": "v6", "7": "v7", "8": "v8"}.get(variant, variant)
    elif arch == "amd64" and variant == "v1":
        variant = ""
    return Platform(os, arch, variant)


def parse(text: str) -> Platform:
    """`linux/arm64/v8`, `arm64` or `linux`. Raises InvalidArgument."""
    parts = text.split("/")
    for part in parts:
        if _PART.fullmatch(part) is None:
            raise InvalidArgument(
                f'"{part}" is an invalid component of "{text}": platform specifier component '
                'must match "^[A-Za-z0-9_.-]+$": invalid argument'
            )
    if len(parts) == 1:
        return _parse_single(text, parts[0])
    if len(parts) == 2:
        return normalize(parts[0], parts[1])
    if len(parts) == 3:
        platform = normalize(*parts)
        if platform.architecture == "arm64" and not platform.variant:
            return Platform(platform.os, "arm64", "v8")  # asked for by name, shown by name
        return platform
    raise InvalidArgument(f'"{text}": cannot parse platform specifier: invalid argument')


def _parse_single(text: str, part: str) -> Platform:
    host = default()
    if normalize(part, "").os in _KNOWN_SYSTEMS:
        return Platform(normalize(part, "").os, host.architecture, host.variant)
    guess = normalize(host.os, part)
    if guess.architecture in _KNOWN_ARCHITECTURES:
        variant = "" if guess.architecture == "arm" and guess.variant == "v7" else guess.variant
        return Platform(host.os, guess.architecture, variant)
    raise InvalidArgument(f'"{text}": unknown operating system or architecture: invalid argument')


def default() -> Platform:
    """The host's platform."""
    return normalize("linux", _host.machine())


def from_dict(value: dict[str, Any]) -> Platform:
    """From a manifest list's `platform` or an image config (keys `os`, `architecture`…)."""
    return normalize(
        str(value.get("os") or ""),
        str(value.get("architecture") or ""),
        str(value.get("variant") or ""),
    )


def candidates(wanted: Platform) -> list[Platform]:
    """What satisfies `wanted`, best first: a newer arm or amd64 machine runs the older code."""
    wanted = normalize(wanted.os, wanted.architecture, wanted.variant)
    out = [wanted]
    level = wanted.variant[1:] if wanted.variant.startswith("v") else ""
    if wanted.architecture == "amd64" and level.isdigit():
        older = range(int(level) - 1, 0, -1)
        out += [normalize(wanted.os, "amd64", f"v{n}") for n in older]
    elif wanted.architecture == "arm" and level.isdigit():
        out += [Platform(wanted.os, "arm", f"v{n}") for n in range(int(level) - 1, 4, -1)]
    elif wanted.architecture == "arm64":
        out += [Platform(wanted.os, "arm", f"v{n}") for n in (8, 7, 6, 5)]
    if wanted.variant and wanted.architecture in ("arm64",):
        out.insert(1, Platform(wanted.os, "arm64"))
    return out


def satisfies(offered: Platform, wanted: Platform) -> bool:
    return offered in candidates(wanted)
