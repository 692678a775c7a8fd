"""Create a container: resolve, check, writable layer, record. Nothing runs yet.

All or nothing: whatever fails before the record is on disk is undone; the record is the last
thing made durable, then the container is listed.
"""

from __future__ import annotations

import os
import shutil
import time
from contextlib import ExitStack
from typing import Any

from orlop import files
from orlop.config import OWN_RUNTIMES
from orlop.container import (
    endpoints,
    imagemounts,
    links,
    logopts,
    merge,
    mounts,
    names,
    resources,
    security,
    userns,
    validate,
    volumes,
)
from orlop.container.containers import Containers, new_id
from orlop.container.model import Container, joined
from orlop.container.times import stamp
from orlop.container.volumes import TRANSIENT as TRANSIENT
from orlop.errors import InvalidArgument, NotFound
from orlop.image.model import Image
from orlop.oci import platform as platforms

Json = dict[str, Any]


def create(
    containers: Containers,
    config: Json,
    host_config: Json | None = None,
    networking: Json | None = None,
    *,
    name: str = "",
    platform: str | None = None,
    on: Image | None = None,
    transient: bool = False,
) -> tuple[str, list[str]]:
    """(ID, warnings). `config` and `host_config` in the API's shape.

    `on`: stand on this image, which need not be listed. `transient`: of a build's step; neither
    synced nor kept over a crash, as long as its record has the mark `OrlopBuild`.
    """
    containers.check_open()
    given_host = host_config or {}
    if name:
        name = names.check(name)
    validate.modes(config, given_host)
    userns.check(given_host)
    validate.foreign_options(given_host)
    if not config:
        raise InvalidArgument("config cannot be empty in order to create a container")
    validate.config(config)
    host = _host_config(containers, given_host)
    warnings = _check(containers, config, host)
    mounts.from_options(host)
    networks = endpoints.build(config, host, networking, containers.networks.named)
    image = on or _image(containers, config.get("Image") or "", platform)
    base: Json = image.config if image is not None else {}
    id = new_id()
    merged = merge.config(config, base)
    validate.config(merged)
    record = _record(containers, id, merged, host, base)
    if transient:
        record[TRANSIENT] = True
    record["Image"] = image.id if image is not None else ""
    record["NetworkSettings"] = merge.network_settings(networks)
    chains = image.chains if image is not None else ()
    with ExitStack() as undo, containers.images.holding(chains):
        reserved = containers.reserve(name, id)
        undo.callback(containers.release, reserved, id)
        record["Name"] = f"/{reserved}"
        own = userns.claim(containers, id, host, image)
        if own is not None:
            undo.callback(containers.ranges.release, id)
            record[userns.RECORD] = own.document()
        points, fill = volumes.resolve(containers, id, merged, host, undo.callback)
        record["MountPoints"] = points
        if any(point["Type"] == "image" for point in points.values()):
            warnings.append(imagemounts.WARNING)
        containers.layers.create_writable(
            id,
            image.chain if image is not None else None,
            volatile=host["AutoRemove"] or transient,
        )
        undo.callback(containers.layers.remove_writable, id)
        container = Container(id, containers.root / id, record, host)
        undo.callback(containers.layers.unmount, id)
        volumes.prepare(containers, container, fill, merged["WorkingDir"])
        undo.callback(shutil.rmtree, container.directory, ignore_errors=True)
        _write(containers, container, durable=not (host["AutoRemove"] or transient))
        undo.pop_all()
    containers.add(container)
    links.register(containers, container)
    containers.publish(container, "create")
    return id, warnings


def _image(containers: Containers, ref: str, platform: str | None) -> Image | None:
    if not ref:
        return None
    image = containers.images.get(ref)
    if platform:
        wanted = platforms.parse(platform)
        config = image.config
        found = platforms.normalize(
            config.get("os") or "linux",
            config.get("architecture") or "",
            config.get("variant") or "",
        )
        same = (found.os, found.architecture) == (wanted.os, wanted.architecture)
        if not same or (wanted.variant and wanted.variant != found.variant):
            raise NotFound(
                f"image with reference {ref} was found but its platform ({found}) "
                f"does not match the specified platform ({wanted})"
            )
    return image


def _host_config(containers: Containers, given: Json) -> Json:
    daemon = containers.config
    cgroupns = daemon.default_cgroupns_mode
    if not cgroupns:
        # As Docker: private where cgroup v2 makes it safe and cheap, else the host's.
        private = containers.info.unified and not given.get("Privileged")
        cgroupns = "private" if private else "host"
    host = merge.host_config(
        given,
        shm_size=daemon.default_shm_size,
        ipc_mode=daemon.default_ipc_mode,
        cgroupns_mode=cgroupns,
        runtime=daemon.default_runtime,
        log_driver=daemon.log_driver,
        log_opts=dict(daemon.log_opts),
        userns_mode="" if daemon.userns_remap else daemon.default_userns_mode,
        pids_limit=daemon.default_pids_limit,
    )
    target = joined(host["NetworkMode"])
    if target:
        try:
            host["NetworkMode"] = "container:" + containers.get(target).id
        except (NotFound, InvalidArgument):
            pass  # start says what is wrong
    for key in ("PidMode", "IpcMode"):
        target = joined(host[key])
        if target:
            try:
                host[key] = "container:" + containers.get(target).id
            except NotFound as error:
                raise InvalidArgument(error.message) from None
    return host


def _check(containers: Containers, given: Json, host: Json) -> list[str]:
    warnings = resources.check(host, containers.info)
    warnings += validate.host_config(host, (*OWN_RUNTIMES, *containers.config.runtimes))
    userns.conflicts(host, remapped=containers.remap is not None)
    security.parse(host)
    logopts.check(host["LogConfig"]["Type"], host["LogConfig"]["Config"])
    legacy = host["NetworkMode"] in ("bridge", "default")
    for link in (host["Links"] or ()) if legacy else ():
        target = link.partition(":")[0]
        try:
            containers.get(target)
        except (NotFound, InvalidArgument) as error:
            raise InvalidArgument(
                f"could not get container for {target}: {error.message}"
            ) from None
    if given.get("MacAddress"):
        warnings.append(validate.MAC_DEPRECATED)
    return warnings


def _record(containers: Containers, id: str, config: Json, host: Json, base: Json) -> Json:
    """config.v2.json in Docker's key order; Name, MountPoints, NetworkSettings come later."""
    if not config["Hostname"]:
        config["Hostname"] = os.uname().nodename if host["NetworkMode"] == "host" else id[:12]
    words = [*(config["Entrypoint"] or ()), *(config["Cmd"] or ())]
    found = security.parse(host, no_new_privileges=containers.config.no_new_privileges)
    system = {"architecture": base.get("architecture", ""), "os": base.get("os", "linux")}
    if base.get("variant"):
        system["variant"] = base["variant"]
    return {
        "StreamConfig": {},
        "State": {},
        "ID": id,
        "Created": stamp(time.time_ns()),
        "Managed": False,
        "Path": words[0],
        "Args": words[1:],
        "Config": config,
        "Image": "",
        "ImageManifest": None,
        "NetworkSettings": {},
        "LogPath": "",
        "Name": "",
        "Driver": containers.layers.driver.name,
        "OS": "linux",
        "ImagePlatform": system,
        "RestartCount": 0,
        "HasBeenStartedBefore": False,
        "HasBeenManuallyStopped": False,
        "MountPoints": {},
        "SecretReferences": None,
        "ConfigReferences": None,
        "MountLabel": "",
        "ProcessLabel": "",
        "AppArmorProfile": found.apparmor,
        "SeccompProfile": found.seccomp,
        "NoNewPrivileges": found.no_new_privileges,
        "WritableCgroups": found.writable_cgroups,
        "HostnamePath": "",
        "HostsPath": "",
        "ShmPath": "",
        "ResolvConfPath": "",
        "LocalLogCacheMeta": {"HaveNotifyEnabled": False},
    }


def _write(containers: Containers, container: Container, *, durable: bool) -> None:
    """The directory with both records, made aside and put in place by one rename.

    A crash before the rename leaves trash to empty, after it a whole container. Both files are
    synced (neither can be derived), then the name. A container that does not outlive a power cut
    (AutoRemove, a build's step) is not synced.
    """
    record, host = container.encoded()
    scratch = f"{containers.trash}/{container.id}-new"
    os.mkdir(scratch, 0o710)
    try:
        os.mkdir(f"{scratch}/checkpoints", 0o700)
        os.mkdir(f"{scratch}/mounts", 0o710)
        files.write_new(
            {f"{scratch}/config.v2.json": record, f"{scratch}/hostconfig.json": host},
            durable=durable,
        )
        os.rename(scratch, container.directory)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    if durable:
        files.fsync_dir(containers.root)
