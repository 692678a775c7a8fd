"""`-v`: bind mounts apart from anonymous volumes. Source: docker/cli's compose volume syntax."""

from orlop.cli.attachments import absolute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def split(values: list[str]) -> "tuple[list[str] | None, dict[str, Any]]":
    """(Binds, Volumes). Raises ValueError."""
    binds: list[str] = []
    volumes: dict[str, Any] = {}
    for value in dict.fromkeys(values):
        source = _source(value)
        if not source:
            volumes[value] = {}
            continue
        host, _, rest = value.partition(":")
        if host.startswith("."):
            host = absolute(host)
        binds.append(f"{host}:{rest}")
    return binds or None, volumes


def _source(spec: str) -> str:
    """What stands before the target; "" for an anonymous volume. Raises ValueError."""
    if len(spec) == 0:
        raise ValueError("invalid empty volume spec")
    if len(spec) <= 2:
        return ""
    parts = spec.split(":")
    if any(not p for p in parts):
        raise ValueError(f"invalid spec: {spec}: empty section between colons")
    if len(parts[0]) == 1 and parts[0].isalpha() and len(parts) > 1:
        parts[:2] = [":".join(parts[:2])]  # a Windows drive
    if len(parts) > 3:
        raise ValueError(f"invalid spec: {spec}: too many colons")
    return parts[0] if len(parts) > 1 else ""
