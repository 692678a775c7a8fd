"""buildx, and docker and compose through it, on our socket."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from buildclients import SUITES, Client, steady
from daemon import Daemon

pytestmark = pytest.mark.root

# As dockerd 28.5.2 tells it, less the order of steps that go on side by side.
STEPS = """\
#1 [internal] load build definition from Dockerfile
#1 transferring dockerfile: SIZE done
#1 DONE

#2 [internal] load metadata for docker.io/library/busybox:latest
#2 DONE

#3 [internal] load .dockerignore
#3 transferring context: SIZE done
#3 DONE
"""
EXPORT = """\
exporting layers done
writing image DIGEST done
naming to docker.io/library/{name} done
"""


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "a.txt").write_text("a\n")
    (folder / "b.md").write_text("b\n")
    (folder / ".dockerignore").write_text("*.md\n")
    write(folder, "FROM busybox\nRUN echo hi > /hi\nCOPY . /ctx/\n")
    return folder


def write(folder: Path, text: str) -> None:
    (folder / "Dockerfile").write_text(text)


@pytest.fixture(params=SUITES)
def client(request: pytest.FixtureRequest, orlopd: Daemon, tmp_path: Path) -> Client:
    return Client(orlopd, request.param, tmp_path)


def test_three_steps(client: Client, context: Path) -> None:
    name = f"three:{client.suite}"
    told = steady(client.build("-t", name, "--no-cache", str(context)).stderr)
    assert STEPS in told
    for line in (
        "[internal] load build context", "[1/3] FROM docker.io/library/busybox:latest",
        "[2/3] RUN echo hi > /hi", "[3/3] COPY . /ctx/", "exporting to image",
    ):  # fmt: skip
        assert line in told
    for line in EXPORT.format(name=name).splitlines():
        assert line in told
    shown = client("run", "--rm", name, "sh", "-c", "cat /hi; ls -A /ctx").stdout
    assert shown == "hi\n.dockerignore\nDockerfile\na.txt\n"
    again = steady(client.build(str(context)).stderr)
    assert again.count(" CACHED\n") == 2


def test_it_is_the_image_of_the_classic_builder(client: Client, context: Path) -> None:
    client.build("-t", "same:1", str(context))
    mine = client("image", "inspect", "-f", "{{.Id}}", "same:1").stdout
    assert client.daemon.orlop("build", "-q", str(context)).stdout == mine


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        (
            "FROM busybox\nRUN echo out; false\n",
            [
                "#5 TIME out\n",
                '#5 ERROR: process "/bin/sh -c echo out; false" did not complete successfully: '
                "exit code: 1\n------\n > [2/2] RUN echo out; false:\nTIME out\n------\n"
                "Dockerfile:2\n--------------------\n   1 |     FROM busybox\n"
                "   2 | >>> RUN echo out; false\n   3 |     \n--------------------\nERROR: ",
                'failed to solve: process "/bin/sh -c echo out; false" did not complete '
                "successfully: exit code: 1\n",
            ],
        ),
        (
            "FROM busybox\nCOPY nope /x\n",
            ["failed to solve: failed to compute cache key: failed to calculate checksum of ref",
             '"/nope": not found\n', "   2 | >>> COPY nope /x\n"],
        ),
        (
            "FROM busybox\nRUM x\n",
            ["Dockerfile:2\n", "   2 | >>> RUM x\n", "failed to solve: dockerfile parse error on "
             "line 2: unknown instruction: RUM (did you mean RUN?)\n"],
        ),
        ("FROM a AS b\nFROM b AS c\nCOPY --from=c x /\n", ["failed to solve: "]),
    ],
)  # fmt: skip
def test_what_is_said_of_failures(
    client: Client, context: Path, text: str, messages: list[str]
) -> None:
    write(context, text)
    found = client.build("--no-cache", str(context), check=False)
    assert found.returncode == 1
    for message in messages:
        assert message in steady(found.stderr)


def test_a_dockerfile_that_is_not_there(client: Client, context: Path) -> None:
    found = client.build("-f", str(context / "Nope"), str(context), check=False)
    assert "no such file or directory" in found.stderr


def test_files_about_the_outcome(client: Client, context: Path, tmp_path: Path) -> None:
    iid, metadata = tmp_path / "iid", tmp_path / "metadata"
    client.build("-t", "files:1", "--iidfile", str(iid), "--metadata-file", str(metadata),
                 str(context))  # fmt: skip
    image = client("image", "inspect", "-f", "{{.Id}}", "files:1").stdout.strip()
    assert iid.read_text() == image
    found = json.loads(metadata.read_text())
    assert found["containerimage.config.digest"] == image
    assert found["image.name"] == "docker.io/library/files:1"


def test_docker_build_takes_the_plugin(client: Client, context: Path) -> None:
    found = client("build", "--progress=plain", "-t", "plugin:1", str(context))
    assert "[internal] load build definition from Dockerfile" in found.stderr
    assert client("build", "-q", str(context)).stdout.startswith("sha256:")


def test_compose(client: Client, context: Path, tmp_path: Path) -> None:
    project = tmp_path / f"project{client.suite}"
    project.mkdir()
    (project / "compose.yaml").write_text(
        "services:\n"
        f"  one:\n    build: {{context: {context}, args: {{A: arg}}, target: last}}\n"
        f"  two:\n    build: {{context: {context}, dockerfile_inline: 'FROM busybox'}}\n"
        "    command: echo two\n"
    )
    write(
        context,
        "FROM busybox AS first\nRUN false\n"
        "FROM busybox AS last\nARG A\nRUN echo $A >/x\nCMD cat /x\n",
    )
    client("compose", "--progress=plain", "build", cwd=project)
    assert client("compose", "run", "--rm", "one", cwd=project).stdout == "arg\n"
    up = client("compose", "up", "--no-log-prefix", "--build", "--abort-on-container-exit", "two",
                cwd=project)  # fmt: skip
    assert "two\n" in up.stdout
    client("compose", "down", "-t", "0", "--rmi", "all", cwd=project)
