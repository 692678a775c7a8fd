"""buildx, and docker and compose through it, on our socket."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from buildclients import SUITES, Client, steady, write
from daemon import Daemon, with_busybox

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


@pytest.fixture(scope="module")
def orlopd() -> Iterator[Daemon]:
    """One of these tests' own: their images, some busybox itself by other names, are in nobody's
    way."""
    with with_busybox(Daemon(name="buildx")) as made:
        yield made


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


def test_files_that_did_not_change_are_not_sent_again(client: Client, context: Path) -> None:
    for number in range(60):
        (context / str(number)).write_text(f"{client.suite} {number}\n" * 1000)
    first = sent(client.build("-t", "again:1", str(context)).stderr)
    assert sent(client.build(str(context)).stderr) < first / 50
    changed = (context / "7").stat()
    (context / "7").write_text("changed\n")
    os.utime(context / "7", ns=(changed.st_atime_ns, changed.st_mtime_ns))  # its size tells
    (context / "8").unlink()
    assert sent(client.build("-t", "again:2", str(context)).stderr) < first / 50
    shown = client("run", "--rm", "again:2", "sh", "-c", "cat /ctx/7; ls /ctx | wc -l").stdout
    assert shown == "changed\n61\n"
    mine = client("image", "inspect", "-f", "{{.Id}}", "again:2").stdout
    assert client.daemon.orlop("build", "-q", str(context)).stdout == mine


def test_hard_links_of_the_context(client: Client, context: Path) -> None:
    (context / "one").write_text(f"{client.suite}\n" * 30_000)
    (context / "two").hardlink_to(context / "one")
    write(context, "FROM busybox\nCOPY . /c\nRUN cmp /c/one /c/two && wc -l </c/two >/n\n")
    client.build("-t", "links:1", str(context))
    assert client("run", "--rm", "links:1", "cat", "/n").stdout == "30000\n"


def test_triggers_of_a_base_get_the_context(client: Client, context: Path) -> None:
    write(context, "FROM busybox\nONBUILD COPY a.txt /from-context\n")
    client.build("-t", "triggers:1", str(context))
    write(context, "FROM triggers:1\n")
    client.build("-t", "triggered:1", str(context))
    assert client("run", "--rm", "triggered:1", "cat", "/from-context").stdout == "a\n"


def sent(progress: str) -> float:
    """Bytes of the context."""
    step = progress.partition("[internal] load build context\n")[2]
    number, unit = re.findall(r"transferring context: ([\d.]+)([kM]?)B", step)[-1]
    return float(number) * {"": 1, "k": 1e3, "M": 1e6}[unit]


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


def test_outputs_that_the_client_keeps(client: Client, context: Path, tmp_path: Path) -> None:
    write(context, "FROM scratch\nCOPY --chmod=4755 a.txt /d/a\nCOPY . /all/\n")
    (context / "link").symlink_to("../../nowhere")
    (context / "many").mkdir()
    for number in range(300):
        (context / "many" / str(number)).write_text(str(number) * number)
    out = tmp_path / "out"
    images = client("images", "-aq").stdout
    told = client.build("-o", str(out), str(context)).stderr
    assert "exporting to client directory" in told
    assert "copying files" in told
    assert (out / "d" / "a").stat().st_mode & 0o7777 == 0o4755
    assert os.readlink(out / "all" / "link") == "../../nowhere"
    assert {p.name: p.read_text() for p in (out / "all" / "many").iterdir()} == {
        str(number): str(number) * number for number in range(300)
    }
    told = client.build("-o", f"type=tar,dest={tmp_path}/tar", str(context)).stderr
    assert "sending tarball" in told
    with tarfile.open(tmp_path / "tar") as archive:
        names = archive.getnames()
        assert {"d/a", "all/link", "all/many/299"} < set(names)
    streamed = subprocess.run(
        [*client.command, "buildx", "build", "-o", "-", str(context)],
        env=client.environment, capture_output=True, check=True,
    ).stdout  # fmt: skip
    with tarfile.open(fileobj=io.BytesIO(streamed)) as archive:
        assert archive.getnames() == names
    assert client("images", "-aq").stdout == images  # nothing but files was asked for


def test_named_contexts(client: Client, context: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "o").write_text("other\n")
    (other / "left.out").write_text("")
    (other / ".dockerignore").write_text("*.out\n")
    write(
        context,
        "FROM busybox\nCOPY --from=files . /o/\nFROM replaced\nCOPY --from=0 /o /o\n"
        "COPY --from=image /bin/busybox /copied\nRUN cat /o/o && ls /o && [ -e /copied ]\n",
    )
    told = client.build(
        "--no-cache", "--build-context", f"files={other}",
        "--build-context", "image=docker-image://busybox",
        "--build-context", "replaced=docker-image://busybox:latest", str(context),
    ).stderr  # fmt: skip
    assert "[context files] load from client" in told
    assert "[stage-0 1/2] FROM docker.io/library/busybox:latest" in told
    assert re.findall(r"(?m)^#\d+ \d+\.\d+ (\S+)$", told) == ["other", "o"]


BAKE = """
group "default" {{
  targets = ["a", "b"]
}}
target "base" {{
  context = "{context}"
  dockerfile-inline = "FROM busybox\\nENV E=from-base\\nRUN echo base > /base\\n"
  output = ["type=cacheonly"]
}}
target "a" {{
  context = "{context}"
  contexts = {{ base = "target:base" }}
  dockerfile-inline = "FROM base\\nCOPY a.txt /\\nRUN cat /base; echo $E\\n"
  tags = ["bake-a:{suite}"]
}}
target "b" {{
  context = "{context}"
  contexts = {{ base = "target:base" }}
  dockerfile-inline = "FROM busybox\\nCOPY --from=base base a.txt* /\\n"
  tags = ["bake-b:{suite}"]
}}
"""


# What buildx or dockerd 28.5.2 without containerd's image store refuses, and their words.
REFUSED = (
    ("FROM busybox", ("--platform=linux/amd64,linux/arm64",), "ulti-platform build is not support"),
    ("FROM busybox", ("--sbom=true",), "ttestation is not supported for the docker driver"),
    ("FROM busybox", ("--provenance=true",), "ttestation is not supported for the docker driver"),
    ("FROM busybox", ("-o", "type=oci,dest=/dev/null"), "OCI exporter is not supported for the"),
    ("FROM busybox", ("--cache-to=type=registry,ref=x",), "ache export is not supported for the"),
    ("FROM busybox", ("--cache-to=type=local,dest=x",), "ache export is not supported for the"),
    ("FROM busybox\nRUN --network=host true", (), "to load LLB: network.host is not allowed"),
    ("FROM base", ("--build-context=base=oci-layout://LAYOUT",),
     "[context base] load metadata for docker.io/library/base@sha256:"),
    ("FROM base", ("--build-context=base=oci-layout://LAYOUT",),
     ": unknown scheme oci-layout: not found"),
    ("FROM busybox\nCOPY --from=base / /", ("--build-context=base=oci-layout://LAYOUT",),
     ": unknown scheme oci-layout: not found"),
)  # fmt: skip


@pytest.mark.parametrize(("text", "flags", "words"), REFUSED)
def test_what_the_docker_driver_refuses(
    client: Client, context: Path, tmp_path: Path, text: str, flags: tuple[str, ...], words: str
) -> None:
    layout = tmp_path / "layout"
    layout.mkdir()
    (layout / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    digest = "sha256:" + hashlib.sha256(b"{}").hexdigest()
    kind = "application/vnd.oci.image.manifest.v1+json"
    one = {"mediaType": kind, "digest": digest, "size": 2}
    index = {"schemaVersion": 2, "manifests": [one]}
    (layout / "index.json").write_text(json.dumps(index))
    (layout / "blobs" / "sha256").mkdir(parents=True)
    (layout / "blobs" / "sha256" / digest[7:]).write_text("{}")
    write(context, text + "\n")
    given = [flag.replace("LAYOUT", f"{layout}@{digest}") for flag in flags]
    done = client.build(*given, str(context), check=False)
    assert done.returncode
    assert words in done.stderr


def test_the_hosts_network_is_for_those_who_ask(client: Client, context: Path) -> None:
    write(context, "FROM busybox\nRUN --network=host cat /proc/net/dev > /net\n")
    client.build("--allow=network.host", "-t", "net:1", str(context))
    write(context, "FROM busybox\nRUN cat /proc/net/dev > /net\n")
    client.build("--network=host", "-t", "net:2", str(context))
    for name in ("net:1", "net:2"):
        found = client("run", "--rm", name, "cat", "/net").stdout
        assert client.daemon.bridge in found  # of the host
    write(context, "FROM busybox\nONBUILD RUN --network=host true\n")
    client.build("-t", "net:3", str(context))
    write(context, "FROM net:3\n")
    done = client.build(str(context), check=False)
    assert "network.host is not allowed" in done.stderr


def test_several_outputs_and_unknown_caches(orlopd: Daemon, context: Path, tmp_path: Path) -> None:
    client = Client(orlopd, "forky", tmp_path)
    told = client.build("-o", f"type=local,dest={tmp_path}/out", "-o", "type=image,name=outs:1",
                        "--cache-from=type=bogus", str(context)).stderr  # fmt: skip
    assert "ERROR: unknown cache importer: bogus\n" in told
    assert (tmp_path / "out" / "hi").read_text() == "hi\n"
    assert client("run", "--rm", "outs:1", "cat", "/hi").stdout == "hi\n"
    done = client.build("--allow=device", str(context), check=False)
    assert "granting entitlement device is not allowed by build daemon configuration" in done.stderr


def test_builds_that_stand_on_each_other(client: Client, context: Path) -> None:
    bake = context / "bake.hcl"
    bake.write_text(BAKE.format(context=context, suite=client.suite))
    listed = client("images", "-q").stdout.split()
    allow = ["--allow=fs=*"] if client.suite != "trixie" else []
    told = client(
        "buildx", "bake", *allow, "-f", str(bake), "--no-cache", "--progress=plain"
    ).stderr
    assert re.search(r"(?m)^#\d+ \d+\.\d+ from-base$", told)
    assert told.count("RUN echo base > /base\n") == 1
    assert client("run", "--rm", f"bake-b:{client.suite}", "cat", "/base").stdout == "base\n"
    tags = {f"bake-{name}:{client.suite}" for name in "ab"}
    shown = client("images", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}").stdout.splitlines()
    new = {line.split()[0] for line in shown if line.split()[1] not in listed}
    if client.suite == "trixie":
        new.discard("<none>:<none>")  # 0.13 asks for an image of `base` as well
    assert new <= tags  # what they stand on was lent


def test_questions_about_a_dockerfile(client: Client, context: Path) -> None:
    write(context, "FROM busybox AS one\n# A says it\nARG A=1\nFROM one\nCMD echo x\n")
    told = client.build(str(context)).stderr
    assert " - JSONArgsRecommended: JSON arguments recommended for CMD " in told
    if client.suite == "trixie":
        return  # 0.13 has none of them
    checked = client("buildx", "build", "--check", str(context), check=False)
    assert checked.returncode == 1
    assert "WARNING: JSONArgsRecommended - https://" in checked.stdout
    assert "   5 | >>> CMD echo x\n" in checked.stdout
    targets = client("buildx", "build", "--call=targets", str(context)).stdout
    assert targets == "TARGET    DESCRIPTION\none       \n(default) \n"
    outline = client("buildx", "build", "--call=outline", str(context)).stdout
    assert outline == "BUILD ARG   VALUE   DESCRIPTION\nA           1       says it\n\n"
    write(context, 'FROM busybox\nCMD ["x"]\n')
    assert "no warnings found" in client("buildx", "build", "--check", str(context)).stdout


def test_what_the_builder_is_and_keeps(own_orlopd: Daemon, context: Path, tmp_path: Path) -> None:
    for suite in SUITES:
        client = Client(own_orlopd, suite, tmp_path)
        shown = client("buildx", "ls").stdout
        assert re.search(r"running +v0\.0\.0\+unknown +linux/", shown)
        assert "GC Policy rule#0" in client("buildx", "inspect").stdout
        client.build("--no-cache", str(context))
        used = client("buildx", "du", "--verbose").stdout
        assert "Description:\tRUN echo hi > /hi" in re.sub(r": +", ":\t", used)
        (id,) = re.findall(r"ID:\s+(\w+)\n(?:.+\n)*?Description:\s+COPY", used)
        gone = client("buildx", "prune", "-f", "--filter", f"id={id}").stdout
        assert id in gone
        assert id not in client("buildx", "du").stdout
        client("buildx", "prune", "-af")
        assert re.search(r"Total:\s+0B", client("buildx", "du").stdout)


def test_contexts_from_standard_input(client: Client, context: Path, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.add(context, ".")
    client.build("-t", "stdin:1", "-", stdin=packed.getvalue())
    assert client("run", "--rm", "stdin:1", "ls", "/ctx").stdout == "Dockerfile\na.txt\n"
    client.build("-t", "stdin:2", "-", stdin=b"FROM busybox\nCMD echo alone\n")
    assert client("run", "--rm", "stdin:2").stdout == "alone\n"
    client.build("-t", "stdin:3", "-f", "-", str(context),
                 stdin=b"FROM busybox\nCOPY a.txt /own\nCMD cat /own\n")  # fmt: skip
    assert client("run", "--rm", "stdin:3").stdout == "a\n"


def test_what_has_no_history_says_so(orlopd: Daemon, context: Path, tmp_path: Path) -> None:
    client = Client(orlopd, "forky", tmp_path)
    client.build(str(context))
    for words in (["ls"], ["inspect"], ["logs"], ["rm", "--all"]):
        done = client("buildx", "history", *words, check=False)
        assert done.returncode
        assert "build history is not kept by this engine" in done.stderr


# --- docker 20.10, which posts its build ----------------------------------------------------------


@pytest.fixture
def old(orlopd: Daemon, tmp_path: Path) -> Client:
    return Client(orlopd, "bookworm", tmp_path)


def test_the_old_cli(old: Client, context: Path, tmp_path: Path) -> None:
    found = old("build", "--progress=plain", "--no-cache", "-t", "old:1", "--build-arg", "A=b",
                "--label", "l=m", str(context))  # fmt: skip
    assert "[internal] load build definition from Dockerfile" in found.stderr  # daemon prefers it
    assert "naming to docker.io/library/old:1" in found.stderr
    assert old("image", "inspect", "-f", "{{.Config.Labels}}", "old:1").stdout == "map[l:m]\n"
    quiet = old("build", "-q", str(context)).stdout
    assert quiet.startswith("sha256:")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        archive.add(context, ".")
    old("build", "-t", "old:2", "-", stdin=packed.getvalue())
    assert old("run", "--rm", "old:2", "cat", "/hi").stdout == "hi\n"
    old("build", "-o", f"{tmp_path}/out", "-", stdin=b"FROM scratch\nCOPY <<E /f\ndata\nE\n")
    assert (tmp_path / "out" / "f").read_text() == "data\n"
    write(context, "FROM busybox\nRUN exit 3\n")
    failed = old("build", str(context), check=False)
    assert failed.returncode == 1
    assert 'process "/bin/sh -c exit 3" did not complete successfully: exit code: 3' in (
        failed.stderr
    )
    classic = old("build", str(context), check=False, DOCKER_BUILDKIT="0")
    assert "The command '/bin/sh -c exit 3' returned a non-zero code: 3" in classic.stderr


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
