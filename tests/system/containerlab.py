"""An engine in this process, on a scratch root, for tests of containers."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from orlop.config import Config
from orlop.container.create import create
from orlop.container.inspect import inspect
from orlop.container.remove import remove
from orlop.container.start import start
from orlop.container.wait import wait
from orlop.engine import Engine
from orlop.image.bootstrap_busybox import bootstrap_busybox

Json = dict[str, Any]


class Lab:
    """An engine on a scratch root, opened and closed at will."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.config = Config(data_root=base / "data", exec_root=base / "run", bridge="none")
        self.engine = Engine.open(self.config)
        for _ in bootstrap_busybox(self.engine.images) or ():
            pass

    @property
    def containers(self) -> Any:
        return self.engine.containers

    def reopen(self) -> None:
        """The daemon goes away and another one comes."""
        self.engine.close()
        self.engine = Engine.open(self.config)

    def create(self, *command: str, config: Json | None = None, **host: Any) -> str:
        name = host.pop("name", "")
        host.setdefault("NetworkMode", "none")
        wanted = {"Image": "busybox", "Cmd": list(command), **(config or {})}
        return create(self.containers, wanted, host, name=name)[0]

    def run(self, *command: str, config: Json | None = None, **host: Any) -> tuple[int, str]:
        """(exit code, what it printed to either stream)."""
        id = self.create(*command, config=config, **host)
        ended = wait(self.containers, id, "next-exit")
        try:
            start(self.containers, id)
            code = ended.result(30)[0]
            return code, self.output(id)
        finally:
            remove(self.containers, id, force=True, volumes=True)

    def background(self, *command: str, config: Json | None = None, **host: Any) -> str:
        id = self.create(*(command or ("sleep", "300")), config=config, **host)
        start(self.containers, id)
        return id

    def output(self, id: str) -> str:
        path = self.containers.get(id).log_path
        return "".join(json.loads(line)["log"] for line in path.read_text().splitlines())

    def state(self, id: str) -> Json:
        found: Json = inspect(self.containers, id)["State"]
        return found

    def until(self, id: str, **wanted: Any) -> Json:
        """The state once it holds all of `wanted` (no event tells of every one of them)."""
        for _ in range(400):
            state = self.state(id)
            if all(state.get(k) == v for k, v in wanted.items()):
                return state
            time.sleep(0.01)
        raise AssertionError(f"{wanted} never held: {state}")

    def close(self) -> None:
        for container in self.containers.all():
            remove(self.containers, container.id, force=True, volumes=True)
        self.containers.cleanup.drain()
        self.engine.close()
