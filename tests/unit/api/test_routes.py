from __future__ import annotations

import pytest
from harness import Client, Served, error

from orlop.api import routes, versions
from orlop.api.router import split_version
from orlop.api.versions import answers
from orlop.errors import InvalidArgument

# Every operation of the Engine API 1.50 (method, path)
OPERATIONS = """
GET /containers/json|POST /containers/create|GET /containers/a/json|GET /containers/a/top
GET /containers/a/logs|GET /containers/a/changes|GET /containers/a/export|GET /containers/a/stats
POST /containers/a/resize|POST /containers/a/start|POST /containers/a/stop
POST /containers/a/restart|POST /containers/a/kill|POST /containers/a/update
POST /containers/a/rename|POST /containers/a/pause|POST /containers/a/unpause
POST /containers/a/attach|GET /containers/a/attach/ws|POST /containers/a/wait
DELETE /containers/a|HEAD /containers/a/archive|GET /containers/a/archive
PUT /containers/a/archive|POST /containers/prune|GET /images/json|POST /build|POST /build/prune
POST /images/create|GET /images/a/json|GET /images/a/history|POST /images/a/push
POST /images/a/tag|DELETE /images/a|GET /images/search|POST /images/prune|POST /auth|GET /info
GET /version|GET /_ping|HEAD /_ping|POST /commit|GET /events|GET /system/df|GET /images/a/get
GET /images/get|POST /images/load|POST /containers/a/exec|POST /exec/a/start
POST /exec/a/resize|GET /exec/a/json|GET /volumes|POST /volumes/create|GET /volumes/a
PUT /volumes/a|DELETE /volumes/a|POST /volumes/prune|GET /networks|GET /networks/a
DELETE /networks/a|POST /networks/create|POST /networks/a/connect|POST /networks/a/disconnect
POST /networks/prune|GET /plugins|GET /plugins/privileges|POST /plugins/pull
GET /plugins/a/json|DELETE /plugins/a|POST /plugins/a/enable|POST /plugins/a/disable
POST /plugins/a/upgrade|POST /plugins/create|POST /plugins/a/push|POST /plugins/a/set
GET /nodes|GET /nodes/a|DELETE /nodes/a|POST /nodes/a/update|GET /swarm|POST /swarm/init
POST /swarm/join|POST /swarm/leave|POST /swarm/update|GET /swarm/unlockkey|POST /swarm/unlock
GET /services|POST /services/create|GET /services/a|DELETE /services/a|POST /services/a/update
GET /services/a/logs|GET /tasks|GET /tasks/a|GET /tasks/a/logs|GET /secrets
POST /secrets/create|GET /secrets/a|DELETE /secrets/a|POST /secrets/a/update|GET /configs
POST /configs/create|GET /configs/a|DELETE /configs/a|POST /configs/a/update
GET /distribution/a/json|POST /session
"""


@pytest.mark.parametrize(
    "operation",
    [o.strip() for line in OPERATIONS.split("\n") for o in line.split("|") if o.strip()],
)
def test_every_operation_is_routed(operation: str) -> None:
    method, path = operation.split()
    assert routes.build().find(method, path) is not None


def test_every_handler_exists() -> None:
    for _, _, name in routes.ROUTES:
        assert callable(routes.resolve(name)), name


@pytest.mark.parametrize(
    ("method", "path", "parameters"),
    [
        ("GET", "/images/host:5000/a/b:tag/json", {"name": "host:5000/a/b:tag"}),
        ("GET", "/images/json/json", {"name": "json"}),
        ("POST", "/images/get/push", {"name": "get"}),
        ("GET", "/distribution/a/b@sha256:00/json", {"name": "a/b@sha256:00"}),
        ("GET", "/orlop/tags/host:5000/a/b", {"name": "host:5000/a/b"}),
        ("DELETE", "/containers/a", {"id": "a"}),
    ],
)
def test_names_with_slashes(method: str, path: str, parameters: dict[str, str]) -> None:
    found = routes.build().find(method, path)
    assert found is not None
    assert found[1] == parameters


def test_versions_in_paths() -> None:
    assert split_version("/v1.43/info") == ("1.43", "/info")
    assert split_version("/info") == ("", "/info")
    assert split_version("/volumes") == ("", "/volumes")
    assert split_version("/v1.24") == ("", "/v1.24")


def test_version_window() -> None:
    assert versions.parse("") == versions.CURRENT == (1, 50)
    assert versions.parse("1.24") == (1, 24)
    with pytest.raises(InvalidArgument) as found:
        versions.parse("1.99")
    assert found.value.message == (
        "client version 1.99 is too new. Maximum supported API version is 1.50"
    )
    with pytest.raises(InvalidArgument) as found:
        versions.parse("1.10")
    assert found.value.message == (
        "client version 1.10 is too old. Minimum supported API version is 1.24, "
        "please upgrade your client to a newer version"
    )


def test_downgrades() -> None:
    row = {"RepoTags": [], "RepoDigests": [], "Size": 5}
    assert answers.shape("image summary", dict(row), (1, 50)) == row
    old = answers.shape("image summary", dict(row), (1, 42))
    assert old["VirtualSize"] == 5
    assert old["RepoTags"] == ["<none>:<none>"]
    assert answers.is_shaped("image summary", (1, 43))
    assert not answers.is_shaped("image summary", (1, 44))


def test_pages(client: Client) -> None:
    for method, path in (("GET", "/nosuch"), ("PUT", "/info"), ("GET", "/"), ("GET", "/v1.50")):
        status, headers, body = client.request(f"{method} {path}")
        assert (status, error(body)) == (404, "page not found")
        assert headers["content-type"] == "application/json"


def test_unclean_paths_are_redirected(client: Client) -> None:
    status, headers, _ = client.request("GET /v1.50//containers/../_ping?a=b")
    assert (status, headers["location"]) == (301, "/v1.50/_ping?a=b")


def test_swarm_and_plugins_answer_as_docker(client: Client) -> None:
    status, _, body = client.request("GET /v1.50/nodes")
    assert status == 503
    assert error(body).startswith("This node is not a swarm manager.")
    assert client.request("GET /plugins")[2] == b"[]\n"
    status, _, body = client.request("GET /plugins/a/b/json")
    assert (status, error(body)) == (404, 'plugin "a/b" not found')
    for path in ("/session", "/grpc"):
        status, _, body = client.request(f"POST {path}")
        assert (status, error(body)) == (400, "no upgrade proto in request")


def test_tcp_keeps_web_pages_out(tmp_path) -> None:  # type: ignore[no-untyped-def]
    from harness import served

    with served(tmp_path / "t", local=False) as api, api.connect() as sock:
        client = Client(sock)
        assert client.request("GET /_ping", Origin="http://evil.example")[0] == 403
        assert client.request("GET /_ping", Sec_Fetch_Site="cross-site")[0] == 403
        status, headers, _ = client.request("GET /_ping")  # Host: d
        assert status == 403
        assert not [h for h in headers if h.startswith("access-control")]
        for host in (b"localhost", b"127.0.0.1:2375", b"[::1]:2375"):
            sock.sendall(b"GET /_ping HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")
            assert client.answer()[0] == 200
        for host in (b"evil.example", b"127.0.0.1.evil.example", b"localhost.evil.example:2375"):
            sock.sendall(b"GET /_ping HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")
            assert client.answer()[0] == 403


def test_unix_socket_does_not_ask_where_a_request_comes_from(api: Served, client: Client) -> None:
    assert client.request("GET /_ping", Origin="http://x")[0] == 200
