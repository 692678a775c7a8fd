"""`--sbom`, `--provenance`, `--attest`; the provenance of a build as BuildKit describes it."""

import os
import time

from orlop.cli.csv import fields
from orlop.cli.failure import Failure
from orlop.cli.options import Options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]

SLSA = "https://slsa.dev/provenance/v0.2"
_TYPE = "https://mobyproject.org/buildkit@v1"
_TRUE, _FALSE = ("1", "true"), ("0", "false")


class Attests:
    """What is asked for; `provenance`: its attributes, None for none."""

    def __init__(self, options: Options) -> None:
        """Raises Failure."""
        self.sbom = False
        self.provenance: dict[str, str] | None = None
        for text in options.all("attest"):
            self._take(_attributes(str(text)))
        for kind in ("sbom", "provenance"):
            if options.changed(kind):
                self._take({"type": kind, **_attributes(options.text(kind))})

    def __bool__(self) -> bool:
        return self.sbom or self.provenance is not None

    def _take(self, found: dict[str, str]) -> None:
        kind = found.pop("type", "")
        on = found.pop("disabled", "false").lower() in _FALSE
        if kind == "sbom":
            if found.get("generator"):
                raise Failure("a generator of bills of materials is not run here")
            self.sbom = on
        elif kind == "provenance":
            if found.get("mode", "min") not in ("min", "max"):
                raise Failure(f"invalid mode {found['mode']}: use min or max")
            self.provenance = found if on else None
        else:
            raise Failure(f'unknown attestation type "{kind}": use sbom or provenance')


def _attributes(text: str) -> dict[str, str]:
    """`true`, `false`, or `mode=max,…`."""
    if text.lower() in _TRUE:
        return {}
    if text.lower() in _FALSE:
        return {"disabled": "true"}
    found = {}
    for part in fields(text):
        key, equals, value = part.partition("=")
        if not equals:
            raise Failure(f"invalid value {part}, expected key=value")
        found[key] = value
    return found


def minimal(options: Options, materials: "list[Json]", platform: str) -> "Json":
    """What the metadata file and `mode=min` say."""
    args: Json = {}
    for text in options.all("build-arg"):
        key, equals, value = str(text).partition("=")
        args[f"build-arg:{key}"] = value if equals else os.environ.get(key, "")
    for text in options.all("label"):
        key, _, value = str(text).partition("=")
        args[f"label:{key}"] = value
    if options.text("target"):
        args["target"] = options.text("target")
    parameters: Json = {"frontend": "dockerfile.v0"}
    if args:
        parameters["args"] = args
    parameters["locals"] = [{"name": "context"}, {"name": "dockerfile"}]
    return {
        "builder": {"id": ""},
        "buildType": _TYPE,
        "materials": [
            {"uri": m["uri"], "digest": {"sha256": str(m["digest"]).partition(":")[2]}}
            for m in materials
        ],
        "invocation": {
            "configSource": {"entryPoint": os.path.basename(options.text("file")) or "Dockerfile"},
            "parameters": parameters,
            "environment": {"platform": platform},
        },
    }


def predicate(
    asked: dict[str, str], found: "Json", started: float, finished: float, image: str
) -> "Json":
    """`found`: the minimal one. Times are left out of a reproducible one."""
    reproducible = asked.get("reproducible", "").lower() in _TRUE
    whole = asked.get("mode") == "max"
    out = {**found, "builder": {"id": asked.get("builder-id", "")}}
    if not whole:
        parameters = {k: v for k, v in found["invocation"]["parameters"].items() if k != "args"}
        out["invocation"] = {**found["invocation"], "parameters": parameters}
    metadata: Json = {"buildInvocationID": image.partition(":")[2][:25]}
    if not reproducible:
        metadata["buildStartedOn"] = _time(started)
        metadata["buildFinishedOn"] = _time(finished)
    metadata["completeness"] = {"parameters": whole, "environment": True, "materials": False}
    metadata["reproducible"] = reproducible
    return {**out, "metadata": metadata}


def _time(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
