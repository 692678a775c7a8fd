"""The `tag` log option: a Go template over what Docker calls logger.Info."""

from __future__ import annotations

import socket
from typing import Any

from orlop.container.model import Container
from orlop.errors import SystemFailure

Json = dict[str, Any]

DEFAULT = "{{.ID}}"


def info(container: Container, record: Json, options: dict[str, str], path: str) -> Json:
    """The fields and methods of the template's dot."""
    config = record["Config"]
    image = str(record.get("Image") or "")
    name = str(record.get("Name") or "")
    entry, words = str(record.get("Path") or ""), [str(a) for a in record.get("Args") or ()]
    created = str(record.get("Created") or "").rstrip("Z").replace("T", " ") + " +0000 UTC"
    return {
        "ID": container.id[:12],
        "FullID": container.id,
        "Name": name.removeprefix("/"),
        "ImageID": image[:12],
        "ImageFullID": image,
        "ImageName": str(config.get("Image") or ""),
        "Command": " ".join((entry, *words)),
        "Hostname": socket.gethostname(),
        "DaemonName": "docker",
        "Config": options,
        "ContainerID": container.id,
        "ContainerName": name,
        "ContainerEntrypoint": entry,
        "ContainerArgs": words,
        "ContainerImageID": image,
        "ContainerImageName": str(config.get("Image") or ""),
        "ContainerCreated": created,
        "ContainerEnv": list(config.get("Env") or ()),
        "ContainerLabels": dict(config.get("Labels") or {}),
        "LogPath": path,
    }


def tag(template: str, subject: Json) -> str:
    """Raises SystemFailure with Go's text."""
    if "{{" not in template:
        return template
    if template == DEFAULT:
        return str(subject["ID"])
    # here: few containers need it, every daemon would hold it
    from orlop.template import TemplateError, parse
    from orlop.template.values import Struct, TypedMap

    fields = {k: TypedMap(v) if isinstance(v, dict) else v for k, v in subject.items()}
    try:
        return parse(template, "log-tag").execute(Struct("*logger.Info", fields))
    except TemplateError as error:
        raise SystemFailure(str(error)) from None
