"""One container, as the library shows it: its last known state and its verbs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from orlop.client import options
from orlop.client.known import Known
from orlop.client.results import Completed, ProcessFailed
from orlop.client.stdio import Stdio
from orlop.client.transport import query, quote
from orlop.errors import NotFound, NotModified
from orlop.wire import Frames


class Container(Known):
    """`attrs` is what `inspect` said last; `reload` asks again."""

    def __repr__(self) -> str:
        return f"<Container {self.id[:12]} {self.name}>"

    @property
    def name(self) -> str:
        return str(self.attrs["Name"]).removeprefix("/")

    @property
    def status(self) -> str:
        """created, running, paused, restarting, exited or dead, as of the last `reload`."""
        return str(self.attrs["State"]["Status"])

    @property
    def health(self) -> str:
        """starting, healthy, unhealthy; "" without a health check."""
        return str((self.attrs["State"].get("Health") or {}).get("Status", ""))

    @property
    def exit_code(self) -> int:
        return int(self.attrs["State"]["ExitCode"])

    @property
    def image(self) -> str:
        """The reference it was made with."""
        return str(self.attrs["Config"]["Image"])

    @property
    def labels(self) -> Mapping[str, str]:
        return self.attrs["Config"].get("Labels") or {}

    @property
    def ports(self) -> dict[str, list[tuple[str, int]]]:
        """`{"80/tcp": [("0.0.0.0", 32768)]}`; unpublished ones are left out."""
        found = self.attrs["NetworkSettings"].get("Ports") or {}
        return {
            inside: [(one["HostIp"], int(one["HostPort"])) for one in outside]
            for inside, outside in found.items()
            if outside
        }

    @property
    def addresses(self) -> dict[str, str]:
        """IPv4 address by network."""
        networks = self.attrs["NetworkSettings"].get("Networks") or {}
        return {name: one["IPAddress"] for name, one in networks.items() if one["IPAddress"]}

    def reload(self) -> Container:
        self.attrs = self._calls.call("GET", self._path("/json"))
        return self

    # life

    def start(self) -> Container:
        """A container that runs is left as it is."""
        self._post("/start")
        return self._after()

    def stop(self, timeout: int | None = None, signal: str = "") -> Container:
        """`timeout`: seconds until SIGKILL, -1 for never; the container's own when None."""
        self._post("/stop", t=timeout, signal=signal)
        return self._after()

    def restart(self, timeout: int | None = None, signal: str = "") -> Container:
        self._post("/restart", t=timeout, signal=signal)
        return self.reload()

    def kill(self, signal: str | int = "KILL") -> None:
        self._post("/kill", signal=str(signal))

    def pause(self) -> None:
        self._post("/pause")

    def unpause(self) -> None:
        self._post("/unpause")

    def wait(self, condition: str = "not-running") -> int:
        """The exit code. `condition`: not-running, next-exit or removed."""
        answer = self._calls.call("POST", self._path("/wait") + query({"condition": condition}))
        return int(answer["StatusCode"])

    def remove(self, *, force: bool = False, volumes: bool = False) -> None:
        """`volumes`: its anonymous volumes too."""
        self._calls.call("DELETE", self._path("") + query({"force": force, "v": volumes}))

    def rename(self, name: str) -> Container:
        self._post("/rename", name=name)
        return self.reload()

    def update(self, **resources: Any) -> None:
        """Names as in the API: `Memory=…`, `RestartPolicy={…}`."""
        self._calls.call("POST", self._path("/update"), resources)

    # what it says

    def logs(
        self,
        *,
        follow: bool = False,
        tail: int | None = None,
        since: float | None = None,
        until: float | None = None,
        timestamps: bool = False,
    ) -> Iterator[tuple[int, bytes]]:
        """(1 output or 2 errors, data); closing the iterator ends a `follow`."""
        parameters = {
            "stdout": True, "stderr": True, "follow": follow, "timestamps": timestamps,
            "tail": tail, "since": since, "until": until,
        }  # fmt: skip
        pieces = self._calls.stream("GET", self._path("/logs") + query(parameters))
        if self.attrs["Config"]["Tty"]:
            yield from ((1, piece) for piece in pieces)
            return
        frames = Frames()
        for piece in pieces:
            yield from frames.feed(piece)

    def output(self) -> str:
        """All of its standard output so far, as text."""
        pieces = [data for stream, data in self.logs() if stream == 1]
        return b"".join(pieces).decode("utf-8", "replace")

    def attach(self, *, stdin: bool = False, logs: bool = False) -> Stdio:
        """What it writes from now on; with `logs` what it wrote before, too."""
        parameters = {
            "stream": True, "stdout": True, "stderr": True, "stdin": stdin, "logs": logs
        }  # fmt: skip
        connection = self._calls.hijack(self._path("/attach") + query(parameters))
        return Stdio(connection, tty=bool(self.attrs["Config"]["Tty"]))

    def top(self, arguments: str = "") -> list[dict[str, str]]:
        """One mapping for each process, by ps's titles."""
        answer = self._calls.call("GET", self._path("/top") + query({"ps_args": arguments}))
        return [dict(zip(answer["Titles"], row)) for row in answer["Processes"]]

    def stats(self) -> dict[str, Any]:
        """One reading, as the API gives it."""
        found: dict[str, Any] = self._calls.call("GET", self._path("/stats?stream=0&one-shot=1"))
        return found

    def watch_stats(self) -> Iterator[dict[str, Any]]:
        """A reading each second until the iterator is closed."""
        return self._calls.messages("GET", self._path("/stats?stream=1"))

    def changes(self) -> list[tuple[str, str]]:
        """("A" added, "C" changed or "D" deleted, path) in its writable layer."""
        found = self._calls.call("GET", self._path("/changes")) or []
        return [("CAD"[one["Kind"]], one["Path"]) for one in found]

    # processes and files

    def exec(
        self,
        command: str | Sequence[str],
        *,
        input: bytes = b"",
        env: Mapping[str, str] | Sequence[str] | None = None,
        workdir: str = "",
        user: str = "",
        privileged: bool = False,
        check: bool = True,
    ) -> Completed:
        """Run a process in it to its end. Raises ProcessFailed unless `check` is off."""
        id, stdio = self._exec(
            command, bool(input), False,
            {"Env": options.variables(env), "WorkingDir": workdir, "User": user,
             "Privileged": privileged},
        )  # fmt: skip
        out, err = stdio.communicate(input)
        code = int(self._calls.call("GET", f"/exec/{id}/json")["ExitCode"])
        completed = Completed(code, out, err, self.id)
        if check and code:
            raise ProcessFailed(f"exec {command!r} in {self.name}", completed)
        return completed

    def exec_stream(self, command: str | Sequence[str], *, tty: bool = False) -> Stdio:
        """Run a process in it and talk with it."""
        return self._exec(command, True, tty, {})[1]

    def _exec(
        self, command: str | Sequence[str], stdin: bool, tty: bool, more: dict[str, Any]
    ) -> tuple[str, Stdio]:
        body = {
            "Cmd": options.words(command), "AttachStdin": stdin, "AttachStdout": True,
            "AttachStderr": True, "Tty": tty, **more,
        }  # fmt: skip
        id = str(self._calls.call("POST", self._path("/exec"), body)["Id"])
        start = {"Detach": False, "Tty": tty}
        return id, Stdio(self._calls.hijack(f"/exec/{id}/start", start), tty=tty)

    def get_archive(self, path: str) -> Iterator[bytes]:
        """The pieces of a tar of `path`."""
        return self._calls.stream("GET", self._path("/archive") + query({"path": path}))

    def put_archive(self, path: str, tar: bytes | Iterator[bytes]) -> None:
        """Unpack a tar into the directory `path`."""
        pieces = iter([tar]) if isinstance(tar, bytes) else tar
        self._calls.call(
            "PUT",
            self._path("/archive") + query({"path": path}),
            stream=pieces,
            headers=[("Content-Type", "application/x-tar")],
        )

    def export(self) -> Iterator[bytes]:
        """The pieces of a tar of its whole file system."""
        return self._calls.stream("GET", self._path("/export"))

    def commit(
        self, repository: str = "", tag: str = "", *, message: str = "", author: str = "",
        changes: Sequence[str] = (), pause: bool = True,
    ) -> str:  # fmt: skip
        """Make an image of it; returns the image's ID."""
        parameters = {
            "container": self.id, "repo": repository, "tag": tag, "comment": message,
            "author": author, "changes": list(changes), "pause": "1" if pause else "0",
        }  # fmt: skip
        return str(self._calls.call("POST", "/commit" + query(parameters), {})["Id"])

    def _after(self) -> Container:
        """`reload`, but for one of `auto_remove` that is over and so gone: it stays as known."""
        try:
            return self.reload()
        except NotFound:
            if not self.attrs["HostConfig"]["AutoRemove"]:
                raise
            return self

    def _path(self, verb: str) -> str:
        return f"/containers/{quote(self.id)}{verb}"

    def _post(self, verb: str, **parameters: Any) -> None:
        try:
            self._calls.call("POST", self._path(verb) + query(parameters))
        except NotModified:
            pass  # it is so already
