"""Files of --tlscacert, --tlscert and --tlskey that are none, in the docker CLI's words."""

import shutil
from pathlib import Path

import pytest
from fakes import pems

from orlop.client.certificates import context
from orlop.errors import InvalidArgument

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pems.make(tmp_path_factory.mktemp("pem"))


@pytest.mark.parametrize(
    ("ca", "cert", "key", "said"),
    [
        ("nosuch", "", "", "open {}/nosuch: no such file or directory"),
        (".", "", "", "read {}/.: is a directory"),
        ("junk.pem", "", "", "failed to retrieve context tls info: ca.pem seems invalid"),
        ("one-key.pem", "", "", "failed to retrieve context tls info: ca.pem seems invalid"),
        ("one.pem", "nosuch", "", "open {}/nosuch: no such file or directory"),
        ("one.pem", "", "nosuch", "open {}/nosuch: no such file or directory"),
        ("one.pem", "one.pem", "junk.pem", "no valid private key found"),
        (
            "one.pem", "junk.pem", "one-key.pem",
            "failed to retrieve context tls info: tls: failed to find any PEM data in "
            "certificate input",
        ),
        (
            "one.pem", "one-key.pem", "one-key.pem",
            "failed to retrieve context tls info: tls: failed to find certificate PEM data in "
            "certificate input, but did find a private key; PEM inputs may have been switched",
        ),
        (
            "one.pem", "one.pem", "one.pem",
            "failed to retrieve context tls info: tls: found a certificate rather than a key in "
            "the PEM for the private key",
        ),
        (
            "one.pem", "one.pem", "two-key.pem",
            "failed to retrieve context tls info: tls: private key does not match public key",
        ),
        (
            "one.pem", "one.pem", "locked-key.pem",
            "failed to retrieve context tls info: tls: failed to parse private key",
        ),
    ],
)  # fmt: skip
def test_wrong_files_are_named_before_anybody_is_dialled(
    files: Path, ca: str, cert: str, key: str, said: str
) -> None:
    given = {
        name: f"{files}/{value}"
        for name, value in (("tlscacert", ca), ("tlscert", cert), ("tlskey", key))
        if value
    }
    with pytest.raises(InvalidArgument) as error:
        context("/nonexistent", given, True)
    assert error.value.message == said.format(files)


def test_right_files_are_taken(files: Path) -> None:
    given = {"tlscacert": f"{files}/one.pem"}
    assert context("/nonexistent", given, True).get_ca_certs()
    pair = {"tlscert": f"{files}/two.pem", "tlskey": f"{files}/two-key.pem"}
    assert context("/nonexistent", {**given, **pair}, False)
