"""The images of an engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orlop.client.calls import Calls, Filters, filters_text
from orlop.client.known import Known
from orlop.client.results import Pruned
from orlop.client.transport import query, quote
from orlop.errors import NotFound
from orlop.oci.jsonlite import dumps

Progress = Callable[[Mapping[str, Any]], object]
_TAR = [("Content-Type", "application/x-tar")]


@dataclass(frozen=True, slots=True)
class Auth:
    """Credentials for a registry."""

    username: str = ""
    password: str = ""
    server: str = ""
    identity_token: str = ""

    def header(self) -> list[tuple[str, str]]:
        from base64 import urlsafe_b64encode

        fields = {
            "username": self.username, "password": self.password,
            "serveraddress": self.server, "identitytoken": self.identity_token,
        }  # fmt: skip
        text = dumps({key: value for key, value in fields.items() if value})
        return [("X-Registry-Auth", urlsafe_b64encode(text.encode()).decode("ascii"))]


class Image(Known):
    def __repr__(self) -> str:
        return f"<Image {', '.join(self.tags) or self.id[:19]}>"

    @property
    def tags(self) -> list[str]:
        return list(self.attrs.get("RepoTags") or ())

    @property
    def digests(self) -> list[str]:
        return list(self.attrs.get("RepoDigests") or ())

    @property
    def size(self) -> int:
        return int(self.attrs["Size"])

    @property
    def labels(self) -> Mapping[str, str]:
        return (self.attrs.get("Config") or {}).get("Labels") or {}

    def history(self) -> list[dict[str, Any]]:
        """Newest step first."""
        found: list[dict[str, Any]] = self._calls.call("GET", f"/images/{quote(self.id)}/history")
        return found

    def tag(self, repository: str, tag: str = "latest") -> None:
        path = f"/images/{quote(self.id)}/tag"
        self._calls.call("POST", path + query({"repo": repository, "tag": tag}))


class Images:
    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def get(self, ref: str) -> Image:
        """By name or ID. Raises NotFound."""
        return Image(self._calls, self._calls.call("GET", f"/images/{quote(ref, b'/')}/json"))

    def pull(
        self, ref: str, *, platform: str = "", auth: Auth | None = None,
        progress: Progress | None = None,
    ) -> Image:  # fmt: skip
        """Without a tag: latest. `progress` gets each of Docker's messages."""
        if "@" not in ref and ":" not in ref.rpartition("/")[2]:
            ref += ":latest"
        path = "/images/create" + query({"fromImage": ref, "platform": platform})
        self._follow(path, auth, progress)
        return self.get(ref)

    def push(self, ref: str, *, auth: Auth | None = None, progress: Progress | None = None) -> None:
        name, colon, tag = ref.rpartition(":")
        if not colon or "/" in tag:
            name, tag = ref, "latest"
        path = f"/images/{quote(name, b'/')}/push" + query({"tag": tag})
        self._follow(path, auth or Auth(), progress)

    def _follow(self, path: str, auth: Auth | None, progress: Progress | None) -> None:
        headers = auth.header() if auth else []
        for message in self._calls.messages("POST", path, headers=headers):
            if progress is not None:
                progress(message)

    def remove(self, ref: str, *, force: bool = False, prune: bool = True) -> None:
        """`prune`: its untagged parents too."""
        path = f"/images/{quote(ref, b'/')}" + query({"force": force, "noprune": not prune})
        self._calls.call("DELETE", path)

    def load(self, archive: bytes | Iterable[bytes]) -> list[str]:
        """What `save` wrote; returns the names or IDs that it held."""
        pieces = [archive] if isinstance(archive, bytes) else archive
        found = []
        path = "/images/load?quiet=1"
        for message in self._calls.messages("POST", path, stream=pieces, headers=_TAR):
            _, mark, name = str(message.get("stream", "")).partition("Loaded image")
            if mark:
                found.append(name.removeprefix(" ID").removeprefix(":").strip())
        return found

    def save(self, refs: str | Sequence[str]) -> Iterator[bytes]:
        """The pieces of a tar with these images."""
        names = [refs] if isinstance(refs, str) else list(refs)
        return self._calls.stream("GET", "/images/get" + query({"names": names}))

    def import_(
        self, tar: bytes | Iterable[bytes], repository: str = "", tag: str = "", *,
        changes: Sequence[str] = (), message: str = "",
    ) -> str:  # fmt: skip
        """An image of one layer from a tar of a file system; returns its ID."""
        parameters = {
            "fromSrc": "-", "repo": repository, "tag": tag, "changes": list(changes),
            "message": message,
        }  # fmt: skip
        pieces = [tar] if isinstance(tar, bytes) else tar
        path = "/images/create" + query(parameters)
        last = ""
        for line in self._calls.messages("POST", path, stream=pieces, headers=_TAR):
            last = str(line.get("status") or last)
        return last

    def bootstrap(self, kind: str = "busybox") -> Image:
        """An image made of the host's or Debian's packages, without a registry: busybox, debian."""
        for _ in self._calls.messages("POST", f"/orlop/bootstrap/{quote(kind)}"):
            pass
        return self.get(kind)

    def prune(self, *, all: bool = False, filters: Filters | None = None) -> Pruned:
        """Remove untagged ones, with `all` every one that no container has."""
        wanted: dict[str, Any] = {**(filters or {}), "dangling": [str(not all).lower()]}
        path = "/images/prune" + query({"filters": filters_text(wanted)})
        answer = self._calls.call("POST", path)
        return Pruned.of(answer, "ImagesDeleted")

    def list(self, *, all: bool = False, filters: Filters | None = None) -> list[Image]:
        path = "/images/json" + query({"all": all, "filters": filters_text(filters)})
        found = []
        for row in self._calls.call("GET", path):
            try:
                found.append(self.get(row["Id"]))
            except NotFound:
                pass  # removed meanwhile
        return found
