"""Devices by name: the Container Device Interface (`--device vendor.com/class=name`, `--gpus`).

Vendors describe in /etc/cdi and /var/run/cdi what a device means for a container: nodes, mounts,
variables, groups, hooks. Source: the CDI specification (cncf-tags), SPEC.md.
"""

from __future__ import annotations

import json
import logging
import os
import re
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from orlop.errors import SystemFailure

log = logging.getLogger(__name__)

Json = dict[str, Any]

_FAILED = "CDI device injection failed: "
_LIMIT = 4 << 20  # bytes of a description
_KIND = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*/[A-Za-z0-9][A-Za-z0-9_.-]*", re.ASCII)
_VERSION = re.compile(r"(0\.[3-9]|1\.[01])\.0", re.ASCII)
_HOOK = "createContainer"  # the one kind that is run


@dataclass(frozen=True, slots=True)
class Device:
    own: Json  # containerEdits
    common: Json  # those of its description, for all its devices
    source: str  # the file


def discover(directories: Iterable[str]) -> dict[str, Device]:
    """vendor.com/class=name -> device. A later directory wins; a name that two files of one
    directory have is nobody's. What cannot be read is logged."""
    out: dict[str, Device] = {}
    for directory in directories:
        found: dict[str, Device] = {}
        twice: set[str] = set()
        for path in _files(directory):
            try:
                devices = _read(path)
            except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as e:
                log.warning("CDI description %s: %s", path, e)
                continue
            twice |= found.keys() & devices.keys()
            found.update(devices)
        out.update(found)
        for name in twice:
            log.warning("CDI device %s is described twice in %s", name, directory)
            del out[name]
    return out


def _files(directory: str) -> list[str]:
    try:
        names = sorted(os.listdir(directory))
    except OSError:
        return []
    return [f"{directory}/{n}" for n in names if n.endswith((".json", ".yaml", ".yml"))]


def _read(path: str) -> dict[str, Device]:
    """Raises ValueError and its like for what is no description."""
    with open(path, "rb") as file:
        raw = file.read(_LIMIT + 1)
    if len(raw) > _LIMIT:
        raise ValueError("too large")
    if path.endswith(".json"):
        document = json.loads(raw)
    else:
        import yaml  # of few hosts, and 10 ms

        try:
            document = yaml.safe_load(raw)
        except yaml.YAMLError as error:
            raise ValueError(str(error)) from None
    version, kind = str(document["cdiVersion"]), str(document["kind"])
    if not _VERSION.fullmatch(version):
        raise ValueError(f"invalid cdiVersion {version!r}")
    if not _KIND.fullmatch(kind):
        raise ValueError(f"invalid kind {kind!r}")
    common = _edits(document.get("containerEdits"))
    return {
        f"{kind}={device['name']}": Device(_edits(device.get("containerEdits")), common, path)
        for device in document["devices"]
    }


def _edits(found: Any) -> Json:
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise ValueError("containerEdits is not an object")
    return found


def wanted(requests: Sequence[Json], known: dict[str, Device]) -> list[str]:
    """Names of the devices that HostConfig.DeviceRequests asks for. Raises SystemFailure."""
    out: list[str] = []
    for request in requests:
        driver, ids = request.get("Driver") or "", request.get("DeviceIDs") or []
        if driver == "cdi":
            for key in ("Count", "Options", "Capabilities"):
                if request.get(key):
                    raise SystemFailure(f"unexpected {key.lower()} in CDI device request")
            out += ids
            continue
        capabilities = request.get("Capabilities") or []
        gpus = any(name.startswith("nvidia.com/gpu=") for name in known)
        if driver not in ("", "nvidia") or not gpus or not any("gpu" in c for c in capabilities):
            text = " ".join(f"[{' '.join(c)}]" for c in capabilities)
            raise SystemFailure(
                f'could not select device driver "{driver}" with capabilities: [{text}]'
            )
        out += [f"nvidia.com/gpu={id}" for id in ids or _counted(request.get("Count") or 0)]
    missing = [name for name in out if name not in known]
    if missing:
        raise SystemFailure(f"{_FAILED}unresolvable CDI devices {', '.join(missing)}")
    return list(dict.fromkeys(out))


def _counted(count: int) -> list[str]:
    return ["all"] if count < 0 else [str(number) for number in range(count)]


def inject(document: Json, devices: Iterable[Device], *, bind_devices: bool) -> None:
    """Change an OCI spec. `bind_devices`: in a user namespace no node can be made."""
    edits: list[Json] = []
    for device in devices:
        edits += [one for one in (device.common, device.own) if one not in edits]
    try:
        for one in edits:
            _apply(document, one, bind_devices)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SystemFailure(f"{_FAILED}failed to inject devices: {error!r}") from None


def _apply(document: Json, edits: Json, bind_devices: bool) -> None:
    process, linux = document["process"], document["linux"]
    for entry in edits.get("env") or ():
        name = entry.partition("=")[0] + "="
        process["env"] = [e for e in process["env"] if not e.startswith(name)] + [entry]
    for node in edits.get("deviceNodes") or ():
        made = _node(node)
        rule = {"allow": True, "type": made["type"], "major": made["major"]}
        rule |= {"minor": made["minor"], "access": node.get("permissions") or "rwm"}
        linux["resources"]["devices"].append(rule)
        if bind_devices:
            source = node.get("hostPath") or node["path"]
            document["mounts"].append(_bind(source, made["path"], ["bind", "rprivate"]))
        else:
            linux["devices"] = [
                *(d for d in linux.get("devices") or () if d["path"] != made["path"]), made
            ]  # fmt: skip
    for mount in edits.get("mounts") or ():
        options = list(mount.get("options") or ())
        if not {"bind", "rbind"} & set(options):
            options.append("bind")
        document["mounts"].append(_bind(mount["hostPath"], mount["containerPath"], options))
    for number in edits.get("additionalGids") or ():
        groups = process["user"].setdefault("additionalGids", [])
        if number and number not in groups:
            groups.append(int(number))
    for hook in edits.get("hooks") or ():
        if hook["hookName"] != _HOOK:
            raise ValueError(f"hooks of kind {hook['hookName']} are not run, only {_HOOK}")
        kept = {k: hook[k] for k in ("path", "args", "env", "timeout") if hook.get(k)}
        document.setdefault("hooks", {}).setdefault(_HOOK, []).append(kept)


def _bind(source: str, target: str, options: list[str]) -> Json:
    return {"destination": target, "type": "bind", "source": source, "options": options}


def _node(node: Json) -> Json:
    """The device with what its description leaves to the host's node."""
    host = node.get("hostPath") or node["path"]
    out: Json = {"path": node["path"]}
    kind, major, minor = node.get("type"), node.get("major"), node.get("minor")
    if not kind or not major:
        try:
            status = os.stat(host)
        except OSError as error:
            raise SystemFailure(
                f'{_FAILED}failed to inject devices: failed to stat CDI host device "{host}": '
                f"{(error.strerror or '').lower()}"
            ) from None
        if not (stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode)):
            raise ValueError(f"{host} is not a device node")
        kind = "b" if stat.S_ISBLK(status.st_mode) else "c"
        major, minor = os.major(status.st_rdev), os.minor(status.st_rdev)
        out |= {"fileMode": stat.S_IMODE(status.st_mode), "uid": status.st_uid}
        out["gid"] = status.st_gid
    out |= {"type": str(kind), "major": int(major), "minor": int(minor or 0)}
    out |= {k: int(node[k]) for k in ("fileMode", "uid", "gid") if node.get(k) is not None}
    return out
