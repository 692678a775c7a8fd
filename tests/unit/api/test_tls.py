"""A server's certificate files that are none, in dockerd's words."""

import shutil
from pathlib import Path

import pytest
from fakes import pems

from orlop.api.tls import context
from orlop.errors import InvalidArgument

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pems.make(tmp_path_factory.mktemp("pem"))


@pytest.mark.parametrize(
    ("cert", "key", "why"),
    [
        ("none.pem", "one-key.pem", "open {}/none.pem: no such file or directory"),
        ("one.pem", "none.pem", "open {}/none.pem: no such file or directory"),
        ("one.pem", "two-key.pem", "tls: private key does not match public key"),
        ("one.pem", "locked-key.pem", "tls: failed to parse private key"),
        (
            "junk.pem",
            "one-key.pem",
            "tls: failed to find a certificate and its private key in them",
        ),
    ],
)
def test_what_is_wrong_with_the_pair(files: Path, cert: str, key: str, why: str) -> None:
    cert, key = f"{files}/{cert}", f"{files}/{key}"
    with pytest.raises(InvalidArgument) as error:
        context(cert, key, "", verify=False)
    assert error.value.message == (
        f'could not load X509 key pair (cert: "{cert}", key: "{key}"): {why.format(files)}'
    )


@pytest.mark.parametrize(
    ("authority", "why"),
    [
        ("none.pem", "open {}/none.pem: no such file or directory"),
        ("junk.pem", "no certificate in it"),
    ],
)
def test_what_is_wrong_with_the_authority(files: Path, authority: str, why: str) -> None:
    path = f"{files}/{authority}"
    with pytest.raises(InvalidArgument) as error:
        context(f"{files}/one.pem", f"{files}/one-key.pem", path, verify=True)
    assert error.value.message == f'could not read CA certificate "{path}": {why.format(files)}'


def test_right_files(files: Path) -> None:
    assert context(f"{files}/one.pem", f"{files}/one-key.pem", f"{files}/two.pem", verify=True)
