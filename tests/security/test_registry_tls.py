"""No downgrade: a secure registry is reached over verified TLS 1.2 or not at all."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import urllib.request
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.registry import Registry

from orlop.config import Config
from orlop.registry.client import Registries
from orlop.registry.credentials import Credentials
from orlop.registry.endpoints import Endpoint, endpoints, is_insecure
from orlop.registry.failure import RegistryFailure
from orlop.registry.session import Session
from orlop.registry.transport import Transport

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")


def openssl(*args: str, cwd: Path) -> None:
    subprocess.run(["openssl", *args], cwd=cwd, check=True, capture_output=True)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ca.crt; good, wrong-name and expired certificates signed by it."""
    folder = tmp_path_factory.mktemp("keys")
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.crt",
            "-subj", "/CN=test ca", "-days", "2", cwd=folder)  # fmt: skip
    for name, host, days in (("good", "localhost", 2), ("other", "other.example", 2),
                             ("expired", "localhost", -1)):  # fmt: skip
        (folder / "ext").write_text(f"subjectAltName=DNS:{host}\n")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key",
                "-out", f"{name}.csr", "-subj", f"/CN={host}", cwd=folder)  # fmt: skip
        if days > 0:
            openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
                    "-CAcreateserial", "-extfile", "ext", "-out", f"{name}.crt",
                    "-days", str(days), cwd=folder)  # fmt: skip
        else:
            (folder / "index.txt").write_text("")
            (folder / "ca.conf").write_text(
                "[ca]\ndefault_ca=d\n[d]\nnew_certs_dir=.\ndatabase=index.txt\nrand_serial=yes\n"
                "default_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n"
            )
            openssl("ca", "-batch", "-notext", "-config", "ca.conf", "-in", f"{name}.csr",
                    "-cert", "ca.crt", "-keyfile", "ca.key", "-extfile", "ext",
                    "-out", f"{name}.crt", "-startdate", "20200101000000Z",
                    "-enddate", "20200102000000Z", cwd=folder)  # fmt: skip
    return folder


def server(keys: Path, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(keys / f"{name}.crt", keys / f"{name}.key")
    return context


@pytest.fixture
def trusting(keys: Path, tmp_path: Path) -> Iterator[Registries]:
    """Trusts the test CA for every localhost port that is asked for (see `trust`)."""
    transport = Transport(user_agent="t", environ={}, certs=tmp_path)
    made = Registries(Config(), transport=transport)
    yield made
    made.close()


def session_for(registries: Registries, host: str) -> Session:
    """A session that checks certificates, as for a host that is not loopback."""
    return registries.session(Endpoint("https", host), Credentials("u", "p"))


def trust(keys: Path, tmp_path: Path, host: str) -> None:
    folder = tmp_path / host
    folder.mkdir()
    shutil.copy(keys / "ca.crt", folder / "ca.crt")


def test_trusted_certificate(keys: Path, tmp_path: Path, trusting: Registries) -> None:
    with Registry(context=server(keys, "good")) as registry:
        host = registry.host.replace("127.0.0.1", "localhost")
        trust(keys, tmp_path, host)
        session_for(trusting, host).ping()
        assert registry.seen


@pytest.mark.parametrize("name", ["other", "expired"])
def test_bad_certificates_bite_who_does_not_look(keys: Path, name: str) -> None:
    lax = ssl.create_default_context()
    lax.check_hostname, lax.verify_mode = False, ssl.CERT_NONE
    with (
        Registry(context=server(keys, name)) as registry,
        urllib.request.urlopen(f"https://{registry.host}/v2/", context=lax) as answer,
    ):
        assert answer.status == 200


@pytest.mark.parametrize(
    ("name", "known", "text"),
    [
        ("good", False, "x509: certificate signed by unknown authority"),
        ("other", True, "x509: certificate is not valid for localhost"),
        ("expired", True, "x509: certificate has expired or is not yet valid"),
    ],
)
def test_bad_certificates(
    keys: Path, tmp_path: Path, trusting: Registries, name: str, known: bool, text: str
) -> None:
    with Registry(context=server(keys, name)) as registry:
        host = registry.host.replace("127.0.0.1", "localhost")
        if known:
            trust(keys, tmp_path, host)
        with pytest.raises(RegistryFailure) as caught:
            session_for(trusting, host).ping()
        assert caught.value.message == (
            f'Get "https://{host}/v2/": tls: failed to verify certificate: {text}'
        )
        assert not registry.seen


def test_old_tls_is_refused(keys: Path, tmp_path: Path, trusting: Registries) -> None:
    context = server(keys, "good")
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with Registry(context=context) as registry:
        host = registry.host.replace("127.0.0.1", "localhost")
        trust(keys, tmp_path, host)
        with pytest.raises(RegistryFailure, match="protocol version not supported"):
            session_for(trusting, host).ping()
        assert not registry.seen


def test_plain_http_is_not_a_way_out(trusting: Registries) -> None:
    with Registry() as registry:
        with pytest.raises(RegistryFailure) as caught:
            session_for(trusting, registry.host).ping()
        assert caught.value.message.endswith("http: server gave HTTP response to HTTPS client")
        assert not registry.seen


@pytest.mark.parametrize(
    ("host", "insecure"),
    [
        ("127.0.0.1:5000", True), ("127.9.9.9", True), ("localhost:5000", True),
        ("[::1]:5000", True),
        ("LOCALHOST", True), ("registry.example", False), ("10.0.0.1:5000", False),
        ("localhost.example", False), ("127.0.0.1.example", False), ("docker.io", False),
    ],
)  # fmt: skip
def test_what_is_insecure_by_itself(host: str, insecure: bool) -> None:
    assert is_insecure(Config(), host) is insecure
    schemes = [e.scheme for e in endpoints(Config(), host)]
    assert schemes == (["https", "http"] if insecure else ["https"])


def test_configured_insecure_registries() -> None:
    config = Config(insecure_registries=("10.1.0.0/16", "registry.example:5000"))
    assert is_insecure(config, "10.1.2.3:80")
    assert is_insecure(config, "registry.example:5000")
    assert not is_insecure(config, "registry.example")
    assert not is_insecure(config, "10.2.0.1")
