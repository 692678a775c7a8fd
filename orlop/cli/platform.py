"""Platform names: linux/arm64/v8, arm64, linux/amd64."""

import posix

from orlop.cli.failure import Failure
from orlop.oci.jsonlite import dumps
from orlop.text import go_quote

_ARCHITECTURES = {
    "x86_64": ("amd64", ""), "x86-64": ("amd64", ""), "amd64": ("amd64", ""),
    "aarch64": ("arm64", ""), "arm64": ("arm64", ""), "armhf": ("arm", "v7"),
    "armel": ("arm", "v6"), "i386": ("386", ""), "386": ("386", ""), "arm": ("arm", "v7"),
    "riscv64": ("riscv64", ""), "ppc64le": ("ppc64le", ""), "s390x": ("s390x", ""),
    "mips64le": ("mips64le", ""), "loong64": ("loong64", ""),
}  # fmt: skip
_SYSTEMS = ("linux", "windows", "darwin", "freebsd", "wasi", "wasip1")


def parse(text: str) -> dict[str, str]:
    """Raises Failure."""
    if not text or any(not (c.isalnum() or c in "_-./()") for c in text) or "//" in text:
        raise Failure(
            f"{go_quote(text)}: platform specifier component must match "
            '"^[A-Za-z0-9_.-]+$": invalid argument'
        )
    parts = text.lower().split("/")
    if len(parts) > 3:
        raise Failure(f"{go_quote(text)}: cannot parse platform specifier: invalid argument")
    if len(parts) == 1:
        if parts[0] in _SYSTEMS:
            return {"os": parts[0], **_machine(posix.uname().machine, "")}
        if parts[0] not in _ARCHITECTURES:
            raise Failure(
                f"{go_quote(text)}: unknown operating system or architecture: invalid argument"
            )
        return {"os": "linux", **_machine(parts[0], "")}
    return {"os": parts[0], **_machine(parts[1], parts[2] if len(parts) > 2 else "")}


def _machine(name: str, variant: str) -> dict[str, str]:
    architecture, standard = _ARCHITECTURES.get(name, (name, ""))
    variant = variant or standard
    if architecture == "arm64" and variant == "v8":
        variant = ""
    found = {"architecture": architecture}
    if variant:
        found["variant"] = variant
    return found


def to_json(text: str) -> str:
    """What the API wants in `platform=`. Raises Failure."""
    found = parse(text)
    return dumps({"architecture": found["architecture"], "os": found["os"],
                  **({"variant": found["variant"]} if "variant" in found else {})})  # fmt: skip


def this_machine() -> str:
    """`linux/amd64`."""
    found = {"os": "linux", **_machine(posix.uname().machine, "")}
    return "/".join(found[key] for key in ("os", "architecture", "variant") if found.get(key))
