"""`--device` and `--security-opt`."""

from orlop.text import go_quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def is_cdi(text: str) -> bool:
    """vendor.com/class=name, the Container Device Interface's form."""
    kind, equals, name = text.partition("=")
    vendor, slash, klass = kind.partition("/")
    if not equals or not slash:
        return False
    return all(
        part
        and part.isascii()
        and part[0].isalnum()
        and part[-1].isalnum()
        and all(c.isalnum() or c in "_-." + extra for c in part)
        for part, extra in ((vendor, ""), (klass, ""), (name, ":"))
    )


def is_mode(text: str) -> bool:
    return bool(text) and set(text) <= set("rwm") and len(set(text)) == len(text)


def clean(path: str) -> str:
    """path.Clean."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part == ".." and path.startswith("/"):
            continue
        elif part not in ("", "."):
            parts.append(part)
    joined = "/".join(parts)
    return "/" + joined if path.startswith("/") else joined or "."


def validate_device(text: str) -> str:
    """Check [host:]container[:mode]. Raises ValueError."""
    parts = text.split(":")
    if len(parts) > 3 or not parts[0]:
        raise ValueError(f"bad format for path: {text}")
    if len(parts) == 3:
        if not is_mode(parts[2]):
            raise ValueError(f"bad mode specified: {parts[2]}")
        inside = parts[1]
    elif len(parts) == 2 and not is_mode(parts[1]):
        inside = parts[1]
        text = f"{parts[0]}:{clean(inside)}"
    else:
        inside = parts[0]
        text = ":".join([clean(inside), *parts[1:]])
    if not inside.startswith("/"):
        raise ValueError(f"{inside} is not an absolute path")
    return text


def parse_device(text: str) -> "dict[str, Any]":
    """The API's DeviceMapping. Raises ValueError."""
    parts = validate_device(text).split(":")
    source, inside, mode = parts[0], "", "rwm"
    if len(parts) == 3:
        inside, mode = parts[1], parts[2]
    elif len(parts) == 2:
        if is_mode(parts[1]):
            mode = parts[1]
        else:
            inside = parts[1]
    return {
        "PathOnHost": source,
        "PathInContainer": inside or source,
        "CgroupPermissions": mode,
    }


def security(values: list[str]) -> tuple[list[str], list[str] | None, list[str] | None]:
    """(options to send, masked paths, read-only paths); seccomp files are read here."""
    found = []
    for option in values:
        if option == "systempaths=unconfined":
            continue
        found.append(_security_option(option))
    if "systempaths=unconfined" in values:
        return found, [], []
    return found, None, None


def _security_option(option: str) -> str:
    key, separator, value = option.partition("=")
    if not separator and key != "no-new-privileges":
        key, separator, value = option.partition(":")
    if (not separator or not value) and key != "no-new-privileges":
        raise ValueError(f"Invalid --security-opt: {go_quote(option)}")
    if key != "seccomp" or value in ("builtin", "unconfined"):
        return option
    try:
        with open(value, "rb") as f:
            data = f.read()
    except OSError as e:
        reason = (e.strerror or "").lower()
        raise ValueError(
            f"opening seccomp profile ({value}) failed: open {value}: {reason}"
        ) from None
    import json

    try:
        profile = json.loads(data)
    except ValueError as e:
        raise ValueError(f"compacting json for seccomp profile ({value}) failed: {e}") from None
    return "seccomp=" + json.dumps(profile, separators=(",", ":"), ensure_ascii=False)
