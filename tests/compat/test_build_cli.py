# ruff: noqa: E501
"""The docker CLI and orlop's own building on this daemon: words, files, exit codes."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from daemon import Daemon

pytestmark = pytest.mark.root

# As dockerd 28.5.2 prints it, IDs masked. It makes a container for every setting and names it;
# here only programs get one, so those lines are left out.
CLASSIC = """\
Step 1/8 : FROM busybox
 ---> ID
Step 2/8 : ARG FOO=1
 ---> ID
Step 3/8 : ENV A=b    C=d
 ---> ID
Step 4/8 : RUN echo hello $A
 ---> Running in ID
hello b
 ---> Removed intermediate container ID
 ---> ID
Step 5/8 : WORKDIR /w
 ---> ID
Step 6/8 : COPY a.txt .
 ---> ID
Step 7/8 : CMD a b
 ---> ID
Step 8/8 : LABEL x=y
 ---> ID
[Warning] One or more build-args [UNK] were not consumed
Successfully built ID
Successfully tagged classic:1
"""
DOCKERFILE = (
    "FROM busybox\nARG FOO=1\nENV A=b \\\n   C=d\nRUN echo hello $A\nWORKDIR /w\nCOPY a.txt .\n"
    "CMD a b\n"
)


@pytest.fixture
def context(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "a.txt").write_text("a\n")
    (folder / "Dockerfile").write_text(DOCKERFILE)
    return folder


def docker(daemon: Daemon, *words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        ["docker", *words],
        input=stdin,
        capture_output=True,
        env={**os.environ, **daemon.environment, "DOCKER_BUILDKIT": "0"},
        check=False,
    )
    out = re.sub(r"\b[0-9a-f]{12}\b", "ID", done.stdout.decode().replace("\r", ""))
    lines = [x for x in out.split("\n") if x and not x.startswith("Sending build context")]
    return subprocess.CompletedProcess(
        words, done.returncode, "".join(f"{line}\n" for line in lines), done.stderr.decode()
    )


def test_the_words_of_the_classic_builder(orlopd: Daemon, context: Path) -> None:
    flags = ["--build-arg", "FOO=2", "--build-arg", "UNK=1", "--label", "x=y", "-t", "classic:1"]
    found = docker(orlopd, "build", "--no-cache", *flags, str(context))
    assert found.stdout == CLASSIC
    again = docker(orlopd, "build", *flags, str(context))
    assert again.stdout.count(" ---> Using cache\n") == 7


@pytest.mark.parametrize(
    ("text", "message", "code"),
    [
        ("FROM busybox\nRUN false\n", "The command '/bin/sh -c false' returned a non-zero code: 1", 1),
        ("FROM busybox\nRUN exit 9\n", "returned a non-zero code: 9", 9),
        ("FROM busybox\nCOPY nope /\n", "COPY failed: file not found in build context or excluded "
         "by .dockerignore: stat nope: file does not exist", 1),
        ("FROM busybox\nADD ../x /\n", "ADD failed: forbidden path outside the build context: ../x ()", 1),
        ("FORM busybox\n", "Error response from daemon: dockerfile parse error on line 1: unknown "
         "instruction: FORM (did you mean FROM?)", 1),
        ("FROM busybox\nCOPY a.txt a.txt /z\n", "When using COPY with more than one source file, the "
         "destination must be a directory and end with a /", 1),
        ("FROM busybox\nRUN [\"nope\"]\n", 'exec: "nope": executable file not found in $PATH', 1),
        ("FROM busybox\nCOPY --from=3 a b\n", "invalid from flag value 3: index out of bounds", 1),
    ],
)  # fmt: skip
def test_what_is_said_of_failures(
    orlopd: Daemon, context: Path, text: str, message: str, code: int
) -> None:
    (context / "Dockerfile").write_text(text)
    found = docker(orlopd, "build", "--force-rm", str(context))
    assert message in found.stderr
    assert found.returncode == code


def test_dockerfiles_from_elsewhere(orlopd: Daemon, context: Path, tmp_path: Path) -> None:
    alone = docker(orlopd, "build", "-q", "-", stdin=b"FROM busybox\nRUN echo alone > /a\n")
    assert alone.stdout.startswith("sha256:")
    other = tmp_path / "Other"
    other.write_text("FROM busybox\nCOPY . /all/\nRUN ls /all > /list\n")
    ids = {
        docker(orlopd, "build", "-q", "-f", str(other), str(context)).stdout,
        docker(orlopd, "build", "-q", "-f", "-", str(context), stdin=other.read_bytes()).stdout,
    }
    assert len(ids) == 1  # its random name on the way is no content
    own = orlopd.orlop("build", "-q", "-f", str(other), str(context)).stdout
    assert own == ids.pop()


def test_our_own_command(orlopd: Daemon, context: Path, tmp_path: Path) -> None:
    iid, metadata = tmp_path / "iid", tmp_path / "metadata"
    found = orlopd.orlop(
        "build", "--progress=plain", "--iidfile", str(iid), "--metadata-file", str(metadata),
        "-t", "own:1", str(context),
    )  # fmt: skip
    assert "#1 [1/4] FROM busybox\n" not in found.stderr  # settings count as steps, too
    assert re.search(r"^#2 \[4/7\] RUN echo hello \$A$", found.stderr, re.MULTILINE)
    image = iid.read_text()
    said = json.loads(metadata.read_text())
    assert said["containerimage.config.digest"] == said["containerimage.digest"] == image
    assert said["image.name"] == "docker.io/library/own:1"
    material = said["buildx.build.provenance"]["materials"][0]
    assert material["uri"] == "pkg:docker/busybox@latest?platform=linux%2Famd64"
    shown = json.loads(orlopd.docker("image", "inspect", "own:1").stdout)
    assert shown[0]["Id"] == image
    again = orlopd.orlop("build", "--progress=plain", str(context))
    assert again.stderr.count("CACHED") >= 3
    lines = orlopd.orlop("build", "--progress=rawjson", str(context)).stderr.splitlines()
    documents = [json.loads(line) for line in lines]
    assert any(document.get("vertexes") for document in documents)
    known = {"vertexes", "statuses", "logs", "warnings"}
    assert all(document and set(document) <= known for document in documents)


def test_outputs(orlopd: Daemon, context: Path, tmp_path: Path) -> None:
    (context / "Dockerfile").write_text("FROM scratch\nCOPY a.txt /d/a\nCOPY a.txt /b\n")
    orlopd.orlop(
        "build", "-q", "-o", f"type=local,dest={tmp_path}/out", "-o", f"type=tar,dest={tmp_path}/t",
        "-o", f"type=oci,dest={tmp_path}/oci", str(context),
    )  # fmt: skip
    names = sorted(str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*"))
    assert names == ["b", "d", "d/a"]
    with tarfile.open(tmp_path / "t") as archive:
        assert sorted(m.name for m in archive) == ["b", "d", "d/a"]
    with tarfile.open(tmp_path / "oci") as archive:
        assert "index.json" in archive.getnames()


def test_secrets_explain_verify_check_and_debug(orlopd: Daemon, context: Path) -> None:
    (context / "secret").write_text("s3")
    (context / ".dockerignore").write_text("secret\n")
    (context / "Dockerfile").write_text(
        "FROM busybox\nRUN --mount=type=secret,id=s wc -c < /run/secrets/s\nCOPY a.txt /\n"
    )
    secret = f"id=s,src={context}/secret"
    orlopd.orlop("build", "-q", "-t", "ex:1", "--secret", secret, str(context))
    (context / "a.txt").write_text("b\n")
    found = orlopd.orlop(
        "build", "--progress=plain", "--explain", "-t", "ex:1", "--secret", secret, str(context)
    )
    assert "cache hit: same instruction, same inputs" in found.stderr
    assert re.search(r"cache miss: file changed: a\.txt", found.stderr)
    good = orlopd.orlop("build", "--verify", "--secret", secret, str(context))
    assert "Verified: both builds have the same digest" in good.stderr
    (context / "Dockerfile").write_text("FROM busybox\nRUN head -c 9 /dev/urandom > /r\n")
    bad = orlopd.orlop("build", "--verify", str(context), check=False)
    assert bad.returncode == 1
    assert "/r has other content" in bad.stderr
    (context / "Dockerfile").write_text("FROM busybox\nCMD a\n")
    lint = orlopd.orlop("build", "--check", str(context), check=False)
    assert (lint.returncode, "WARNING: JSONArgsRecommended" in lint.stdout) == (1, True)
    (context / "Dockerfile").write_text("FROM busybox\nENV E=1\nRUN echo state > /s; exit 5\n")
    failed = orlopd.orlop("build", str(context), check=False)
    step = re.search(r"orlop build debug ([0-9a-f]{12})", failed.stderr)
    assert step
    state = orlopd.orlop("build", "debug", step[1], "sh", "-c", "cat /s; echo $E")
    assert state.stdout == "state\n1\n"
    orlopd.docker("rm", step[1])


def test_prune_lets_the_cache_go(own_orlopd: Daemon, context: Path) -> None:
    daemon = own_orlopd
    daemon.orlop("build", "-q", "-t", "p:1", str(context))
    daemon.docker("rmi", "p:1")
    assert "CACHED" in daemon.orlop("build", "--progress=plain", str(context)).stderr
    found = daemon.orlop("builder", "prune", "-f")
    assert "Deleted build cache objects:" in found.stdout
    again = daemon.orlop("build", "--progress=plain", str(context))
    assert "CACHED" not in again.stderr


def test_named_contexts(orlopd: Daemon, context: Path, tmp_path: Path) -> None:
    extra = tmp_path / "extra"
    extra.mkdir()
    (extra / "x").write_text("extra\n")
    (extra / "left-out").write_text("")
    (extra / ".dockerignore").write_text("left-out\n")
    (context / "Dockerfile").write_text(
        "FROM given\nCOPY --from=extra . /e/\nCOPY a.txt /\nRUN ls -A / /e > /list\n"
    )
    layout = tmp_path / "layout"
    layout.mkdir()
    orlopd.orlop("build", "-q", "-o", f"type=oci,dest={tmp_path}/l.tar", "-", input="FROM busybox")
    with tarfile.open(tmp_path / "l.tar") as archive:
        archive.extraction_filter = lambda member, _: member
        archive.extractall(layout)
    for given in ("docker-image://busybox", f"oci-layout://{layout}"):
        found = orlopd.orlop(
            "build", "-q", "--build-context", f"given={given}",
            "--build-context", f"extra={extra}", str(context),
        )  # fmt: skip
        listed = orlopd.docker("run", "--rm", found.stdout.strip(), "cat", "/list", "/e/x")
        assert listed.stdout.endswith("/e:\n.dockerignore\nx\nextra\n")
        assert ".context" not in listed.stdout
    for flag, said in (("x", "expected key=value"), ("x=/nope", "path /nope not found")):
        failed = orlopd.orlop("build", "--build-context", flag, str(context), check=False)
        assert said in failed.stderr


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ({"secrets": []}, "secrets"), ({"secrets": {"a": "!"}}, "secrets.a"),
        ({"ssh": {"default": 1}}, "ssh"), ({"noCacheFilter": "a"}, "noCacheFilter"),
        ({"contexts": {"a": None}}, "contexts"), ({"explain": "yes"}, "explain"),
    ],
)  # fmt: skip
def test_a_header_of_other_types_is_refused(
    orlopd: Daemon, header: dict[str, object], field: str
) -> None:
    text = base64.urlsafe_b64encode(json.dumps(header).encode()).decode()
    with closing(orlopd.http()) as http:
        http.request("POST", "/build", b"", {"X-Orlop-Build": text})
        answer = http.getresponse()
        message = json.loads(answer.read())["message"]
    assert answer.status == 400
    assert message.startswith(f"invalid x-orlop-build header: {field} must be ")


def test_what_the_cache_takes_is_told_and_given_back(own_orlopd: Daemon, context: Path) -> None:
    docker = own_orlopd.docker
    row = ("system", "df", "--format", "{{.Type}} {{.TotalCount}} {{.Size}} {{.Reclaimable}}")
    assert "Build Cache 0 0B 0B" in docker(*row).stdout
    (context / "Dockerfile").write_text("FROM busybox\nRUN head -c 3000000 /dev/zero > /a\n")
    docker("build", "-q", "-t", "cached:1", ".", cwd=context)
    assert "Build Cache 1 0B 0B" in docker(*row).stdout  # the image's own, shared
    docker("rmi", "cached:1")
    assert "Build Cache 1 3MB 3MB" in docker(*row).stdout
    rows = docker("system", "df", "-v", "--format", "{{json .BuildCache}}").stdout
    (told,) = json.loads(rows)
    assert (told["CacheType"], told["Shared"], told["InUse"]) == ("regular", "false", "false")
    docker("builder", "prune", "-af")
    assert "Build Cache 0 0B 0B" in docker(*row).stdout


def test_a_large_context_is_sent_once(orlopd: Daemon, tmp_path: Path) -> None:
    """As the archive of another client: the same image. A change that keeps size and time counts."""
    folder = tmp_path / "many"
    (folder / "d").mkdir(parents=True)
    for number in range(80):
        (folder / "d" / f"f{number}").write_text(f"{number:03}")
    (folder / "hard").hardlink_to(folder / "d" / "f7")
    (folder / "link").symlink_to("d/f1")
    (folder / ".dockerignore").write_text("d/f2*\n!d/f22\n")
    other = tmp_path / "other"
    other.mkdir()
    (other / "o").write_text("other\n")
    text = "FROM busybox\nCOPY . /c\nCOPY --from=extra o /o\n"
    words = ("build", "-q", "--build-context", f"extra={other}", "-f-", str(folder))
    first = orlopd.orlop(*words, input=text).stdout.strip()
    assert orlopd.orlop(*words, input=text).stdout.strip() == first
    before = (folder / "d" / "f1").stat()
    (folder / "d" / "f1").write_text("xyz")
    os.utime(folder / "d" / "f1", ns=(before.st_atime_ns, before.st_mtime_ns))
    (folder / "d" / "f3").unlink()
    second = orlopd.orlop(*words, input=text).stdout.strip()
    out = orlopd.docker(
        "run",
        "--rm",
        second,
        "sh",
        "-c",
        "cd /c; cat link hard /o; ls d | wc -l; ls d/f22 d/f3",
        check=False,
    )
    assert out.stdout == "xyz007other\n69\nd/f22\n"
    (folder / "Dockerfile").write_text("FROM busybox\nCOPY . /c\n")
    ours = orlopd.orlop("build", "-q", str(folder)).stdout.strip()
    archive = subprocess.run(
        ["tar", "-C", folder, "-c", "."], capture_output=True, check=True
    ).stdout
    assert docker(orlopd, "build", "-q", "-", stdin=archive).stdout.strip() == ours


def test_what_was_sent_is_not_awaited_again(orlopd: Daemon) -> None:
    names = [f"f{number:02}" for number in range(60)]
    index = b"f 644 0 0 0 28 s1 - Dockerfile\0"
    index += b"".join(f"f 644 0 0 0 3 {name} - {name}\0".encode() for name in names)
    text = b"FROM scratch\nCOPY . /\n# 60 of"
    body = b"".join(
        len(data).to_bytes(8, "big") + data for data in (text, *(n.encode() for n in names))
    )
    images = set()
    with closing(orlopd.http()) as http:
        third = (3).to_bytes(8, "big") + b"f02"
        for awaited, sent in (([[0, 60]], body), ([], b""), ([[3, 3]], third)):
            told = index if awaited != [[3, 3]] else index.replace(b"3 f02 -", b"3 new -")
            http.request("POST", "/orlop/build/context?place=again", told)
            found = json.loads(http.getresponse().read())
            assert found["Awaited"] == awaited
            ours = base64.urlsafe_b64encode(json.dumps({"offered": found["Context"]}).encode())
            http.request("POST", "/build?q=1", sent, {"X-Orlop-Build": ours.decode()})
            answer = http.getresponse()
            data = answer.read()
            assert answer.status == 200, data
            images.add(json.loads(data)["stream"].strip())
    assert len(images) == 1  # the same bytes, whichever way they came


def test_what_is_offered_must_come(orlopd: Daemon) -> None:
    """A body that ends early, a context nobody offered, an index that is none."""
    record = b"f 644 0 0 0 3 s - Dockerfile\0"
    with closing(orlopd.http()) as http:
        http.request("POST", "/orlop/build/context?place=p", b"nonsense\0")
        answer = http.getresponse()
        assert (answer.status, b"invalid record" in answer.read()) == (400, True)
        for body, status in (
            (b"\0" * 7, 500),
            ((23).to_bytes(8, "big") + b"FROM scratch\nLABEL a=b\n", 200),
        ):
            http.request("POST", "/orlop/build/context?place=p", record)
            found = json.loads(http.getresponse().read())
            assert found["Awaited"] == [[0, 0]]
            told = base64.urlsafe_b64encode(json.dumps({"offered": found["Context"]}).encode())
            for again in (False, True):
                http.request("POST", "/build", body, {"X-Orlop-Build": told.decode()})
                answer = http.getresponse()
                data = answer.read()
                if again:
                    assert (answer.status, b"no such context" in data) == (404, True)
                else:
                    assert answer.status == status, data


@pytest.mark.parametrize("files", [1, 60])
def test_the_ignore_file_beside_a_dockerfile_outside(
    orlopd: Daemon, context: Path, files: int
) -> None:
    """BuildKit's way; the context's own ignore file is not asked then. Sixty files go by an index."""
    for number in range(files):
        (context / f"{number}.log").write_text(f"{files} {number}\n")
    (context / ".dockerignore").write_text("a.txt\n")
    outside = context.parent / "Other"
    outside.write_text("FROM busybox\nCOPY . /ctx/\nRUN ls -A /ctx > /names\n")
    (context.parent / "Other.dockerignore").write_text("*.log\nDockerfile\n")
    orlopd.orlop("build", "-t", "outside:1", "-f", str(outside), str(context))
    shown = orlopd.docker("run", "--rm", "outside:1", "cat", "/names").stdout
    assert shown == ".dockerignore\na.txt\n"
