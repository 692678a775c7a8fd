"""The registry client against a scripted registry."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from fakes.registry import Registry, Request, Response, digest, error

from orlop.config import Config
from orlop.oci.digest import digest_of
from orlop.oci.manifest import Descriptor
from orlop.oci.reference import Reference, parse_normalized
from orlop.registry import blobs, manifests, tags, upload
from orlop.registry.client import Registries
from orlop.registry.failure import RegistryFailure, from_response
from orlop.registry.retry import retrying
from orlop.registry.session import Session
from orlop.registry.transport import Transport


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry() as made:
        yield made


@pytest.fixture
def registries() -> Iterator[Registries]:
    made = Registries(Config(), transport=Transport(user_agent="t", stall_timeout=0.3, environ={}))
    yield made
    made.close()


def connect(registries: Registries, host: str, auth: dict[str, Any] | None = None) -> Session:
    return next(iter(registries.sessions(host, auth)))


def ref(registry: Registry, text: str = "a/b:1") -> Reference:
    return parse_normalized(f"{registry.host}/{text}")


def fetch(
    session: Session, reference: Reference, data: bytes, path: Path, **kw: Any
) -> list[float]:
    waits: list[float] = []
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        blobs.Download(
            session,
            reference,
            Descriptor("x", digest_of(data), kw.get("size", len(data))),
            fd,
            attempts=kw.get("attempts", 5),
            cancel=kw.get("cancel", threading.Event()),
            on_bytes=lambda n: None,
            on_retry=waits.append,
        ).run()
    finally:
        os.close(fd)
    return waits


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blobs.random, "random", lambda: -1.49)


def test_plain_http_after_https_on_loopback(registry: Registry, registries: Registries) -> None:
    session = connect(registries, registry.host)
    assert session.endpoint.scheme == "http"


def test_refused_connection_has_gos_words(registries: Registries) -> None:
    with pytest.raises(RegistryFailure) as caught:
        connect(registries, "127.0.0.1:1")
    assert caught.value.message == (
        'Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused'
    )


def test_manifest_unknown(registry: Registry, registries: Registries) -> None:
    session = connect(registries, registry.host)
    with pytest.raises(RegistryFailure, match="^manifest unknown$"):
        manifests.get_manifest(session, ref(registry), "1")


def test_blob_is_resumed_with_range(
    registry: Registry, registries: Registries, tmp_path: Path
) -> None:
    data = os.urandom(1 << 20)
    registry.add_blob("a/b", data)
    cuts = [70_000, 100_000, 300_000]

    def cut(request: Request) -> Response | None:
        if "/blobs/" not in request.path or not cuts:
            return None
        whole = registry._blob(request, "a/b", digest(data))
        whole.cut = cuts.pop(0)
        return whole

    registry.rules.append(cut)
    session = connect(registries, registry.host)
    fetch(session, ref(registry), data, tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == data
    assert registry.sent == len(data)  # nothing was sent twice
    assert [r.headers.get("range") for r in registry.seen if "/blobs/" in r.path] == [
        None, "bytes=70000-", "bytes=170000-", "bytes=470000-",
    ]  # fmt: skip


def test_what_an_earlier_pull_left_is_taken_over(
    registry: Registry, registries: Registries, tmp_path: Path
) -> None:
    data = os.urandom(300_000)
    registry.add_blob("a/b", data)
    (tmp_path / "x").write_bytes(data[:250_000])
    fetch(connect(registries, registry.host), ref(registry), data, tmp_path / "x")
    assert registry.sent == 50_000
    assert (tmp_path / "x").read_bytes() == data


def test_rotten_leftovers_are_thrown_away(
    registry: Registry, registries: Registries, tmp_path: Path
) -> None:
    data = os.urandom(300_000)
    registry.add_blob("a/b", data)
    (tmp_path / "x").write_bytes(b"?" * 250_000)
    fetch(connect(registries, registry.host), ref(registry), data, tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == data


@pytest.mark.parametrize("status", [200, 206])
def test_wrong_range_answers_start_again(
    registry: Registry, registries: Registries, tmp_path: Path, status: int
) -> None:
    data = os.urandom(200_000)
    registry.add_blob("a/b", data)
    (tmp_path / "x").write_bytes(data[:100_000])

    def lie(request: Request) -> Response | None:
        if request.headers.get("range") is None:
            return None
        return Response(status, data, {"Content-Range": "bytes 0-199999/200000"})

    registry.rules.append(lie)
    fetch(connect(registries, registry.host), ref(registry), data, tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == data


def test_wrong_bytes_are_an_error_at_once(
    registry: Registry, registries: Registries, tmp_path: Path
) -> None:
    data = b"x" * 1000
    registry.blobs["a/b", digest(data)] = b"y" * 1000
    session = connect(registries, registry.host)
    with pytest.raises(RegistryFailure, match="verification failed for digest"):
        fetch(session, ref(registry), data, tmp_path / "x")
    assert len([r for r in registry.seen if "/blobs/" in r.path]) == 1


@pytest.mark.parametrize("length", [999, 1001])
def test_wrong_length_is_refused(
    registry: Registry, registries: Registries, tmp_path: Path, length: int
) -> None:
    data = b"x" * 1000
    registry.blobs["a/b", digest(data)] = b"x" * length
    with pytest.raises(RegistryFailure):
        fetch(connect(registries, registry.host), ref(registry), data, tmp_path / "x", attempts=2)


def test_stalled_blob_gives_up_after_its_attempts(
    registry: Registry, registries: Registries, tmp_path: Path
) -> None:
    data = os.urandom(1000)
    registry.add_blob("a/b", data)
    never = threading.Event()
    registry.rules.append(
        lambda r: Response(200, data, cut=10, stall=never) if "/blobs/" in r.path else None
    )
    session = connect(registries, registry.host)
    with pytest.raises(RegistryFailure, match="timeout|EOF"):
        fetch(session, ref(registry), data, tmp_path / "x", attempts=2)
    never.set()


def test_retry_after_is_honoured(
    registry: Registry, registries: Registries, tmp_path: Path
) -> None:
    data = os.urandom(1000)
    registry.add_blob("a/b", data)
    answers = [
        error(429, "TOOMANYREQUESTS", "slow down", {"Retry-After": "0"}),
        Response(503, b"", {"Retry-After": "0"}),
    ]
    registry.rules.append(lambda r: answers.pop(0) if "/blobs/" in r.path and answers else None)
    waits = fetch(connect(registries, registry.host), ref(registry), data, tmp_path / "x")
    assert waits == [0, 0]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7),
        ("99999", 3600),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
    ],
)
def test_retry_after_in_both_forms(text: str, seconds: float | None) -> None:
    assert from_response(503, "", b"", retry_after=text).retry_after == seconds


def test_retry_after_as_a_date_ahead() -> None:
    wait = from_response(429, "", b"", retry_after=formatdate(time.time() + 90)).retry_after
    assert wait is not None
    assert 80 < wait < 91


def test_a_busy_registry_is_asked_again(registry: Registry, registries: Registries) -> None:
    answers = [Response(503, b"", {"Retry-After": "0"}), Response(429, b"", {"Retry-After": "0"})]
    registry.rules.append(lambda r: answers.pop() if r.path == "/v2/" and answers else None)
    assert connect(registries, registry.host).endpoint.scheme == "http"
    assert answers == []


@pytest.mark.parametrize(
    "shown",
    [
        "bytes 100000-199999/300000",
        "bytes 100000-299999/*",
        "bytes 100000-199998/200001",
        "bytes 1-2/3",
        "100000-",
        "",
    ],
)
def test_a_range_that_does_not_fit_the_blob_is_refused(
    registry: Registry, registries: Registries, tmp_path: Path, shown: str
) -> None:
    data = os.urandom(200_000)
    registry.add_blob("a/b", data)
    (tmp_path / "x").write_bytes(data[:100_000])

    def lie(request: Request) -> Response | None:
        if request.headers.get("range") is None:
            return None
        return Response(206, os.urandom(100_000), {"Content-Range": shown})

    registry.rules.append(lie)
    fetch(connect(registries, registry.host), ref(registry), data, tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == data
    asked = [r.headers.get("range") for r in registry.seen if "/blobs/" in r.path]
    assert asked == ["bytes=100000-", None]  # its bytes were not even looked at


def test_a_shorter_range_than_asked_for_is_a_step(
    registry: Registry, registries: Registries, tmp_path: Path
) -> None:
    data = os.urandom(300_000)
    registry.add_blob("a/b", data)
    (tmp_path / "x").write_bytes(data[:100_000])

    def short(request: Request) -> Response | None:
        if request.headers.get("range") != "bytes=100000-":
            return None
        shown = {"Content-Range": "bytes 100000-199999/300000"}
        return Response(206, data[100_000:200_000], shown)

    registry.rules.append(short)
    fetch(connect(registries, registry.host), ref(registry), data, tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == data
    assert registry.sent == 200_000


def test_a_server_without_ranges_starts_over(
    registry: Registry, registries: Registries, tmp_path: Path
) -> None:
    data = os.urandom(200_000)
    registry.add_blob("a/b", data)
    cuts = [150_000]

    def whole(request: Request) -> Response | None:
        if "/blobs/" not in request.path:
            return None
        return Response(200, data, cut=cuts.pop() if cuts else None)

    registry.rules.append(whole)
    fetch(connect(registries, registry.host), ref(registry), data, tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == data
    assert registry.sent == 350_000


def test_too_many_requests_text(registry: Registry, registries: Registries) -> None:
    registry.rules.append(
        lambda r: error(429, "TOOMANYREQUESTS", "You have reached your pull rate limit.")
        if "/manifests/" in r.path
        else None
    )
    session = connect(registries, registry.host)
    with pytest.raises(RegistryFailure) as caught:
        retrying(lambda: manifests.get_manifest(session, ref(registry), "1"), attempts=1)
    assert caught.value.message == "toomanyrequests: You have reached your pull rate limit."


def test_server_error_text(registry: Registry, registries: Registries) -> None:
    registry.rules.append(lambda r: Response(500) if "/manifests/" in r.path else None)
    session = connect(registries, registry.host)
    with pytest.raises(RegistryFailure) as caught:
        manifests.get_manifest(session, ref(registry), "1")
    assert caught.value.message == "received unexpected HTTP status: 500 Internal Server Error"


def test_html_error_text(registry: Registry, registries: Registries) -> None:
    registry.rules.append(
        lambda r: Response(403, b"<html>no</html>") if "/manifests/" in r.path else None
    )
    with pytest.raises(RegistryFailure) as caught:
        manifests.get_manifest(connect(registries, registry.host), ref(registry), "1")
    assert caught.value.message == "denied: <html>no</html>"


def test_cancelled_download_stops(
    registry: Registry, registries: Registries, tmp_path: Path
) -> None:
    data = os.urandom(1000)
    registry.add_blob("a/b", data)
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(blobs.Cancelled):
        fetch(connect(registries, registry.host), ref(registry), data, tmp_path / "x",
              cancel=cancel)  # fmt: skip


def test_upload_mount_and_stream(registry: Registry, registries: Registries) -> None:
    session = connect(registries, registry.host)
    small = b"config"
    upload.send_bytes(session, ref(registry), digest_of(small), small)
    assert upload.blob_size(session, ref(registry), digest_of(small)) == len(small)
    other = ref(registry, "c/d")
    assert upload.mount_blob(session, other, digest_of(small), ref(registry)) == ""
    assert registry.blobs["c/d", digest(small)] == small
    big = os.urandom(100_000)
    location = upload.mount_blob(session, other, digest_of(big), ref(registry))
    upload.send_stream(
        session, other, [big[:50], big[50:]], lambda: digest_of(big), location=location
    )
    assert registry.blobs["c/d", digest(big)] == big


def test_upload_from_a_file(registry: Registry, registries: Registries, tmp_path: Path) -> None:
    data = os.urandom(700_000)
    (tmp_path / "x").write_bytes(data)
    steps: list[int] = []
    with open(tmp_path / "x", "rb") as file:
        upload.send_file(
            connect(registries, registry.host), ref(registry), digest_of(data), file.fileno(),
            cancel=threading.Event(), on_bytes=steps.append,
        )  # fmt: skip
    assert registry.blobs["a/b", digest(data)] == data
    assert steps[-1] == len(data)


def test_tags_are_paged(registries: Registries) -> None:
    with Registry(page=3) as registry:
        for n in range(10):
            registry.add_manifest("a/b", f"t{n}", b"{}")
        session = connect(registries, registry.host)
        assert list(tags.list_tags(session, ref(registry))) == [f"t{n}" for n in range(10)]
        assert len([r for r in registry.seen if "tags" in r.path]) == 4


def test_tag_pages_that_never_end(registry: Registry, registries: Registries) -> None:
    registry.rules.append(
        lambda r: Response(200, b'{"tags":["a"]}', {"Link": f'<{r.path}>; rel="next"'})
        if "tags" in r.path
        else None
    )
    session = connect(registries, registry.host)
    with pytest.raises(RegistryFailure, match="next page"):
        list(tags.list_tags(session, ref(registry)))


def test_mirror_comes_first_and_gets_no_credentials(registry: Registry) -> None:
    config = Config(registry_mirrors=(f"http://{registry.host}",))
    registries = Registries(config, transport=Transport(user_agent="t", environ={}))
    auth = {"username": "u", "password": "p"}
    session = next(iter(registries.sessions("docker.io", auth)))
    assert session.endpoint.host == registry.host
    assert not session.credentials
