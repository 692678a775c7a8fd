"""`--mount`, `--network` and `--gpus`: comma separated keys to API JSON."""

import posix

from orlop.cli.csv import fields
from orlop.cli.options import _FALSE, _TRUE
from orlop.cli.units import go_int, ram_in_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]

_BARE = ("readonly", "ro", "volume-nocopy", "bind-nonrecursive", "bind-create-src")
_RECURSIVE = {
    "disabled": "NonRecursive",
    "writable": "ReadOnlyNonRecursive",
    "readonly": "ReadOnlyForceRecursive",
}
_GROUPS = (("volume", "VolumeOptions"), ("image", "ImageOptions"), ("bind", "BindOptions"),
           ("tmpfs", "TmpfsOptions"))  # fmt: skip


def absolute(path: str) -> str:
    """filepath.Abs of a path that begins with a dot."""
    parts: list[str] = []
    for part in (posix.getcwd() + "/" + path).split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts)


def _bool(key: str, value: str) -> bool:
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise ValueError(f"invalid value for {key}: {value}")


def mount(text: str) -> "Json":
    """The API's Mount. Raises ValueError with Docker's words."""
    found: Json = {"Type": "volume"}
    for field in fields(text):
        key, equals, value = field.partition("=")
        key = key.lower()
        if not equals:
            if key not in _BARE:
                raise ValueError(f"invalid field '{field}' must be a key=value pair")
            value = "true"
        _set_mount(found, key, value, field)
    return _checked(found)


def _set_mount(found: "Json", key: str, value: str, field: str) -> None:
    if key == "type":
        found["Type"] = value.lower()
    elif key in ("source", "src"):
        found["Source"] = absolute(value) if value.startswith(".") else value
    elif key in ("target", "dst", "destination"):
        found["Target"] = value
    elif key in ("readonly", "ro"):
        found["ReadOnly"] = _bool(key, value)
    elif key == "consistency":
        found["Consistency"] = value.lower()
    elif key == "bind-recursive" and value == "enabled":
        pass  # the default
    elif key.startswith("bind-"):
        _set_bind(found.setdefault("BindOptions", {}), key, value, field)
    elif key.startswith("volume-"):
        _set_volume(found.setdefault("VolumeOptions", {}), key, value, field)
    elif key == "image-subpath":
        found.setdefault("ImageOptions", {})["Subpath"] = value
    elif key in ("tmpfs-size", "tmpfs-mode"):
        options = found.setdefault("TmpfsOptions", {})
        try:
            if key == "tmpfs-size":
                options["SizeBytes"] = ram_in_bytes(value)
            else:
                options["Mode"] = go_int(value, 32, 8, "ParseUint")
        except ValueError:
            raise ValueError(f"invalid value for {key}: {value}") from None
    else:
        raise ValueError(f"unexpected key '{key}' in '{field}'")


def _set_bind(options: "Json", key: str, value: str, field: str) -> None:
    if key == "bind-propagation":
        options["Propagation"] = value.lower()
    elif key == "bind-nonrecursive":
        options["NonRecursive"] = _bool(key, value)
    elif key == "bind-create-src":
        options["CreateMountpoint"] = _bool(key, value)
    elif key == "bind-recursive":
        name = _RECURSIVE.get(value)
        if name is None:
            raise ValueError(
                f"invalid value for {key}: {value} "
                '(must be "enabled", "disabled", "writable", or "readonly")'
            )
        options[name] = True
    else:
        raise ValueError(f"unexpected key '{key}' in '{field}'")


def _set_volume(options: "Json", key: str, value: str, field: str) -> None:
    if key == "volume-subpath":
        options["Subpath"] = value
    elif key == "volume-nocopy":
        options["NoCopy"] = _bool(key, value)
    elif key == "volume-label":
        _pair(options.setdefault("Labels", {}), value)
    elif key == "volume-driver":
        options.setdefault("DriverConfig", {})["Name"] = value
    elif key == "volume-opt":
        _pair(options.setdefault("DriverConfig", {}).setdefault("Options", {}), value)
    else:
        raise ValueError(f"unexpected key '{key}' in '{field}'")


def _pair(target: "Json", text: str) -> None:
    key, _, value = text.partition("=")
    if key:
        target[key] = value


def _checked(found: "Json") -> "Json":
    kind = found["Type"]
    if not kind:
        raise ValueError("type is required")
    if not found.get("Target"):
        raise ValueError("target is required")
    for prefix, name in _GROUPS:
        if name in found and kind != prefix:
            raise ValueError(f"cannot mix '{prefix}-*' options with mount type '{kind}'")
    bind = found.get("BindOptions") or {}
    readonly = found.get("ReadOnly")
    for name, value in (
        ("ReadOnlyNonRecursive", "writable"),
        ("ReadOnlyForceRecursive", "readonly"),
    ):
        if bind.get(name) and not readonly:
            raise ValueError(
                f"option 'bind-recursive={value}' requires 'readonly' to be specified in "
                f"conjunction"
            )
    if bind.get("ReadOnlyForceRecursive") and bind.get("Propagation") != "rprivate":
        raise ValueError(
            "option 'bind-recursive=readonly' requires 'bind-propagation=rprivate' "
            "to be specified in conjunction"
        )
    return _pruned(found)


def _pruned(value: "Json") -> "Json":
    """Without zero values, as Go's omitempty; structs that were touched stay, even empty."""
    result: Json = {}
    for key, one in value.items():
        if isinstance(one, dict):
            if key in ("Labels", "Options"):
                if not one:
                    continue
            else:
                one = _pruned(one)
        elif not one:
            continue
        result[key] = one
    return result


def network(text: str) -> "Json":
    """Target, Aliases, DriverOpts, IPv4Address, … of one --network. Raises ValueError."""
    if not _is_long(text):
        return {"Target": text}
    found: Json = {}
    for field in fields(text):
        key, equals, value = field.lower().partition("=")
        if not equals or not key:
            raise ValueError(f"invalid field {field}")
        key, value = key.strip(), value.strip()
        if key == "name":
            found["Target"] = value
        elif key in ("alias", "link-local-ip"):
            found.setdefault("Aliases" if key == "alias" else "LinkLocalIPs", []).append(value)
        elif key in ("ip", "ip6", "mac-address"):
            name = {"ip": "IPv4Address", "ip6": "IPv6Address", "mac-address": "MacAddress"}[key]
            found[name] = value
        elif key == "driver-opt":
            option, equals, value = value.partition("=")
            if not equals or not option:
                raise ValueError("invalid key value pair format in driver options")
            found.setdefault("DriverOpts", {})[option.strip()] = value.strip()
        elif key == "gw-priority":
            try:
                found["GwPriority"] = go_int(value, 64, 10)
            except ValueError as e:
                reason = str(e).rpartition(": ")[2]
                raise ValueError(f"invalid gw-priority ({value}): {reason}") from None
        else:
            raise ValueError("invalid field key " + key)
    if not found.get("Target"):
        raise ValueError("network name/id is not specified")
    return found


def _is_long(text: str) -> bool:
    """A `word=word` anywhere."""
    at = text.find("=")
    while at >= 0:
        before, after = text[at - 1 : at], text[at + 1 : at + 2]
        if (before.isalnum() or before == "_") and (after.isalnum() or after == "_"):
            return True
        at = text.find("=", at + 1)
    return False


def gpus(text: str) -> "Json":
    """The API's DeviceRequest. Raises ValueError."""
    found: Json = {
        "Driver": "",
        "Count": 0,
        "DeviceIDs": None,
        "Capabilities": None,
        "Options": None,
    }
    seen: set[str] = set()
    for field in fields(text):
        key, equals, value = field.partition("=")
        if key in seen:
            raise ValueError(f"gpu request key '{key}' can be specified only once")
        seen.add(key)
        if not equals:
            seen.add("count")
            found["Count"] = _count(key)
        elif key == "driver":
            found["Driver"] = value
        elif key == "count":
            found["Count"] = _count(value)
        elif key == "device":
            found["DeviceIDs"] = value.split(",")
        elif key == "capabilities":
            found["Capabilities"] = [[*value.split(","), "gpu"]]
        elif key == "options":
            pairs: Json = {}
            try:
                for option in fields(value):
                    name, _, text = option.partition("=")
                    pairs[name] = text
            except ValueError as e:
                raise ValueError(f"failed to read gpu options: {e}") from None
            found["Options"] = pairs
        else:
            raise ValueError(f"unexpected key '{key}' in '{field}'")
    if "count" not in seen and found["DeviceIDs"] is None:
        found["Count"] = 1
    found["Options"] = found["Options"] or {}
    found["Capabilities"] = found["Capabilities"] or [["gpu"]]
    return found


def _count(text: str) -> int:
    if text == "all":
        return -1
    try:
        return go_int(text, 64, 10)
    except ValueError as e:
        reason = str(e).rpartition(": ")[2]
        raise ValueError(
            f'invalid count ({text}): value must be either "all" or an integer: {reason}'
        ) from None
