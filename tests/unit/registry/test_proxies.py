from __future__ import annotations

import pytest
from fakes.registry import Registry, Response

from orlop.config import Config
from orlop.registry import proxies
from orlop.registry.client import Registries
from orlop.registry.proxies import proxy_for

PROXY = "http://proxy:3128"


@pytest.mark.parametrize(
    ("no_proxy", "host", "used"),
    [
        ("", "a.example", True),
        ("a.example", "a.example", False),
        ("example", "a.example", False),
        (".example", "example", True),
        (".example", "a.example", False),
        ("*", "a.example", False),
        ("b.example, a.example", "a.example", False),
        ("10.0.0.0/8", "10.1.2.3", False),
        ("10.0.0.0/8", "11.1.2.3", True),
        ("a.example:444", "a.example", True),
        ("a.example:443", "a.example", False),
        ("", "127.0.0.1", False),
        ("", "localhost", False),
    ],
)
def test_go_s_rules(no_proxy: str, host: str, used: bool) -> None:
    environ = {"HTTPS_PROXY": PROXY, "NO_PROXY": no_proxy}
    assert proxy_for("https", host, 443, environ) == (PROXY if used else "")


def test_configuration_before_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://wrong:1")
    monkeypatch.setenv("HTTPS_PROXY", "http://kept:1")
    found = proxies.environment(Config(http_proxy=PROXY))
    assert (found["HTTP_PROXY"], found["HTTPS_PROXY"]) == (PROXY, "http://kept:1")


def test_plain_requests_go_through_the_configured_proxy() -> None:
    """The proxy sees the registry's absolute address, and its own credentials only."""
    with Registry() as proxy:
        proxy.rules.append(lambda r: Response(200, b"{}"))
        registries = Registries(
            Config(
                http_proxy=f"http://user:word@{proxy.host}",
                https_proxy=f"http://{proxy.host}",
                insecure_registries=("registry.example",),
            )
        )
        opened = next(iter(registries.sessions("registry.example", None)))
        assert opened.endpoint.scheme == "http"
        asked = [r for r in proxy.seen if r.method == "GET"]
        assert [r.path for r in asked] == ["/v2/"]
        assert asked[0].headers["host"] == "registry.example"
        assert asked[0].headers["proxy-authorization"].startswith("Basic ")
        assert not asked[0].authorization
        registries.close()
