"""The containers of an engine: make, find, run to the end."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, Unpack

from orlop.client.calls import Calls, Filters, filters_text
from orlop.client.container import Container
from orlop.client.images import Images
from orlop.client.options import Options, request
from orlop.client.results import Completed, ProcessFailed, Pruned, TimedOut
from orlop.client.transport import query, quote
from orlop.errors import NotFound, OrlopError

Command = str | Sequence[str] | None


class Containers:
    def __init__(self, calls: Calls, images: Images) -> None:
        self._calls = calls
        self._images = images

    def create(
        self, image: str, command: Command = None, *, pull: str = "missing", platform: str = "",
        **given: Unpack[Options],
    ) -> Container:  # fmt: skip
        """A container that is not started. `pull`: missing, always or never.

        >>> box = engine.containers.create("busybox", ["sleep", "60"], name="box", memory="64m")
        """
        if pull == "always":
            self._images.pull(image, platform=platform)
        body = request(image, command, given)
        path = "/containers/create" + query({"name": given.get("name"), "platform": platform})
        try:
            made = self._calls.call("POST", path, body)
        except NotFound as error:
            if pull != "missing" or "No such image" not in error.message:
                raise
            self._images.pull(image, platform=platform)
            made = self._calls.call("POST", path, body)
        return self.get(made["Id"])

    def start(
        self, image: str, command: Command = None, *, pull: str = "missing", platform: str = "",
        **given: Unpack[Options],
    ) -> Container:  # fmt: skip
        """A container that runs in the background: `docker run -d`."""
        container = self.create(image, command, pull=pull, platform=platform, **given)
        try:
            return container.start()
        except OrlopError:
            if given.get("auto_remove"):
                container.remove(force=True, volumes=True)
            raise

    def run(
        self, image: str, command: Command = None, *, input: bytes = b"", check: bool = True,
        timeout: float | None = None, remove: bool = True, pull: str = "missing",
        platform: str = "", **given: Unpack[Options],
    ) -> Completed:  # fmt: skip
        """Run a container to its end; it is removed then unless `remove` is off.

        Raises ProcessFailed for another exit code than 0 unless `check` is off, TimedOut after
        `timeout` seconds.

        >>> engine.run("busybox", ["echo", "hi"]).output
        'hi\\n'
        """
        if input:
            given["interactive"] = True
        container = self.create(image, command, pull=pull, platform=platform, **given)
        try:
            completed = self._finish(container, input, timeout)
        finally:
            if remove:
                container.remove(force=True, volumes=True)
        if check and completed.exit_code:
            raise ProcessFailed(f"{image} {command or ''}".strip(), completed)
        return completed

    def _finish(self, container: Container, input: bytes, timeout: float | None) -> Completed:
        late = threading.Event()

        def stop() -> None:
            late.set()
            try:
                container.kill()
            except OrlopError:
                pass  # it ended meanwhile

        stdio = container.attach(stdin=bool(input))
        timer = threading.Timer(timeout, stop) if timeout is not None else None
        try:
            container.start()
            if timer is not None:
                timer.start()
            out, err = stdio.communicate(input)
            code = container.wait()
        finally:
            stdio.close()
            if timer is not None:
                timer.cancel()
        if late.is_set():
            raise TimedOut(f"{container.name} did not end within {timeout} s")
        return Completed(code, out, err, container.id)

    def get(self, ref: str) -> Container:
        """By name, ID or the beginning of an ID. Raises NotFound."""
        return Container(self._calls, self._calls.call("GET", f"/containers/{quote(ref)}/json"))

    def rows(
        self, *, all: bool = False, size: bool = False, filters: Filters | None = None
    ) -> list[dict[str, Any]]:
        """One request for all: the lines of `docker ps` as the API gives them."""
        parameters = {"all": all, "size": size, "filters": filters_text(filters)}
        answer: list[dict[str, Any]] = self._calls.call(
            "GET", "/containers/json" + query(parameters)
        )
        return answer

    def prune(self, filters: Filters | None = None) -> Pruned:
        """Remove those that do not run."""
        path = "/containers/prune" + query({"filters": filters_text(filters)})
        return Pruned.of(self._calls.call("POST", path), "ContainersDeleted")

    def list(self, *, all: bool = False, filters: Filters | None = None) -> list[Container]:
        """Those that run, with `all` every one; newest first."""
        found = []
        for row in self.rows(all=all, filters=filters):
            try:
                found.append(self.get(row["Id"]))
            except NotFound:
                pass  # removed meanwhile
        return found
