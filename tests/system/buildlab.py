"""Builds on an engine in this process."""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import containerlab

from orlop.builder import events as ev
from orlop.builder.build import build, with_epoch
from orlop.builder.classic import classic
from orlop.builder.context import Context
from orlop.builder.request import Request
from orlop.image.model import Image

Files = dict[str, str | bytes | tuple[str, int]]


def archive(files: Files) -> io.BytesIO:
    """A tar: text, bytes, or ("-> target", 0) for a link, (text, mode) for a mode."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            mode = 0o644
            if isinstance(content, tuple):
                content, mode = content
            if isinstance(content, str) and content.startswith("-> "):
                info.type, info.linkname = tarfile.SYMTYPE, content[3:]
                tar.addfile(info)
                continue
            if name.endswith("/"):
                info.type, info.mode = tarfile.DIRTYPE, mode if mode != 0o644 else 0o755
                tar.addfile(info)
                continue
            data = content.encode() if isinstance(content, str) else content
            info.size, info.mode = len(data), mode
            tar.addfile(info, io.BytesIO(data))
    out.seek(0)
    return out


class Build:
    """The outcome of one: events, classic text, the image."""

    def __init__(self, lab: Lab, events: list[ev.Event], text: str, image: str) -> None:
        self.lab = lab
        self.events = events
        self.text = text
        self.id = image

    @property
    def image(self) -> Image:
        return self.lab.engine.images.get(self.id)

    @property
    def config(self) -> dict[str, Any]:
        return self.image.run_config

    def cached(self) -> list[bool]:
        return [e.cached for e in self.events if isinstance(e, ev.Completed) and e.vertex.number]

    def sh(self, script: str) -> str:
        """What a shell in a container of the image says."""
        code, text = self.lab.run(
            "sh", "-c", script, config={"Image": self.id, "Entrypoint": [], "User": "0"}
        )
        assert code == 0, text
        return text


class Lab(containerlab.Lab):
    def build(self, dockerfile: str, files: Files | None = None, **options: Any) -> Build:
        """Raises what the build raises; `.failed_events` then has what came before."""
        builder = self.engine.builder
        with closing(Context(builder.spool)) as context:
            context.load(archive({"Dockerfile": dockerfile, **(files or {})}))
            request = with_epoch(Request(context, network="none", **options))
            seen: list[ev.Event] = []
            self.failed_events = seen
            for event in build(builder, request):
                seen.append(event)
        text = "".join(m.get("stream", "") for m in classic(seen))
        done = seen[-1]
        assert isinstance(done, ev.Finished)
        return Build(self, seen, text, done.image)


def make(base: Path) -> Lab:
    return Lab(base)


def opened(base: Path) -> Iterator[Lab]:
    """For a fixture: a lab, and nothing of it afterwards."""
    made = make(base)
    try:
        yield made
    finally:
        made.close()
        subprocess.run(["umount", base / "data" / "overlay2"], stderr=subprocess.DEVNULL)
