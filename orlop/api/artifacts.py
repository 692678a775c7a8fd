"""`/orlop/artifacts` and `/orlop/manifests`: what registries hold beside images.

GET    /orlop/artifacts/{name}          ?type=      descriptors of what refers to the image
POST   /orlop/artifacts/{name}          ?type= &mediatype= &title= &annotation=k=v …; body: content
GET    /orlop/artifacts/{name}/content  ?digest=    one content, verified
GET    /orlop/manifests/{name}                      {Digest, MediaType, Manifest (its text)}
GET    /orlop/manifests/{name}/entry                {mediaType, digest, size, platform}
POST   /orlop/manifests/{name}/push     {"Manifests": [{"Ref", "Platform"}]} → {Digest, Size,
                                        MediaType, Pushed}
With ?insecure=1 the three of manifests do with plain http.
Credentials come in X-Registry-Auth, as for pull and push.
"""

from __future__ import annotations

from typing import Any

import msgspec

from orlop.api import encode
from orlop.api.answer import Answer, Stream
from orlop.api.call import Call
from orlop.errors import InvalidArgument
from orlop.image import artifacts as store
from orlop.image import lists


class _Entry(msgspec.Struct, rename="pascal"):
    ref: str = ""
    platform: dict[str, Any] = {}


class _List(msgspec.Struct, rename="pascal"):
    manifests: list[_Entry] = []


def list_(call: Call) -> Answer:
    found = store.artifacts(
        call.engine.images,
        call.parameters["name"],
        kind=call.text("type"),
        auth=call.auth(),
    )
    return encode.json(found)


def attach(call: Call) -> Answer:
    annotations = {}
    for text in call.texts("annotation"):
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise InvalidArgument(f"invalid annotation {text[:100]!r}: expected key=value")
        annotations[key] = value
    made = store.attach(
        call.engine.images,
        call.parameters["name"],
        call.body,
        kind=call.text("type"),
        media_type=call.text("mediatype"),
        title=call.text("title"),
        annotations=annotations,
        auth=call.auth(),
    )
    return Answer(201, encode.dumps(made))


def content(call: Call) -> Stream:
    pieces = store.fetch(
        call.engine.images, call.parameters["name"], call.text("digest"), auth=call.auth()
    )
    return Stream(pieces, "application/octet-stream")


def manifest(call: Call) -> Answer:
    found = store.manifest_of(
        call.engine.images,
        call.parameters["name"],
        auth=call.auth(),
        insecure=call.flag("insecure"),
    )
    return encode.json(found)


def entry(call: Call) -> Answer:
    return encode.json(
        lists.described(
            call.engine.images,
            call.parameters["name"],
            auth=call.auth(),
            insecure=call.flag("insecure"),
        )
    )


def push(call: Call) -> Answer:
    wanted = call.exactly(_List)
    entries = [{"Ref": row.ref, "Platform": row.platform} for row in wanted.manifests]
    made = lists.push_list(
        call.engine.images,
        call.parameters["name"],
        entries,
        auth=call.auth(),
        insecure=call.flag("insecure"),
    )
    return encode.json(made)
