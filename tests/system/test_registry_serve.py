"""`orlop registry serve` with real clients: skopeo, the docker CLI's daemon, another orlop."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from daemon import Daemon
from serving import serving

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def here() -> Iterator[Daemon]:
    made = Daemon("--iptables=false", name="serve").start()
    made.orlop("bootstrap", "busybox")
    yield made
    made.close()


@pytest.fixture
def there() -> Iterator[Daemon]:
    made = Daemon("--iptables=false", name="puller").start()
    yield made
    made.close()


def skopeo(*args: str) -> subprocess.CompletedProcess[str]:
    found = shutil.which("skopeo")
    assert found, "skopeo is one of the tools of the tests"
    command = [found, "--insecure-policy", *args]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done


def layers_of(daemon: Daemon, name: str) -> list[str]:
    shown = json.loads(daemon.docker("image", "inspect", name).stdout)
    found: list[str] = shown[0]["RootFS"]["Layers"]
    return found


def test_one_orlop_pulls_from_another(here: Daemon, there: Daemon) -> None:
    with serving(here) as host:
        there.orlop("pull", f"{host}/busybox")
        assert layers_of(there, f"{host}/busybox") == layers_of(here, "busybox")
        there.docker("tag", f"{host}/busybox", f"{host}/copied:2")
        pushed = there.docker("push", f"{host}/copied:2").stdout
        assert "Layer already exists" in pushed
        assert layers_of(here, "copied:2") == layers_of(here, "busybox")
        listed = there.orlop("tags", f"{host}/copied").stdout
        assert listed == "2\n"
        ran = here.docker("run", "--rm", "--net=none", "copied:2", "echo", "works").stdout
        assert ran == "works\n"


def test_it_ends_with_the_command(here: Daemon, there: Daemon) -> None:
    with serving(here) as host:
        there.orlop("pull", "-q", f"{host}/busybox")
    failed = there.orlop("pull", f"{host}/busybox:other", check=False)
    assert "connection refused" in failed.stderr


def test_skopeo_copies_from_and_to(here: Daemon, tmp_path: Path) -> None:
    with serving(here) as host:
        plain = "--src-tls-verify=false"
        skopeo("copy", plain, f"docker://{host}/busybox", f"oci:{tmp_path}/layout:x")
        skopeo(
            "copy", "--dest-tls-verify=false", f"oci:{tmp_path}/layout:x", f"docker://{host}/oci:1"
        )
        assert layers_of(here, "oci:1") == layers_of(here, "busybox")
        shown = json.loads(skopeo("inspect", "--tls-verify=false", f"docker://{host}/oci:1").stdout)
        assert shown["Layers"]
        assert shown["RepoTags"] == ["1"]
        skopeo(
            "copy", plain, "--dest-decompress", f"docker://{host}/oci:1", f"dir:{tmp_path}/plain"
        )
        flags = ["--dest-tls-verify=false", "--format=v2s2"]
        skopeo("copy", *flags, f"dir:{tmp_path}/plain", f"docker://{host}/again:1")
        assert layers_of(here, "again:1") == layers_of(here, "busybox")
        skopeo("delete", "--tls-verify=false", f"docker://{host}/again:1")
        assert here.docker("image", "inspect", "again:1", check=False).returncode == 1


def test_artifacts_from_the_command_line(here: Daemon, there: Daemon, tmp_path: Path) -> None:
    with serving(here) as host:
        there.orlop("pull", "-q", f"{host}/busybox")
        (tmp_path / "sbom.json").write_text('{"bom": 1}')
        attach = ["artifact", "attach", "-t", "test/sbom", "-a", "by=me", f"{host}/busybox"]
        digest = there.orlop(*attach, str(tmp_path / "sbom.json")).stdout.strip()
        listed = there.orlop("artifact", "ls", f"{host}/busybox").stdout.splitlines()
        assert listed[0].split() == ["DIGEST", "TYPE", "SIZE", "CREATED"]
        assert listed[1].split()[:2] == [digest[:19], "test/sbom"]
        assert there.orlop("artifact", "ls", "-q", f"{host}/busybox").stdout == digest + "\n"
        by_template = ["artifact", "ls", "--format", "{{.Type}} {{.Size}}", f"{host}/busybox"]
        assert there.orlop(*by_template).stdout.startswith("test/sbom ")
        fetch = ["artifact", "fetch", "-o", str(tmp_path / "out"), f"{host}/busybox@{digest}"]
        assert there.orlop(*fetch, check=False).returncode == 1  # no such directory
        (tmp_path / "out").mkdir()
        assert there.orlop(*fetch).stdout == "sbom.json\n"
        assert (tmp_path / "out/sbom.json").read_text() == '{"bom": 1}'
        assert "file exists" in there.orlop(*fetch, check=False).stderr
        path = f"/orlop/manifests/{host}/multi:1/push"
        body = json.dumps({"Manifests": [{"Ref": f"{host}/busybox"}]})
        made = subprocess.run(
            [
                "curl", "-sf", "--unix-socket", str(there.socket), f"http://d{path}",
                "-H", "Content-Type: application/json", "-d", body,
            ],
            capture_output=True, check=True,
        )  # fmt: skip
        assert json.loads(made.stdout)["Digest"].startswith("sha256:")
        assert layers_of(here, "multi:1") == layers_of(here, "busybox")


def test_with_tls_and_passwords(here: Daemon, tmp_path: Path) -> None:
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-days", "2", "-keyout", "key", "-out", "cert", "-subj", "/CN=registry",
            "-addext", "subjectAltName=IP:127.0.0.1",
        ],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    (tmp_path / "users").write_text(
        "me:$2y$05$abcdefghijklmnopqrstuuhKF09ZYWwH2zP/0fwE1X8e/Q1YNx/hO\n"
    )
    shutil.copy(tmp_path / "cert", tmp_path / "ca.crt")
    flags = [f"--tlscert={tmp_path}/cert", f"--tlskey={tmp_path}/key", f"--auth={tmp_path}/users"]
    with serving(here, *flags) as host:
        known = f"--src-cert-dir={tmp_path}"
        target = f"dir:{tmp_path}/out"
        with pytest.raises(AssertionError, match="authentication required|unauthorized"):
            skopeo("copy", known, f"docker://{host}/busybox", target)
        with pytest.raises(AssertionError, match="certificate"):
            skopeo("copy", "--src-creds=me:x", f"docker://{host}/busybox", target)
        skopeo("copy", known, "--src-creds=me:x", f"docker://{host}/busybox", target)


def test_what_it_refuses(here: Daemon, tmp_path: Path) -> None:
    def serve(*flags: str) -> str:
        done = here.orlop("registry", "serve", *flags, check=False, timeout=20)
        assert done.returncode == 1
        return done.stderr

    assert "may replace images" in serve("--addr=0.0.0.0:0")
    (tmp_path / "users").write_text("me:$2y$05$abcdefghijklmnopqrstuuhKF09ZYWwH2zP/0fwE1X8e\n")
    assert "in the clear" in serve("--addr=0.0.0.0:0", f"--auth={tmp_path}/users")
    assert "no such file" in serve(f"--auth={tmp_path}/none")
    assert "go together" in serve(f"--tlscert={tmp_path}/cert")
    # it was taken without a word, and asked nobody for a certificate
    assert "--tlsclientca needs --tlscert" in serve(f"--tlsclientca={tmp_path}/users")
    assert "could not load" in serve(f"--tlscert={tmp_path}/no", f"--tlskey={tmp_path}/no")
    with serving(here) as host:
        assert "address already in use" in serve(f"--addr={host}")
