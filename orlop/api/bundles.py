"""`POST /orlop/build/bundle`: built images as one thing: several platforms, what attests to them.

Body: {"Images": [{"Id", "Predicates": [{"Type", "Predicate"}], "Sbom"}], "Names": […],
"Annotations": [as `--annotation`]}. Answers an OCI layout as a tar, its descriptor in
X-Orlop-Descriptor; with `push=1` the progress of a push. Credentials: X-Registry-Config.
"""

from __future__ import annotations

from typing import Any

import msgspec

from orlop.api.answer import TAR, Stream
from orlop.api.build import registries
from orlop.api.call import Call
from orlop.api.progress import progress
from orlop.builder.base import auth_for
from orlop.errors import InvalidArgument
from orlop.image import annotations as notes
from orlop.image.bundle import Part, bundle, platform_of
from orlop.image.bundlepush import bundle_push
from orlop.image.bundletar import bundle_tar
from orlop.oci.image import go_json
from orlop.oci.reference import Reference, parse_normalized


class _Predicate(msgspec.Struct, rename="pascal"):
    type: str
    predicate: dict[str, Any]


class _Image(msgspec.Struct, rename="pascal"):
    id: str
    predicates: list[_Predicate] = []
    sbom: bool = False


class _Body(msgspec.Struct, rename="pascal"):
    images: list[_Image]
    names: list[str] = []
    annotations: list[str] = []


def make(call: Call) -> Stream:
    asked = call.exactly(_Body)
    images = call.engine.images
    names = [_name(text) for text in asked.names]
    parts = []
    for row in asked.images:
        image = images.get(row.id)
        said = [(p.type, p.predicate) for p in row.predicates]
        parts.append(Part(image, platform_of(image), said, row.sbom))
    if not parts:
        raise InvalidArgument("a bundle needs at least one image")
    made = bundle(images, parts, names, notes.parse(asked.annotations))
    if call.flag("push"):
        if not names:
            raise InvalidArgument("tag is needed when pushing to registry")
        known = registries(call)
        return progress(bundle_push(images, made, [(n, auth_for(known, n)) for n in names]))
    headers = (("X-Orlop-Descriptor", go_json(made.top).decode()),)
    return Stream(bundle_tar(images, made, names), TAR, headers=headers)


def _name(text: str) -> Reference:
    found = parse_normalized(text).with_default_tag()
    if found.digest:
        raise InvalidArgument(f"a name with a digest cannot be given: {text}")
    return found
