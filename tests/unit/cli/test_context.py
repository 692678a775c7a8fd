"""`context`: the files are the Docker CLI's, the words too."""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

REPO = Path(__file__).parents[3]
PEM = b"-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"


class Home:
    def __init__(self, path: Path) -> None:
        self.path = path

    def orlop(
        self, *args: str, input: bytes = b"", **env: str
    ) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-I", "-S", str(REPO / "orlop/cli/entry.py"), *args],
            input=input, capture_output=True, cwd=self.path, check=False,
            env={"HOME": str(self.path), "DOCKER_CONFIG": str(self.path / "cfg"), **env},
        )  # fmt: skip

    def ok(self, *args: str, input: bytes = b"", **env: str) -> str:
        done = self.orlop(*args, input=input, **env)
        assert done.returncode == 0, done.stderr
        return done.stdout.decode()

    def fails(self, *args: str, input: bytes = b"", **env: str) -> str:
        done = self.orlop(*args, input=input, **env)
        assert done.returncode == 1, done
        return done.stderr.decode().strip()

    def meta(self, name: str) -> Path:
        key = hashlib.sha256(name.encode()).hexdigest()
        return self.path / "cfg/contexts/meta" / key / "meta.json"

    def tls(self, name: str) -> Path:
        key = hashlib.sha256(name.encode()).hexdigest()
        return self.path / "cfg/contexts/tls" / key / "docker"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    for name in ("ca", "cert", "key"):
        (tmp_path / f"{name}.pem").write_bytes(PEM)
    return Home(tmp_path)


def test_create_writes_dockers_files(home: Home) -> None:
    made = home.ok(
        "context", "create", "bb", "--description", "B", "--docker",
        "host=tcp://h:1,ca=ca.pem,cert=cert.pem,key=key.pem,skip-tls-verify=true",
    )  # fmt: skip
    assert made == "bb\n"
    assert home.meta("bb").read_text() == (
        '{"Name":"bb","Metadata":{"Description":"B"},'
        '"Endpoints":{"docker":{"Host":"tcp://h:1","SkipTLSVerify":true}}}'
    )
    assert sorted(os.listdir(home.tls("bb"))) == ["ca.pem", "cert.pem", "key.pem"]
    for path, mode in ((home.tls("bb"), 0o700), (home.tls("bb") / "key.pem", 0o600)):
        assert stat.S_IMODE(path.stat().st_mode) == mode


def test_chosen_context_is_used_and_docker_is_left_alone(home: Home) -> None:
    home.ok("context", "create", "aa", "--docker", f"host=unix://{home.path}/none.sock")
    assert home.ok("context", "show") == "default\n"
    home.ok("context", "use", "aa")
    assert home.ok("context", "show") == "aa\n"
    assert not (home.path / "cfg/config.json").exists()
    assert f"unix://{home.path}/none.sock" in home.fails("ps")
    assert "unix:///other.sock" in home.fails("ps", DOCKER_HOST="unix:///other.sock")
    assert "unix:///other.sock" in home.fails("-H", "unix:///other.sock", "ps")
    assert home.fails("context", "rm", "aa") == (
        'context "aa" is in use, set -f flag to force remove'
    )
    home.ok("context", "rm", "-f", "aa")
    assert home.ok("context", "show") == "default\n"


def test_current_context_of_docker_does_not_count(home: Home) -> None:
    home.ok("context", "create", "aa", "--docker", "host=unix:///docker-only.sock")
    (home.path / "cfg/config.json").write_text('{"currentContext":"aa"}')
    assert home.ok("context", "show") == "default\n"
    assert home.ok("context", "show", DOCKER_CONTEXT="aa") == "aa\n"
    assert "docker-only" in home.fails("ps", DOCKER_CONTEXT="aa")


def test_export_and_import(home: Home) -> None:
    home.ok("context", "create", "aa", "--docker", "host=tcp://h:1,ca=ca.pem")
    home.ok("context", "export", "aa")
    assert home.fails("context", "export", "aa") == "open aa.dockercontext: file exists"
    home.ok("context", "import", "bb", "aa.dockercontext")
    assert json.loads(home.meta("bb").read_text())["Name"] == "bb"
    assert (home.tls("bb") / "ca.pem").read_bytes() == PEM
    assert home.fails("context", "import", "bb", "aa.dockercontext") == (
        'context "bb" already exists'
    )


@pytest.mark.parametrize("name", ["../../evil", "/evil", "tls/../../evil"])
def test_import_of_foreign_names(home: Home, name: str) -> None:
    """Nothing of an archive is unpacked to a place that it names."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for member, data in (("meta.json", b'{"Endpoints":{}}'), (name, b"x")):
            info = tarfile.TarInfo(member)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    home.orlop("context", "import", "evil-1", "-", input=buffer.getvalue())
    found = [path.name for path in home.path.rglob("*") if "evil" in path.name]
    assert found == []


def test_import_of_a_link(home: Home) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        info = tarfile.TarInfo("meta.json")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(info)
    said = home.fails("context", "import", "ll", "-", input=buffer.getvalue())
    assert said == "meta.json: unexpected context file"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("create", "a"), 'context name "a" is invalid, names are validated against regexp '
         '"^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$"'),
        (("create", "default"), '"default" is a reserved context name'),
        (("create", "xx", "--docker", "foo=bar"),
         "unable to create docker endpoint config: unrecognized config key: foo"),
        (("create", "xx", "--docker", "host=x,ca=nosuch"),
         "unable to create docker endpoint config: open nosuch: no such file or directory"),
        (("create", "xx", "--from", "yy", "--docker", "host=x"),
         "cannot use --docker flag when --from is set"),
        (("rm", "nosuch"), 'context "nosuch" does not exist'),
        (("rm", "default"), 'context "default" cannot be removed'),
        (("import", "xx", "nosuch"), "open nosuch: no such file or directory"),
    ],
)  # fmt: skip
def test_refusals(home: Home, args: tuple[str, ...], said: str) -> None:
    assert home.fails("context", *args) == said


def test_inspect_and_ls(home: Home) -> None:
    home.ok("context", "create", "aa", "--docker", "host=tcp://h:1", "--description", "x y")
    assert home.ok("context", "inspect", "aa", "-f", "{{.Endpoints.docker.Host}}") == "tcp://h:1\n"
    (found,) = json.loads(home.ok("context", "inspect", "aa"))
    assert found["Storage"]["MetadataPath"] == str(home.meta("aa").parent)
    assert home.ok("context", "ls", "-q") == "aa\ndefault\n"
    assert home.ok("context", "ls", "--format", "{{.Name}} {{.Description}}").startswith("aa x y\n")
    assert "default *" in home.ok("context", "ls")
