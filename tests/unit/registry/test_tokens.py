"""Tokens that die while a long transfer is under way."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.registry import Registry, Request, Response, digest

from orlop.config import Config
from orlop.oci.digest import Digest, digest_of
from orlop.oci.manifest import Descriptor
from orlop.oci.reference import parse_normalized
from orlop.registry import blobs, session, upload
from orlop.registry.client import Registries
from orlop.registry.failure import RegistryFailure
from orlop.registry.transport import Transport


class Guard:
    """A token server and the rule that lets only its newest token in."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.given = 0
        registry.rules.append(self)

    def __call__(self, request: Request) -> Response | None:
        if request.path == "/token":
            self.given += 1
            return Response(
                200, json.dumps({"token": f"t{self.given}", "expires_in": 300}).encode()
            )
        if request.authorization == f"Bearer t{self.given}" and self.given:
            return None
        challenge = f'Bearer realm="http://{self.registry.host}/token",service="s"'
        return Response(401, b"", {"WWW-Authenticate": challenge})

    def revoke(self) -> None:
        """What was given is worth nothing any more."""
        self.given += 1


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry() as made:
        yield made


@pytest.fixture
def guard(registry: Registry) -> Guard:
    return Guard(registry)


@pytest.fixture
def registries(monkeypatch: pytest.MonkeyPatch) -> Iterator[Registries]:
    monkeypatch.setattr(session, "_JUST_FETCHED", 0.0)
    monkeypatch.setattr(blobs.random, "random", lambda: -1.49)
    made = Registries(Config(), transport=Transport(user_agent="t", environ={}))
    yield made
    made.close()


def test_a_blob_goes_on_with_a_new_token(
    registry: Registry, guard: Guard, registries: Registries, tmp_path: Path
) -> None:
    data = os.urandom(1 << 20)
    registry.add_blob("a/b", data)
    cuts = [200_000, 300_000]

    def cut(request: Request) -> Response | None:
        if "/blobs/" not in request.path or not cuts:
            return None
        answer = registry._blob(request, "a/b", digest(data))
        answer.cut = cuts.pop(0)
        guard.revoke()
        return answer

    registry.rules.append(cut)
    opened = next(iter(registries.sessions(registry.host, None)))
    with (tmp_path / "x").open("w+b") as file:
        blobs.Download(
            opened,
            parse_normalized(f"{registry.host}/a/b:1"),
            Descriptor("x", digest_of(data), len(data)),
            file.fileno(),
            attempts=3,
            cancel=threading.Event(),
            on_bytes=lambda n: None,
            on_retry=lambda n: None,
        ).run()
    assert (tmp_path / "x").read_bytes() == data
    assert registry.sent == len(data)
    assert cuts == []


def test_an_upload_whose_token_died_may_be_tried_again(
    registry: Registry, guard: Guard, registries: Registries
) -> None:
    """The stream is spent by the refused request: that failure passes, the next try works."""
    opened = next(iter(registries.sessions(registry.host, None)))
    reference = parse_normalized(f"{registry.host}/a/b:1")
    wanted = Digest(digest(b"hello"))
    location = upload.open_upload(opened, reference)
    guard.revoke()
    with pytest.raises(RegistryFailure) as caught:
        upload.send_stream(opened, reference, iter([b"hello"]), lambda: wanted, location=location)
    assert caught.value.temporary
    upload.send_stream(opened, reference, iter([b"hello"]), lambda: wanted, location=location)
    assert registry.blobs["a/b", wanted] == b"hello"


def test_a_refusal_that_no_new_token_mends_is_final(
    registry: Registry, guard: Guard, registries: Registries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "_JUST_FETCHED", 60.0)
    opened = next(iter(registries.sessions(registry.host, None)))
    reference = parse_normalized(f"{registry.host}/a/b:1")
    location = upload.open_upload(opened, reference)
    guard.revoke()
    with pytest.raises(RegistryFailure) as caught:
        upload.send_stream(
            opened, reference, iter([b"x"]), lambda: Digest(digest(b"x")), location=location
        )
    assert not caught.value.temporary
