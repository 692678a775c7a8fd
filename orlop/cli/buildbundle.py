"""Results of a build that are more than one image: several platforms, attestations, annotations.

The local store holds plain images only, so they go to a registry, an OCI layout or directories.
"""

import time

from orlop.cli import buildoutput
from orlop.cli.buildattest import SLSA, Attests, minimal, predicate
from orlop.cli.buildprogress import messages
from orlop.cli.failure import Failure
from orlop.cli.options import Options
from orlop.cli.out import err
from orlop.cli.session import Session
from orlop.client.transport import query
from orlop.oci.jsonlite import dumps, loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from orlop.cli.buildprogress import Result

    Json = dict[str, Any]

_PATH = "/orlop/build/bundle"


class Built:
    """One platform's image."""

    __slots__ = ("finished", "platform", "result", "started")

    def __init__(self, platform: str, result: "Result", started: float) -> None:
        self.platform = platform
        self.result = result
        self.started, self.finished = started, time.time()


class Bundle:
    """Asked for at all (`bool`), and where to."""

    def __init__(self, options: Options, platforms: list[str], outputs: "list[Json]") -> None:
        """Raises Failure for what cannot be put anywhere."""
        self.options = options
        self.attests = Attests(options)
        self.annotations = [str(a) for a in options.all("annotation")]
        self.many = len(platforms) > 1
        self.descriptor: Json = {}
        self.names = [str(t) for t in options.all("tag")]
        if not self:
            return
        targets = [one["type"] for one in outputs if _pushes(one) or one["type"] == "oci"]
        if options.flag("push"):
            targets.append("registry")
        others = {one["type"] for one in outputs} - {"oci", "local", "cacheonly"}
        for one in outputs:
            if self.many and one["type"] in others and not _pushes(one):
                raise Failure(
                    f"{one['type']} exporter does not currently support exporting manifest lists"
                )
        if self.many and (options.flag("load") or not (targets or outputs)):
            raise Failure(
                "docker exporter does not currently support exporting manifest lists: use --push, "
                "-o type=oci,dest=FILE or -o type=local,dest=FOLDER"
            )
        if not targets and (self.attests or self.annotations):
            what = "attestations" if self.attests else "annotations"
            raise Failure(
                f"{what} are not supported by the local image store: use --push or "
                "-o type=oci,dest=FILE"
            )

    def __bool__(self) -> bool:
        return self.many or bool(self.attests) or bool(self.annotations)

    def put_out(
        self, session: Session, outputs: "list[Json]", built: list[Built], registries: "Any"
    ) -> None:
        body = dumps(self._body(built)).encode()
        for one in outputs:
            if _pushes(one):
                self._push(session, self._named(body, one), registries)
            elif one["type"] == "oci":
                self._archive(session, self._named(body, one), one["dest"])
            elif one["type"] == "local" and self.many:
                for image in built:
                    folder = f"{one['dest']}/{image.platform.replace('/', '_')}"
                    where = {**one, "dest": folder}
                    buildoutput.put_out(session, [where], image.result.image, self.names)
            else:
                buildoutput.put_out(session, [one], built[0].result.image, self.names)
        if self.options.flag("push"):
            self._push(session, body, registries)

    def _body(self, built: list[Built]) -> "Json":
        rows = []
        for image in built:
            row: Json = {"Id": image.result.image, "Sbom": self.attests.sbom, "Predicates": []}
            asked = self.attests.provenance
            if asked is not None:
                least = minimal(self.options, image.result.materials, image.platform)
                said = predicate(asked, least, image.started, image.finished, image.result.image)
                row["Predicates"] = [{"Type": SLSA, "Predicate": said}]
            rows.append(row)
        return {"Images": rows, "Names": self.names, "Annotations": self.annotations}

    def _named(self, body: bytes, one: "Json") -> bytes:
        if not one.get("name"):
            return body
        return dumps({**loads(body), "Names": one["name"].split(",")}).encode()

    def _push(self, session: Session, body: bytes, registries: "Any") -> None:
        response = session.client.open(
            "POST",
            _PATH + query({"push": "1"}),
            headers=[("Content-Type", "application/json"), registries],
            stream=iter([body]),
        )
        for message in messages(response):
            if message.get("error"):
                raise Failure(str(message["error"]))
            if message.get("aux"):
                self.descriptor = {"digest": message["aux"]["Digest"], **self.descriptor}
            elif message.get("status") and not message.get("id"):
                err(f"{message['status']}\n")
        session.client.release(response)

    def _archive(self, session: Session, body: bytes, dest: str) -> None:
        headers = [("Content-Type", "application/json")]
        response = session.client.open("POST", _PATH, headers=headers, stream=iter([body]))
        self.descriptor = loads(response.headers["x-orlop-descriptor"].encode())
        buildoutput.write_out(response.chunks(), dest)


def _pushes(one: "Json") -> bool:
    return one["type"] == "registry" or one.get("push") == "true"
