"""config.json of a bundle: read, held to the OCI's shape and rules. The errors name the field."""

from __future__ import annotations

import os

from orlop.errors import InvalidArgument, NotSupported
from orlop.oci.jsonlite import loads
from orlop.runtime import sysctls
from orlop.runtime.oci.schema import CONFIG, PROCESS
from orlop.runtime.oci.shape import shaped
from orlop.runtime.plan import NAMESPACES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]

LIMIT = 16 << 20
_MAX_DEPTH = 100
_DEVICE_TYPES = ("b", "c", "u", "p")


def read_file(path: str) -> bytes:
    """Raises InvalidArgument."""
    try:
        with open(path, "rb") as file:
            data = file.read(LIMIT + 1)
    except OSError as error:
        raise InvalidArgument(f"open {path}: {(error.strerror or '').lower()}") from None
    if len(data) > LIMIT:
        raise InvalidArgument(f"{path} is longer than {LIMIT} bytes")
    return data


def parse(data: bytes, what: str = "config.json") -> Any:
    """The JSON document. Raises InvalidArgument."""
    try:
        return loads(data.decode())
    except (ValueError, RecursionError) as error:
        told = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise InvalidArgument(f"{what}: {told}") from None


def container(data: bytes, bundle: str) -> Json:
    """The checked config, `root.path` absolute. Raises InvalidArgument, NotSupported."""
    try:
        spec: Json = shaped(parse(data), CONFIG)
    except InvalidArgument as error:
        text = error.message
        raise InvalidArgument(text if ":" in text[:12] else f"config.json: {text}") from None
    if not spec["ociVersion"].startswith("1."):
        raise InvalidArgument(f"config.json: ociVersion {spec['ociVersion']!r} is not supported")
    if "process" not in spec:
        raise InvalidArgument("config.json: process is required")
    check_process(spec["process"])
    _check_root(spec, bundle)
    _check_linux(spec)
    for hook in (hook for hooks in (spec.get("hooks") or {}).values() for hook in hooks):
        if not hook["path"].startswith("/"):
            raise InvalidArgument(f"config.json: hooks: path {hook['path']!r} is not absolute")
        if "timeout" in hook and hook["timeout"] <= 0:
            raise InvalidArgument("config.json: hooks: timeout must be greater than zero")
    for mount in spec.get("mounts") or ():
        if not mount["destination"].startswith("/"):
            mount["destination"] = "/" + mount["destination"]  # as runc: with a warning's force
    return spec


def process(data: bytes) -> Json:
    """An OCI process, as `exec --process` reads it."""
    found: Json = shaped(parse(data, "process"), PROCESS)
    check_process(found)
    return found


def check_process(found: Json) -> None:
    if not found.get("args") or not found["args"][0]:
        raise InvalidArgument("config.json: process.args must not be empty")
    if not found["cwd"].startswith("/"):
        raise InvalidArgument("config.json: process.cwd must be an absolute path")
    if found.get("selinuxLabel"):  # to leave it out would be to run unconfined
        raise NotSupported("config.json: process.selinuxLabel is not supported")
    seen = set()
    for limit in found.get("rlimits") or ():
        if limit["type"] in seen:
            raise InvalidArgument(f"config.json: process.rlimits: {limit['type']} is there twice")
        seen.add(limit["type"])
        if limit["soft"] > limit["hard"]:
            raise InvalidArgument(f"config.json: process.rlimits: soft > hard of {limit['type']}")
    score = found.get("oomScoreAdj")
    if score is not None and not -1000 <= score <= 1000:
        raise InvalidArgument("config.json: process.oomScoreAdj must be from -1000 to 1000")


def _check_root(spec: Json, bundle: str) -> None:
    path = os.path.join(bundle, spec["root"]["path"])
    if not os.path.isdir(path):
        raise InvalidArgument(f"config.json: root.path: {path} is not a directory")
    spec["root"]["path"] = os.path.realpath(path)


def _check_linux(spec: Json) -> None:
    linux = spec.setdefault("linux", {})
    for name in ("intelRdt", "netDevices"):
        if linux.get(name):
            raise NotSupported(f"config.json: linux.{name} is not supported")
    kinds: dict[str, str] = {}
    for entry in linux.get("namespaces") or ():
        kind = entry["type"]
        if kind not in NAMESPACES:
            raise InvalidArgument(f"config.json: linux.namespaces: {kind!r} does not exist")
        if kind in kinds:
            raise InvalidArgument(f"config.json: linux.namespaces: {kind} is there twice")
        kinds[kind] = entry.get("path") or ""
    if spec.get("hostname") and "uts" not in kinds:
        raise InvalidArgument("config.json: hostname needs a uts namespace of the container's own")
    if spec.get("domainname") and "uts" not in kinds:
        raise InvalidArgument(
            "config.json: domainname needs a uts namespace of the container's own"
        )
    _check_user_namespace(linux, kinds)
    if linux.get("timeOffsets"):
        if "time" not in kinds or kinds["time"]:
            raise InvalidArgument("config.json: linux.timeOffsets needs a new time namespace")
        for clock in linux["timeOffsets"]:
            if clock not in ("monotonic", "boottime"):
                raise InvalidArgument(f"config.json: linux.timeOffsets: no clock {clock!r}")
    for node in linux.get("devices") or ():
        if node["type"] not in _DEVICE_TYPES:
            raise InvalidArgument(f"config.json: linux.devices: type {node['type']!r} of a device")
        if not node["path"].startswith("/"):
            raise InvalidArgument(f"config.json: linux.devices: path {node['path']!r}")
    for name, value in (linux.get("sysctl") or {}).items():
        sysctls.check(name, value, kinds, spec.get("domainname") or "")


def _check_user_namespace(linux: Json, kinds: dict[str, str]) -> None:
    has = linux.get("uidMappings") or linux.get("gidMappings")
    if "user" not in kinds:
        if has:
            raise InvalidArgument("config.json: linux.uidMappings needs a user namespace")
        return
    if not kinds["user"] and not (linux.get("uidMappings") and linux.get("gidMappings")):
        raise InvalidArgument(
            "config.json: a user namespace needs linux.uidMappings and linux.gidMappings"
        )
