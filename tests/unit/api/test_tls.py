"""A server's certificate files that are none, in dockerd's words."""

import shutil
import subprocess
from pathlib import Path

import pytest

from orlop.api.tls import context
from orlop.errors import InvalidArgument

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pem")
    for name in ("one", "two"):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}-key", "-out", name,
             "-days", "2", "-subj", f"/CN={name}"],
            cwd=folder, check=True, capture_output=True,
        )  # fmt: skip
    subprocess.run(
        ["openssl", "pkcs8", "-topk8", "-in", "one-key", "-out", "locked", "-passout", "pass:x"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    (folder / "junk").write_text("junk")
    return folder


@pytest.mark.parametrize(
    ("cert", "key", "why"),
    [
        ("none", "one-key", "open {}/none: no such file or directory"),
        ("one", "none", "open {}/none: no such file or directory"),
        ("one", "two-key", "tls: private key does not match public key"),
        ("one", "locked", "tls: failed to parse private key"),
        ("junk", "one-key", "tls: failed to find a certificate and its private key in them"),
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
    [("none", "open {}/none: no such file or directory"), ("junk", "no certificate in it")],
)
def test_what_is_wrong_with_the_authority(files: Path, authority: str, why: str) -> None:
    path = f"{files}/{authority}"
    with pytest.raises(InvalidArgument) as error:
        context(f"{files}/one", f"{files}/one-key", path, verify=True)
    assert error.value.message == f'could not read CA certificate "{path}": {why.format(files)}'


def test_right_files(files: Path) -> None:
    assert context(f"{files}/one", f"{files}/one-key", f"{files}/two", verify=True)
