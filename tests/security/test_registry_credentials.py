"""Credentials are seen by the configured host and the realm it named, by nobody else."""

from __future__ import annotations

import base64
import contextlib
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from fakes.registry import Registry, Request, Response, error

from orlop.config import Config
from orlop.oci.digest import digest_of
from orlop.oci.reference import parse_normalized
from orlop.registry import manifests, tags, upload
from orlop.registry.client import Registries
from orlop.registry.credentials import Credentials, decode_header, from_auth
from orlop.registry.endpoints import Endpoint
from orlop.registry.failure import RegistryFailure
from orlop.registry.login import login
from orlop.registry.session import Session
from orlop.registry.tokens import check_realm
from orlop.registry.transport import Transport

AUTH = {"username": "canary-user", "password": "canary-secret"}
BASIC = "Basic " + base64.b64encode(b"canary-user:canary-secret").decode()
MANIFEST = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "size": 2,
                   "digest": digest_of(b"{}")},
        "layers": [],
    }
).encode()  # fmt: skip


@pytest.fixture
def home() -> Iterator[Registry]:
    """The configured registry: wants basic authentication."""
    with Registry() as made:
        made.add_manifest("a/b", "1", MANIFEST)
        made.rules.append(basic_wall)
        yield made


@pytest.fixture
def thief() -> Iterator[Registry]:
    """Any other host; it would love to be given something."""
    with Registry() as made:
        made.add_manifest("a/b", "1", MANIFEST)
        yield made


@pytest.fixture
def registries() -> Iterator[Registries]:
    made = Registries(Config(), transport=Transport(user_agent="t", environ={}))
    yield made
    made.close()


def basic_wall(request: Request) -> Response | None:
    if request.authorization == BASIC:
        return None
    return error(401, "UNAUTHORIZED", "authentication required",
                 {"WWW-Authenticate": 'Basic realm="test"'})  # fmt: skip


def get(registries: Registries, host: str) -> manifests.Fetched:
    session = next(iter(registries.sessions(host, AUTH)))
    return manifests.get_manifest(session, parse_normalized(f"{host}/a/b:1"), "1")


def assert_nothing_leaked(registry: Registry) -> None:
    for request in registry.seen:
        whole = repr((request.path, request.query, request.headers, request.body))
        assert not request.authorization
        assert "canary" not in whole
        assert BASIC[6:] not in whole


def test_basic_reaches_its_own_host(home: Registry, registries: Registries) -> None:
    assert get(registries, home.host).digest == digest_of(MANIFEST)
    assert home.seen[-1].authorization == BASIC


def test_a_redirect_bites_who_follows_it_with_all_headers(home: Registry, thief: Registry) -> None:
    home.rules.insert(0, lambda r: Response(302, b"", {"Location": f"http://{thief.host}/v2/"}))
    request = urllib.request.Request(f"http://{home.host}/v2/", headers={"Authorization": BASIC})
    with contextlib.suppress(urllib.error.URLError):
        urllib.request.urlopen(request).close()
    assert [seen.authorization for seen in thief.seen] == [BASIC]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_to_another_port(
    home: Registry, thief: Registry, registries: Registries, status: int
) -> None:
    def away(request: Request) -> Response | None:
        if "/manifests/" not in request.path:
            return None
        return Response(status, b"", {"Location": f"http://{thief.host}{request.path}"})

    home.rules.insert(0, away)
    assert get(registries, home.host).digest == digest_of(MANIFEST)
    assert thief.seen
    assert_nothing_leaked(thief)


def test_redirect_to_the_same_port_by_another_name(home: Registry, registries: Registries) -> None:
    """localhost is not 127.0.0.1: another host name, another trust."""
    port = home.host.rpartition(":")[2]
    home.rules.insert(
        0,
        lambda r: Response(307, b"", {"Location": f"http://localhost:{port}/v2/x"})
        if "/manifests/" in r.path
        else None,
    )
    with pytest.raises(RegistryFailure):
        get(registries, home.host)
    assert [r.authorization for r in home.seen if r.path == "/v2/x"] == [""]


def test_401_of_a_redirect_target_is_not_answered(
    home: Registry, thief: Registry, registries: Registries
) -> None:
    thief.rules.append(basic_wall)
    home.rules.insert(
        0,
        lambda r: Response(307, b"", {"Location": f"http://{thief.host}{r.path}"})
        if "/manifests/" in r.path
        else None,
    )
    with pytest.raises(RegistryFailure):
        get(registries, home.host)
    assert_nothing_leaked(thief)


def test_upload_location_on_another_host(
    home: Registry, thief: Registry, registries: Registries
) -> None:
    home.rules.insert(
        0,
        lambda r: Response(202, b"", {"Location": f"http://{thief.host}/v2/a/b/blobs/uploads/x"})
        if r.path.endswith("/uploads/")
        else None,
    )
    session = next(iter(registries.sessions(home.host, AUTH, push=True)))
    with pytest.raises(RegistryFailure):
        upload.send_bytes(session, parse_normalized(f"{home.host}/a/b"), digest_of(b"x"), b"x")
    assert thief.seen
    assert_nothing_leaked(thief)


def test_next_page_on_another_host(home: Registry, thief: Registry, registries: Registries) -> None:
    home.rules.append(
        lambda r: Response(200, b'{"tags":["t"]}',
                           {"Link": f'<http://{thief.host}/v2/a/b/tags/list?last=t>; rel="next"'})
        if "tags" in r.path
        else None
    )  # fmt: skip
    session = next(iter(registries.sessions(home.host, AUTH)))
    with pytest.raises(RegistryFailure, match="next page"):
        list(tags.list_tags(session, parse_normalized(f"{home.host}/a/b")))
    assert not thief.seen


# token authentication


def token_home(registry: Registry, realm: Callable[[], str]) -> None:
    def wall(request: Request) -> Response | None:
        if request.path == "/token" or request.authorization == "Bearer good":
            return None
        shown = f'Bearer realm="{realm()}",service="svc"'
        return error(401, "UNAUTHORIZED", "authentication required", {"WWW-Authenticate": shown})

    registry.rules[:] = [wall]


def token_server(registry: Registry) -> None:
    registry.rules.append(
        lambda r: Response(200, b'{"token":"good","expires_in":300}')
        if r.path == "/token"
        else None
    )


def test_token_with_scope_service_and_account(home: Registry, registries: Registries) -> None:
    token_home(home, lambda: f"http://{home.host}/token")
    token_server(home)
    get(registries, home.host)
    asked = [r for r in home.seen if r.path == "/token"]
    assert len(asked) == 1
    assert asked[0].query == {
        "service": ["svc"], "scope": ["repository:a/b:pull"], "account": ["canary-user"],
    }  # fmt: skip
    assert asked[0].authorization == BASIC
    get(registries, home.host)
    assert len([r for r in home.seen if r.path == "/token"]) == 1  # cached
    others = [r for r in home.seen if r.path != "/token"]
    assert all(BASIC not in r.authorization for r in others)


def test_token_is_fetched_again_when_it_dies_early(home: Registry, registries: Registries) -> None:
    token_home(home, lambda: f"http://{home.host}/token")
    token_server(home)
    session = next(iter(registries.sessions(home.host, AUTH)))
    key = session._key(("repository:a/b:pull",))
    registries.tokens.put(key, "stale", 300)
    found = manifests.get_manifest(session, parse_normalized(f"{home.host}/a/b:1"), "1")
    assert found.digest == digest_of(MANIFEST)
    assert len([r for r in home.seen if r.path == "/token"]) == 1


def test_identity_token_is_posted_not_shown(home: Registry, registries: Registries) -> None:
    token_home(home, lambda: f"http://{home.host}/token")
    home.rules.append(
        lambda r: Response(200, b'{"access_token":"good"}') if r.path == "/token" else None
    )
    session = next(iter(registries.sessions(home.host, {"identitytoken": "canary-refresh"})))
    manifests.get_manifest(session, parse_normalized(f"{home.host}/a/b:1"), "1")
    asked = next(r for r in home.seen if r.path == "/token")
    assert asked.method == "POST"
    assert parse_qs(asked.body.decode())["refresh_token"] == ["canary-refresh"]
    assert not asked.authorization
    assert all("canary" not in repr(r.headers) + r.path for r in home.seen)


def test_token_server_that_redirects_gets_no_second_hop(
    home: Registry, thief: Registry, registries: Registries
) -> None:
    token_home(home, lambda: f"http://{home.host}/token")
    home.rules.append(
        lambda r: Response(307, b"", {"Location": f"http://{thief.host}/token"})
        if r.path == "/token"
        else None
    )
    with pytest.raises(RegistryFailure, match="token server"):
        get(registries, home.host)
    assert not thief.seen


def test_realm_that_changes_is_not_followed(
    home: Registry, thief: Registry, registries: Registries
) -> None:
    realms = [f"http://{home.host}/token", f"http://{thief.host}/token"]
    token_home(home, lambda: realms.pop(0) if len(realms) > 1 else realms[0])
    home.rules.append(lambda r: Response(200, b'{"token":"bad"}') if r.path == "/token" else None)
    with pytest.raises(RegistryFailure):
        get(registries, home.host)
    assert not thief.seen


@pytest.mark.parametrize(
    "realm",
    ["http://evil.example/token", "ftp://x/", "file:///etc/passwd", "", "//x", "https://u:p@x/"],
)
def test_realms_a_tls_registry_may_not_name(realm: str) -> None:
    with pytest.raises(RegistryFailure):
        check_realm(Endpoint("https", "registry.example"), realm)


@pytest.mark.parametrize("location", ["http://x.example/v2/", "ftp://x/", "https://u:p@x/"])
def test_redirects_a_tls_registry_may_not_make(registries: Registries, location: str) -> None:
    endpoint = Endpoint("https", "registry.example")
    session = Session(registries.transport, registries.tokens, endpoint, from_auth(AUTH))
    with pytest.raises(RegistryFailure, match="refusing redirect"):
        session._redirected("https://registry.example/v2/x", location)


def test_proxy_sees_no_authorization_of_tls_hosts(home: Registry) -> None:
    """An https registry behind a proxy: the proxy is asked for a tunnel, nothing more."""
    environ = {"HTTPS_PROXY": f"http://{home.host}"}
    transport = Transport(user_agent="t", environ=environ)
    registries = Registries(Config(), transport=transport)
    with pytest.raises(RegistryFailure):
        next(iter(registries.sessions("registry.example", AUTH)))
    assert_nothing_leaked(home)


def test_netrc_is_never_read(
    home: Registry, registries: Registries, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("default login canary-user password canary-secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))
    session = next(iter(registries.sessions(home.host, None)))
    with pytest.raises(RegistryFailure, match="no basic auth credentials"):
        manifests.get_manifest(session, parse_normalized(f"{home.host}/a/b:1"), "1")
    assert_nothing_leaked(home)


def test_login(home: Registry, registries: Registries) -> None:
    good = login(registries, {**AUTH, "serveraddress": home.host})
    assert good == {"IdentityToken": "", "Status": "Login Succeeded"}
    with pytest.raises(Exception, match="failed with status: 401 Unauthorized") as bad:
        login(registries, {"username": "canary-user", "password": "x", "serveraddress": home.host})
    assert "canary" not in str(bad.value)


def test_credentials_do_not_show_themselves() -> None:
    secret = from_auth({**AUTH, "identitytoken": "canary-token", "registrytoken": "canary"})
    assert "canary" not in repr(secret) + str(secret) + f"{secret}"
    assert repr(Credentials()) == "Credentials(none)"


@pytest.mark.parametrize("header", ["%%%", "e30x", base64.b64encode(b"[]").decode(), "ew=="])
def test_bad_headers_are_refused_without_echo(header: str) -> None:
    with pytest.raises(Exception, match="invalid X-Registry-Auth header"):
        decode_header(header)


def test_good_headers() -> None:
    packed = base64.urlsafe_b64encode(json.dumps(AUTH).encode()).decode()
    assert decode_header(packed) == AUTH
    assert decode_header(packed.rstrip("=")) == AUTH
    assert decode_header("") == {}
    pair = base64.b64encode(b"canary-user:canary-secret").decode()
    assert from_auth({"auth": pair}).basic == BASIC
