"""What a stage has come to after some steps: an image in the making. Pure values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from orlop.builder.expand import Lexer
from orlop.image.create import ordered_config
from orlop.image.images import make_image
from orlop.image.model import Image
from orlop.image.times import rfc3339nano
from orlop.oci.digest import ChainID, DiffID, ImageID, digest_of, next_chain
from orlop.oci.image import go_json
from orlop.oci.platform import Platform

Json = dict[str, Any]
SHELL = ("/bin/sh", "-c")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class State:
    """`config` is never changed in place. `epoch`: seconds; no time in the image is later."""

    platform: Platform
    config: Json
    epoch: int
    diff_ids: tuple[DiffID, ...] = ()
    chain: ChainID | None = None
    history: tuple[Json, ...] = ()
    author: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)  # ARGs in scope that have a value
    declared: frozenset[str] = frozenset()  # and all names that were declared
    winning: frozenset[str] = frozenset()  # ARGs with a value that came after an ENV of their name
    base: Image | None = None  # as long as no step was added
    extra: Json = field(default_factory=dict)  # os.version and the like, of the base

    @property
    def shell(self) -> tuple[str, ...]:
        return tuple(self.config.get("Shell") or SHELL)

    @property
    def environment(self) -> dict[str, str]:
        """ENV, as name → value."""
        pairs = (entry.partition("=") for entry in self.config.get("Env") or ())
        return {name: value for name, _, value in pairs}

    @property
    def scope(self) -> dict[str, str]:
        """What an instruction's variables mean: of ENV and ARG the later one counts."""
        return {**self.arguments, **self.environment, **self.overrides}

    @property
    def overrides(self) -> dict[str, str]:
        return {name: self.arguments[name] for name in self.winning}

    def expand(self, escape: str) -> tuple[Lexer, dict[str, str]]:
        return Lexer(escape), self.scope

    def with_config(self, **changes: Any) -> State:
        return replace(self, config={**self.config, **changes})

    def stepped(self, created_by: str, diff_id: DiffID | None, *, comment: str = "") -> State:
        """One history entry more, and a layer if there is one."""
        entry: Json = {"created": stamp(self.epoch)}
        if self.author:
            entry["author"] = self.author
        entry["created_by"] = created_by
        if comment:
            entry["comment"] = comment
        if diff_id is None:
            entry["empty_layer"] = True
            return replace(self, history=(*self.history, entry), base=None)
        return replace(
            self,
            history=(*self.history, entry),
            diff_ids=(*self.diff_ids, diff_id),
            chain=next_chain(self.chain, diff_id),
            base=None,
        )

    def document(self) -> bytes:
        """The image's config."""
        if self.base is not None:
            return self.base.raw
        out: Json = {
            "architecture": self.platform.architecture,
            "author": self.author,
            "config": ordered_config(self.config),
            "created": stamp(self.epoch),
            "history": list(self.history),
            "os": self.platform.os,
            **self.extra,
            "rootfs": {"type": "layers", "diff_ids": list(self.diff_ids)},
            "variant": self.platform.variant,
        }
        return go_json({key: value for key, value in out.items() if value not in ("", None)})

    @property
    def image_id(self) -> ImageID:
        return self.base.id if self.base is not None else ImageID(digest_of(self.document()))


def stamp(seconds: int) -> str:
    return rfc3339nano(seconds * 10**9)


def of_image(image: Image, platform: Platform, epoch: int) -> State:
    """Where a stage starts that is FROM an image."""
    document = image.config
    config = dict(document.get("config") or {})
    config.pop("Image", None)
    if not any(entry.startswith("PATH=") for entry in config.get("Env") or ()):
        config["Env"] = [*(config.get("Env") or ()), f"PATH={PATH}"]
    extra = {k: document[k] for k in ("os.version", "os.features") if document.get(k)}
    return State(
        platform,
        config,
        epoch,
        image.diff_ids,
        image.chain,
        tuple(document.get("history") or ()),
        document.get("author") or "",
        base=image,
        extra=extra,
    )


def scratch(platform: Platform, epoch: int) -> State:
    return State(platform, {"Env": [f"PATH={PATH}"]}, epoch)


def bare_image(state: State) -> Image:
    """The files of `state` as an image without any settings: what a step's container stands on."""
    document = {
        "architecture": state.platform.architecture,
        "os": state.platform.os,
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": list(state.diff_ids)},
    }
    return replace(make_image(state.image_id, go_json(document), None), id=state.image_id)
