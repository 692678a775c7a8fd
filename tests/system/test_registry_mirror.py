"""`orlop registry serve --proxy`: a pull-through mirror."""

from __future__ import annotations

import http.client
import json
import os
import signal
from collections.abc import Iterator

import pytest
from daemon import Daemon
from fakes.images import document, gz, layer_tar
from fakes.registry import Registry, Request, Response, error
from serving import serving

pytestmark = [pytest.mark.root, pytest.mark.timeout(120)]


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    made = Daemon("--iptables=false", name="mirror").start()
    yield made
    made.close()


@pytest.fixture
def upstream() -> Iterator[Registry]:
    with Registry() as made:
        layers = [layer_tar({f"f{n}": os.urandom(200_000)}) for n in range(3)]
        made.add_image("team/app", "1", [gz(layer) for layer in layers], document(layers))
        yield made


def ask(
    host: str, path: str, method: str = "GET", headers: dict[str, str] | None = None
) -> tuple[int, bytes]:
    call = http.client.HTTPConnection(host, timeout=30)
    call.request(method, path, headers=headers or {})
    answer = call.getresponse()
    data = answer.read()
    call.close()
    return answer.status, data


def forget(daemon: Daemon, host: str) -> None:
    daemon.docker("rmi", f"{host}/team/app:1")


def test_what_was_asked_for_once_is_served_without_upstream(
    daemon: Daemon, upstream: Registry
) -> None:
    with serving(daemon, "-q", f"--proxy=http://{upstream.host}") as host:
        daemon.docker("pull", "-q", f"{host}/team/app:1")
        sent = upstream.sent
        forget(daemon, host)
        daemon.docker("pull", "-q", f"{host}/team/app:1")
        assert upstream.sent == sent  # the tag was asked for again, no blob was
        upstream.rules.append(lambda request: Response(503))
        forget(daemon, host)
        daemon.docker("pull", "-q", f"{host}/team/app:1")
        status, _ = ask(host, "/v2/team/app/manifests/2")
        assert status == 503
    # another run of the command, another daemon: the same
    daemon.process.send_signal(signal.SIGTERM)  # type: ignore[union-attr]
    daemon.process.wait(timeout=20)  # type: ignore[union-attr]
    daemon.start()
    with serving(daemon, "-q", f"--proxy=http://{upstream.host}") as host:
        daemon.docker("pull", "-q", f"{host}/team/app:1")
        daemon.docker("image", "prune", "-af")
        status, _ = ask(host, "/v2/team/app/manifests/1")
        assert status == 503  # a cache: nothing of it is left
    assert os.listdir(daemon.data_root / "orlop/blobs/sha256") == []
    assert not (daemon.data_root / "orlop/mirror.json").exists()


def test_a_tag_that_moves(daemon: Daemon, upstream: Registry) -> None:
    with serving(daemon, "-q", f"--proxy=http://{upstream.host}") as host:
        before = ask(host, "/v2/team/app/manifests/1")
        layer = layer_tar({"new": b"x"})
        upstream.add_image("team/app", "1", [gz(layer)], document([layer]))
        after = ask(host, "/v2/team/app/manifests/1")
        assert before[0] == after[0] == 200
        assert before != after
        assert after[1] == upstream.manifests["team/app", "1"][1]


def test_credentials_of_clients_go_nowhere(daemon: Daemon, upstream: Registry) -> None:
    """And those of the mirror's owner go upstream only."""
    daemon.orlop("login", "-u", "me", "-p", "owner-secret", upstream.host)
    upstream.seen.clear()

    def guarded(request: Request) -> Response | None:
        if request.authorization:
            return None
        answer = error(401, "UNAUTHORIZED", "authentication required")
        answer.headers["WWW-Authenticate"] = 'Basic realm="x"'
        return answer

    upstream.rules.append(guarded)
    with serving(daemon, "-q", f"--proxy=http://{upstream.host}") as host:
        mine = {"Authorization": "Basic Y2xpZW50OnNlY3JldA==", "Cookie": "client=secret"}
        status, raw = ask(host, "/v2/team/app/manifests/1", headers=mine)
        assert status == 200
        layer = json.loads(raw)["layers"][0]["digest"]
        status, data = ask(host, f"/v2/team/app/blobs/{layer}", headers=mine)
        assert (status, data) == (200, upstream.blobs["team/app", layer])
    shown = {request.authorization for request in upstream.seen} - {""}
    assert shown == {"Basic bWU6b3duZXItc2VjcmV0"}
    assert all("cookie" not in request.headers for request in upstream.seen)
    refused = daemon.orlop(
        "registry", "serve", "--addr=0.0.0.0:0", f"--proxy=http://{upstream.host}", check=False
    )
    assert "read what your credentials may" in refused.stderr


def test_what_a_mirror_refuses(daemon: Daemon, upstream: Registry) -> None:
    (blob,) = [d for name, d in upstream.blobs if upstream.blobs[name, d][:1] == b"{"]
    with serving(daemon, "-q", f"--proxy=http://{upstream.host}") as host:
        assert ask(host, "/v2/team/app/blobs/uploads/", "POST")[0] == 405
        assert ask(host, "/v2/team/app/manifests/1", "DELETE")[0] == 405
        assert ask(host, "/v2/team/app/manifests/..%2Fx")[0] in (400, 404, 405)
        assert ask(host, "/v2/team/app/blobs/sha256:x")[0] == 400
        assert ask(host, f"/v2/team/app/blobs/sha256:{'0' * 64}")[0] == 404
        assert ask(host, "/v2/team/none/manifests/1")[0] == 404
        assert ask(host, f"/v2/team/app/blobs/{blob}")[0] == 200
        # kept for one repository is not kept for all
        assert ask(host, f"/v2/other/app/blobs/{blob}")[0] == 404
        ranged = ask(host, f"/v2/team/app/blobs/{blob}", headers={"Range": "bytes=1-3"})
        assert ranged == (206, upstream.blobs["team/app", blob][1:4])
    wrong = daemon.orlop("registry", "serve", "--proxy=ftp://x", check=False)
    assert "is not the URL of a registry" in wrong.stderr


def test_a_lying_upstream(daemon: Daemon, upstream: Registry) -> None:
    """A blob with other bytes is not kept and not served."""
    name, blob = next((n, d) for n, d in upstream.blobs if len(upstream.blobs[n, d]) > 1000)
    whole = upstream.blobs[name, blob]
    upstream.blobs[name, blob] = whole[:-1] + bytes([whole[-1] ^ 1])
    with serving(daemon, "-q", f"--proxy=http://{upstream.host}") as host:
        assert ask(host, "/v2/team/app/manifests/1")[0] == 200
        assert ask(host, f"/v2/team/app/blobs/{blob}")[0] == 404
        upstream.blobs[name, blob] = whole
        assert ask(host, f"/v2/team/app/blobs/{blob}") == (200, whole)
