"""Manifests as the Docker CLI writes them: the order of fields, the indentation."""

from orlop.oci.jsonlite import dumps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]

_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
_INDEX = "application/vnd.oci.image.index.v1+json"
_OCI = "application/vnd.oci.image.manifest.v1+json"
_PLATFORM = ("architecture", "os", "os.version", "os.features", "variant")
_MANIFEST = ("schemaVersion", "mediaType", "config", "layers", "annotations")
_BLOB = ("mediaType", "size", "digest", "urls", "annotations", "platform")


def pretty(value: "Any", step: str, indent: str = "\n") -> str:
    """As Go's MarshalIndent, `step` per level."""
    deeper = indent + step
    if isinstance(value, dict) and value:
        rows = [f"{dumps(k)}: {pretty(v, step, deeper)}" for k, v in value.items()]
        return "{" + deeper + f",{deeper}".join(rows) + indent + "}"
    if isinstance(value, list) and value:
        rows = [pretty(v, step, deeper) for v in value]
        return "[" + deeper + f",{deeper}".join(rows) + indent + "]"
    return dumps(value)


def _ordered(value: "Json", keys: tuple[str, ...]) -> "Json":
    return {key: value[key] for key in keys if value.get(key) not in (None, "", [], {})}


def image_row(row: "Json", platform: "Json") -> "Json":
    """A draft's row in Docker's order, with this platform."""
    descriptor = row["Descriptor"]
    made: Json = {
        "Ref": row["Ref"],
        "Descriptor": {
            "mediaType": descriptor["mediaType"],
            "digest": descriptor["digest"],
            "size": descriptor["size"],
            "platform": _ordered(platform, _PLATFORM),
        },
        "Raw": row["Raw"],
    }
    for key in ("SchemaV2Manifest", "OCIManifest"):
        if isinstance(row.get(key), dict):
            manifest = _ordered(row[key], _MANIFEST)
            manifest["config"] = _ordered(row[key].get("config") or {}, _BLOB)
            manifest["layers"] = [_ordered(each, _BLOB) for each in row[key].get("layers") or []]
            made[key] = manifest
    return made


def list_of(rows: "list[Json]") -> "Json":
    """The list that a push makes of these; its first entry decides the form, as in Docker."""
    entries = [
        {
            "mediaType": row["Descriptor"]["mediaType"],
            "size": row["Descriptor"]["size"],
            "digest": row["Descriptor"]["digest"],
            "platform": _ordered(row["Descriptor"].get("platform") or {}, _PLATFORM),
        }
        for row in rows
    ]
    kind = _INDEX if entries and entries[0]["mediaType"] == _OCI else _LIST
    return {"schemaVersion": 2, "mediaType": kind, "manifests": entries}
