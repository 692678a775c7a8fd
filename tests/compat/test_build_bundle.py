"""Several platforms, annotations and attestations: what a registry and an OCI layout get."""

from __future__ import annotations

import json
import struct
import subprocess
import tarfile
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from daemon import Daemon

pytestmark = pytest.mark.root
Json = dict[str, Any]
DOCKERFILE = """\
FROM --platform=$BUILDPLATFORM busybox AS make
ARG TARGETARCH
COPY <<status /o/var/lib/dpkg/status
Package: demo
Status: install ok installed
Version: 1.2-3
Architecture: $TARGETARCH
status
FROM scratch
COPY --from=make /o /
CMD ["x"]
"""


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE)
    return folder


class Layout:
    """An OCI layout in an archive."""

    def __init__(self, path: Path) -> None:
        with tarfile.open(path) as archive:
            files = [(m.name, archive.extractfile(m)) for m in archive if m.isreg()]
            self.files = {name: file.read() for name, file in files if file is not None}

    def blob(self, digest: str) -> Json:
        return self.read(f"blobs/sha256/{digest[7:]}")

    def read(self, name: str) -> Json:
        found: Json = json.loads(self.files[name])
        return found


def test_platforms_in_a_layout(orlopd: Daemon, context: Path, tmp_path: Path) -> None:
    wanted = ["--platform", "linux/amd64,linux/arm64/v8", "-t", "bundle:1",
              "--annotation", "a=1", "--annotation", "manifest[linux/arm64]:b=2",
              "--annotation", "index:c=3", "--annotation", "manifest-descriptor:d=4"]  # fmt: skip
    files = ["--metadata-file", f"{tmp_path}/meta", "--iidfile", f"{tmp_path}/iid"]
    orlopd.orlop("build", "-q", *wanted, *files, "-o", f"type=oci,dest={tmp_path}/a", str(context))
    layout = Layout(tmp_path / "a")
    (top,) = layout.read("index.json")["manifests"]
    assert top["annotations"]["io.containerd.image.name"] == "docker.io/library/bundle:1"
    index = layout.blob(top["digest"])
    assert index["annotations"] == {"c": "3"}
    assert [m["platform"]["architecture"] for m in index["manifests"]] == ["amd64", "arm64"]
    assert [m["annotations"] for m in index["manifests"]] == [{"d": "4"}] * 2
    manifests = [layout.blob(m["digest"]) for m in index["manifests"]]
    assert [m["annotations"] for m in manifests] == [{"a": "1"}, {"a": "1", "b": "2"}]
    configs = [layout.blob(m["config"]["digest"]) for m in manifests]
    assert [c["architecture"] for c in configs] == ["amd64", "arm64"]
    meta = json.loads((tmp_path / "meta").read_text())
    assert meta["containerimage.digest"] == top["digest"] == (tmp_path / "iid").read_text()
    assert meta["containerimage.descriptor"]["mediaType"] == index["mediaType"]
    other = f"type=oci,dest={tmp_path}/b"
    orlopd.orlop("build", "-q", *wanted, "--no-cache", "-o", other, str(context))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert orlopd.docker("images", "-q", "bundle").stdout == ""


def test_attestations_in_a_registry(
    orlopd: Daemon, context: Path, registry: str, tmp_path: Path
) -> None:
    name = f"{registry}/bundle:2"
    orlopd.orlop(
        "build", "-q", "--push", "-t", name, "--sbom=true", "--provenance=mode=max,builder-id=me",
        "--build-arg", "K=v", "--platform", "linux/amd64,linux/arm64", str(context),
    )  # fmt: skip

    def get(what: str, kind: str = "manifests") -> Json:
        accept = {"Accept": "application/vnd.oci.image.index.v1+json, "
                  "application/vnd.oci.image.manifest.v1+json"}  # fmt: skip
        request = urllib.request.Request(f"http://{registry}/v2/bundle/{kind}/{what}", None, accept)
        with urllib.request.urlopen(request, timeout=10) as answer:
            found: Json = json.loads(answer.read())
            return found

    images = get("2")["manifests"]
    assert [m["platform"]["os"] for m in images] == ["linux", "linux", "unknown", "unknown"]
    attested = images[2]
    assert attested["annotations"] == {
        "vnd.docker.reference.digest": images[0]["digest"],
        "vnd.docker.reference.type": "attestation-manifest",
    }
    manifest = get(attested["digest"])
    assert manifest["subject"]["digest"] == images[0]["digest"]
    statements = {}
    for layer in manifest["layers"]:
        found = get(layer["digest"], "blobs")
        statements[found["predicateType"]] = found
        assert found["predicateType"] == layer["annotations"]["in-toto.io/predicate-type"]
        assert found["subject"][0]["digest"]["sha256"] == images[0]["digest"][7:]
    bill = statements["https://spdx.dev/Document"]["predicate"]
    (package,) = bill["packages"][1:]
    assert (package["name"], package["versionInfo"]) == ("demo", "1.2-3")
    assert package["externalRefs"][0]["referenceLocator"] == "pkg:deb/debian/demo@1.2-3?arch=amd64"
    made = statements["https://slsa.dev/provenance/v0.2"]["predicate"]
    assert made["builder"]["id"] == "me"
    assert made["materials"][0]["uri"] == "pkg:docker/busybox@latest?platform=linux%2Famd64"
    assert made["invocation"]["parameters"]["args"] == {"build-arg:K": "v"}
    rows = json.loads(orlopd.orlop("artifact", "ls", "--format", "json",
                                   f"{registry}/bundle@{images[1]['digest']}").stdout
                      .splitlines()[0])  # fmt: skip
    assert "attestation" in json.dumps(rows)
    copied = subprocess.run(["skopeo", "copy", "--all", "--src-tls-verify=false", f"docker://{name}",
                             f"dir:{tmp_path}/copy"], capture_output=True, check=False)  # fmt: skip
    assert copied.returncode == 0, copied.stderr
    orlopd.docker("pull", "-q", name)
    orlopd.docker("rmi", name)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (
            ["--platform", "linux/amd64,linux/arm64"],
            "does not currently support exporting manifest",
        ),
        (["--platform", "linux/amd64,linux/arm64", "--load"], "does not currently support"),
        (["--sbom=true"], "attestations are not supported by the local image store"),
        (["--annotation", "a=b"], "annotations are not supported by the local image store"),
        (["--provenance=mode=all"], "invalid mode all: use min or max"),
        (["--attest", "type=x"], 'unknown attestation type "x"'),
        (["--annotation", "x:a=b", "-o", "type=oci,dest=/dev/null"], "unknown annotation type x"),
    ],
)
def test_what_cannot_be(orlopd: Daemon, context: Path, flags: list[str], said: str) -> None:
    failed = orlopd.orlop("build", *flags, str(context), check=False)
    assert (failed.returncode, said in failed.stderr) == (1, True), failed.stderr


def test_directories_of_several_platforms(orlopd: Daemon, context: Path, tmp_path: Path) -> None:
    orlopd.orlop("build", "-q", "--platform", "linux/amd64,linux/arm64", "-o", f"{tmp_path}/out",
                 str(context))  # fmt: skip
    for name in ("amd64", "arm64"):
        status = tmp_path / "out" / f"linux_{name}" / "var/lib/dpkg/status"
        assert f"Architecture: {name}\n" in status.read_text()


def test_a_program_of_another_machine(orlopd: Daemon, context: Path) -> None:
    elf = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHI", 2, 183, 1) + bytes(200)
    (context / "sh").write_bytes(elf)  # of an aarch64
    (context / "sh").chmod(0o755)
    (context / "Dockerfile").write_text("FROM scratch\nCOPY sh /bin/sh\nRUN x\n")
    failed = orlopd.orlop("build", "--platform", "linux/arm64", "--force-rm", str(context),
                          check=False)  # fmt: skip
    assert "exec format error" in failed.stderr
    assert "RUN needs binfmt_misc with qemu-user" in failed.stderr
