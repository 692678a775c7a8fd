"""What a container mounts: `-v`, `--mount`, `--tmpfs`, image volumes and `--volumes-from`.

Pure: requests in, mount points (the records of config.v2.json's MountPoints) out. Volumes are made
and sources looked at by create.py and start.py.
"""

from __future__ import annotations

import posixpath
from typing import Any

from orlop.errors import InvalidArgument, SystemFailure

Json = dict[str, Any]

PROPAGATION = ("private", "rprivate", "shared", "rshared", "slave", "rslave")
_GROUPS = (
    ("ro", "rw"),
    ("z", "Z"),
    PROPAGATION,
    ("nocopy",),
    ("consistent", "cached", "delegated", "default"),
)
_TYPES = ("bind", "volume", "tmpfs", "image")
_KEYS = {
    "volume": "VolumeOptions",
    "bind": "BindOptions",
    "tmpfs": "TmpfsOptions",
}


def _mode(text: str) -> dict[str, str]:
    """The comma separated mode of `-v`, by group. Raises SystemFailure as Docker."""
    found: dict[int, str] = {}
    for word in text.split(",") if text else ():
        group = next((i for i, words in enumerate(_GROUPS) if word in words), -1)
        if group < 0 or group in found:
            raise SystemFailure(f"invalid mode: {text}")
        found[group] = word
    names = ("access", "relabel", "propagation", "copy", "consistency")
    return {names[i]: word for i, word in found.items()}


def parse_bind(spec: str, driver: str) -> Json:
    """One `-v` as a mount of the API's `Mounts` form plus "Mode". Raises Docker's texts."""
    parts = spec.split(":")
    if len(parts) > 3 or not parts[0]:
        raise SystemFailure(f"invalid volume specification: '{spec}'")
    mount: Json = {}
    mode = ""
    if len(parts) == 1:
        mount["Target"] = parts[0]
    elif len(parts) == 2 and not parts[1].startswith("/") and _is_mode(parts[1]):
        mount["Target"], mode = parts  # anonymous volume with a mode
    else:
        mount["Source"], mount["Target"] = parts[0], parts[1]
        mode = parts[2] if len(parts) == 3 else ""
    if len(parts) == 3 and mode == "":
        raise SystemFailure(f"invalid volume specification: '{spec}'")
    words = _mode(mode)
    if words.get("access") == "ro":
        mount["ReadOnly"] = True
    if "consistency" in words:
        mount["Consistency"] = words["consistency"]
    mount["Type"] = "bind" if mount.get("Source", "").startswith("/") else "volume"
    if "propagation" in words:
        mount["BindOptions"] = {"Propagation": words["propagation"]}
    if "copy" in words or (mount["Type"] == "volume" and driver):
        mount["VolumeOptions"] = {}
        if "copy" in words:
            mount["VolumeOptions"]["NoCopy"] = True
        if driver:
            mount["VolumeOptions"]["DriverConfig"] = {"Name": driver}
    try:
        check(mount)
    except InvalidArgument as error:
        raise SystemFailure(f"invalid volume specification: '{spec}': {error.message}") from None
    if not mode and mount["Type"] == "volume" and driver in ("", "local"):
        mode = "z"  # what Docker notes
    mount["Mode"] = mode
    return mount


def _is_mode(text: str) -> bool:
    try:
        return bool(_mode(text))
    except SystemFailure:
        return False


def check(mount: Json) -> None:
    """A mount of the API's `Mounts` form. Raises InvalidArgument."""
    kind = mount.get("Type") or ""
    for name, key in (*_KEYS.items(), ("image", "ImageOptions")):
        if name != kind and mount.get(key) is not None:
            raise _wrong(kind, f"field {key} must not be specified")
    target, source = mount.get("Target") or "", mount.get("Source") or ""
    if not target:
        raise _wrong(kind, "field Target must not be empty")
    if "\0" in target or "\0" in source:
        raise _wrong(kind, "paths must not contain a NUL character")
    if kind not in _TYPES:
        check_target(target, lambda text: _wrong(kind, text))
        raise _wrong(kind, "mount type unknown")
    if kind == "bind":
        propagation = (mount.get("BindOptions") or {}).get("Propagation")
        if propagation and propagation not in PROPAGATION:
            raise _wrong(kind, f"invalid propagation mode: {propagation}")
        if not source:
            raise _wrong(kind, "field Source must not be empty")
        if not source.startswith("/"):
            raise _wrong(kind, f"invalid mount path: '{source}' mount path must be absolute")
    elif kind == "tmpfs" and source:
        raise _wrong(kind, "field Source must not be specified")
    elif kind == "image" and not source:
        raise _wrong(kind, "field Source must not be empty")
    elif kind == "volume" and not source and mount.get("ReadOnly"):
        raise _wrong(kind, "must not set ReadOnly mode when using anonymous volumes")
    elif kind == "volume" and not source and _subpath(mount, kind):
        raise _wrong(kind, "must not set Subpath when using anonymous volumes")
    check_target(target, lambda text: _wrong(kind, text))
    for words in (mount.get("TmpfsOptions") or {}).get("Options") or ():
        if not 1 <= len(words) <= 2:
            raise _wrong(kind, "invalid option array length")
    subpath = _subpath(mount, kind)
    if subpath and (subpath.startswith("/") or ".." in subpath.split("/")):
        raise _wrong(kind, "subpath must be a relative path within the volume")


def _subpath(mount: Json, kind: str) -> str:
    return (mount.get(f"{kind.capitalize()}Options") or {}).get("Subpath") or ""


def check_target(target: str, error: Any = InvalidArgument) -> None:
    if not target.startswith("/"):
        raise error(f"invalid mount path: '{target}' mount path must be absolute")
    if clean(target) == "/":
        raise error("invalid specification: destination can't be '/'")


def _wrong(kind: str, text: str) -> InvalidArgument:
    return InvalidArgument(f'invalid mount config for type "{kind}": {text}')


def clean(path: str) -> str:
    return posixpath.normpath("/" + path.lstrip("/"))  # normpath keeps a leading "//"


def from_options(host: Json) -> list[Json]:
    """The mount requests of HostConfig (`Mode` tells where each came from), duplicates refused."""
    out: list[Json] = []
    driver = host.get("VolumeDriver") or ""
    for spec in host.get("Binds") or ():
        out.append(parse_bind(spec, driver))
    for mount in host.get("Mounts") or ():
        wrong_key = next(
            (k for n, k in _KEYS.items() if n != mount.get("Type") and mount.get(k) is not None),
            None,
        )
        if wrong_key:
            raise InvalidArgument(
                f'{wrong_key} must not be specified on mount type "{mount.get("Type") or ""}"'
            )
        check(mount)
        out.append(dict(mount))
    seen: set[str] = set()
    for mount in out:
        mount["Target"] = clean(mount["Target"])
        if mount["Target"] in seen:
            raise InvalidArgument(f"Duplicate mount point: {mount['Target']}")
        seen.add(mount["Target"])
    for target in host.get("Tmpfs") or {}:
        check_target(target)
        if clean(target) in seen:
            raise InvalidArgument(f"Duplicate mount point: {clean(target)}")
    return out


def parse_volumes_from(spec: str) -> tuple[str, str]:
    """(container reference, mode)."""
    if not spec:
        raise InvalidArgument("volumes-from specification cannot be an empty string")
    reference, separator, mode = spec.partition(":")
    if separator:
        try:
            words = _mode(mode)
        except SystemFailure as error:
            raise InvalidArgument(error.message) from None
        if "propagation" in words or "copy" in words or not words:
            raise InvalidArgument(f"invalid mode: {mode}")
    return reference, mode


def inherited(points: Json, mode: str) -> Json:
    """Another container's mount points as `--volumes-from` takes them."""
    read_only = "ro" in mode.split(",")
    out: Json = {}
    for target, point in points.items():
        copy = {k: v for k, v in point.items() if k not in ("Relabel", "Spec")}
        copy["RW"] = bool(point.get("RW", True)) and not read_only
        if point.get("Type") == "bind" and point.get("Relabel"):
            copy["Relabel"] = point["Relabel"]
        copy["Spec"] = point.get("Spec") or {}
        out[target] = copy
    return out


def point(mount: Json, *, source: str, name: str, driver: str, identity: str) -> Json:
    """The record of one mount request in MountPoints, in Docker's key order."""
    kind = mount["Type"]
    writable = not mount.get("ReadOnly")
    out: Json = {
        "Source": source,
        "Destination": mount["Target"],
        "RW": writable,
        "Name": name,
        "Driver": driver,
        "Type": kind,
    }
    bind = mount.get("BindOptions") or {}
    relabel = mount.get("Mode", "")
    if not relabel and kind == "volume" and ("Mode" not in mount or mount.get("Source")):
        relabel = "z"  # what Docker notes, but not for the volumes that an image declares
    if relabel:
        out["Relabel"] = relabel
    if kind == "bind":
        out["Propagation"] = bind.get("Propagation") or "rprivate"
    if identity:
        out["ID"] = identity
    out["Spec"] = {k: v for k, v in mount.items() if k != "Mode"}
    out["SkipMountpointCreation"] = (
        kind == "bind" and "Mode" not in mount and not bind.get("CreateMountpoint")
    )
    return out


def tmpfs_data(options: Json, *, read_only: bool) -> list[str]:
    """TmpfsOptions of `--mount type=tmpfs` as mount options."""
    out = ["ro"] if read_only else []
    if options.get("Mode"):
        out.append(f"mode={options['Mode']:o}")
    size = options.get("SizeBytes") or 0
    if size:
        suffix = ""
        for unit in ("k", "m", "g"):
            if size % 1024:
                break
            size, suffix = size // 1024, unit
        out.append(f"size={size}{suffix}")
    for entry in options.get("Options") or ():
        out.append("=".join(str(e) for e in entry))
    return out
