"""Builds that try to leave their context, their cache, their step: judged by a tree of the host."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from canary import Canary
from racer import Racer

sys.path[:0] = [str(Path(__file__).parents[1] / "system")]

import buildlab  # noqa: E402
from buildlab import Lab  # noqa: E402

from orlop.builder.context import Context  # noqa: E402
from orlop.builder.git import load_git, parse_git  # noqa: E402
from orlop.errors import Forbidden, InvalidArgument, NotSupported, OrlopError  # noqa: E402

pytestmark = pytest.mark.root
FULL = os.environ.get("ORLOP_FUZZ") == "full"
SWAPPED = 2000 if FULL else 40  # builds whose cache another swaps


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    yield from buildlab.opened(tmp_path_factory.mktemp("escape"))


# --- context: links, names ----------------------------------------------------------------------


@pytest.mark.parametrize("source", ["link", "link/", "link/secret", "dir/up/secret", "abs/secret"])
def test_a_link_in_the_context_does_not_lead_out(lab: Lab, canary: Canary, source: str) -> None:
    deep = "../" * 20
    files: buildlab.Files = {
        "link": f"-> {canary.base}",
        "dir/up": f"-> {deep}{str(canary.base).lstrip('/')}",
        "abs": f"-> {canary.base}",
        "f": "1",
    }
    with pytest.raises(InvalidArgument, match="file does not exist"):
        lab.build(f"FROM busybox\nCOPY {source} /out/\n", files)
    assert canary.intact()
    # the control: a link inside is followed
    found = lab.build("FROM busybox\nCOPY in /out/\n", {**files, "in": "-> f"})
    assert found.sh("cat /out/in") == "1"


def test_a_dockerfile_that_is_a_link_out(lab: Lab, canary: Canary) -> None:
    for name in ("Dockerfile", ".dockerignore"):
        files: buildlab.Files = {name: f"-> {canary.base}/secret"}
        if name == "Dockerfile":
            with closing(Context(lab.engine.builder.spool)) as context:
                context.load(buildlab.archive(files))
                assert context.item("Dockerfile") is not None
            with pytest.raises(OrlopError, match="Cannot locate specified Dockerfile"):
                lab.build("", files)
        else:
            lab.build("FROM busybox\nCOPY . /x\n", files)
    assert canary.intact()


def test_names_that_climb_are_refused(lab: Lab) -> None:
    for name in ("../x", "a/../../x"):
        wrong = pytest.raises(InvalidArgument, match="invalid path in context archive")
        with closing(Context(lab.engine.builder.spool)) as context, wrong:
            context.load(buildlab.archive({name: "1"}))


def test_a_destination_that_is_a_link_to_the_host(lab: Lab, canary: Canary) -> None:
    text = (
        f"FROM busybox\nRUN ln -s {canary.base} /out && ln -s {'../' * 30}{canary.base} /up\n"
        "COPY f /out/planted\nCOPY f /up/planted\nADD f /out/dir/planted\nWORKDIR /out/made\n"
    )
    lab.build(text, {"f": "1"})
    assert canary.intact()


# --- RUN --mount --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["bind,from=evil", "cache,from=evil,id=fresh-{n}"])
def test_a_mount_source_that_is_a_link_to_the_host(lab: Lab, canary: Canary, kind: str) -> None:
    base = str(canary.base)
    for number, source in enumerate(("/src", "/src/..", "/rel", "/src/dir")):
        mount = kind.format(n=number)
        text = (
            f"FROM busybox AS evil\nRUN ln -s {base} /src && ln -s {'../' * 30} /rel && mkdir /ok\n"
            f"FROM busybox\nRUN --mount=type={mount},source={source},target=/m,rw "
            f"cat /m{base}/secret /m/secret > /stolen 2>/dev/null; touch /m/planted; true\n"
            "RUN ! grep -q canary /stolen\n"
        )
        try:
            lab.build(text)
        except OrlopError:
            pass  # refused is as good
        assert canary.intact()
        assert not Path("/planted").exists()


def test_cache_ids_and_sources_do_not_climb(lab: Lab, canary: Canary) -> None:
    before = {p.name for p in lab.engine.builder.root.iterdir()}
    text = "FROM busybox\nRUN --mount=type=cache,id=../../x,target=/c touch /c/f\n"
    lab.build(text, no_cache=True)
    assert {p.name for p in lab.engine.builder.root.iterdir()} == before
    for source in ("../..", "/../../..", "nope"):
        with pytest.raises(OrlopError):
            lab.build(
                f"FROM busybox\nRUN --mount=type=cache,id=k,source={source}/etc,target=/c ls /c\n"
            )
    assert canary.intact()


@pytest.mark.timeout(3600 if FULL else 120)
def test_a_cache_whose_folder_is_swapped_meanwhile(lab: Lab, canary: Canary) -> None:
    """Two builds share a cache; one swaps the other's source for a link while it starts."""
    cache = "FROM busybox\nRUN --mount=type=cache,id=race,target=/c "
    swap = (
        f"{cache} while ! test -e /c/stop; do rm -rf /c/sub; mkdir /c/sub; rm -rf /c/sub; "
        f"ln -s {canary.base} /c/sub; done\n"
    )
    use = (
        "FROM busybox\nRUN --mount=type=cache,id=race,source=sub,target=/m "
        "cat /m/secret 2>/dev/null && touch /m/planted; ! test -e /m/secret\n"
    )
    lab.build(f"{cache} mkdir -p /c/sub\n")
    racer = threading.Thread(target=lab.build, args=(swap,), kwargs={"no_cache": True})
    racer.start()
    refused = worked = 0
    try:
        while refused + worked < SWAPPED and racer.is_alive():
            try:
                lab.build(use, no_cache=True, force_remove=True)
                worked += 1
            except OrlopError as error:
                assert "returned a non-zero code" not in error.message
                refused += 1
    finally:
        lab.build(f"{cache} touch /c/stop\n")
        racer.join()
    assert canary.intact()
    assert refused + worked == SWAPPED


def test_the_parent_of_a_mount_replaced_by_a_link(lab: Lab, canary: Canary) -> None:
    text = (
        "FROM busybox\nRUN --mount=type=tmpfs,target=/p/q/r mv /p /p2; "
        f"ln -s {canary.base} /p; ls /p2/q\n"
    )
    try:
        lab.build(text)
    except OrlopError:
        pass
    assert canary.intact()


def test_mounts_of_a_step_are_private(lab: Lab) -> None:
    with open("/proc/self/mountinfo", encoding="utf-8") as table:
        before = table.read().count(str(lab.base))
    lab.build(
        "FROM busybox\nRUN --mount=type=cache,target=/c grep ' /c ' /proc/self/mountinfo > /i; "
        "! grep -q shared: /i\n"
    )
    lab.containers.cleanup.drain()
    with open("/proc/self/mountinfo", encoding="utf-8") as table:
        assert table.read().count(str(lab.base)) == before


# --- privileges ---------------------------------------------------------------------------------


def test_a_step_has_no_more_rights_than_a_container(lab: Lab) -> None:
    show = "grep -E '^(Cap|Seccomp|NoNewPrivs)' /proc/self/status; cat /proc/kcore 2>&1 | head -c 9"
    code, run = lab.run("sh", "-c", show)
    assert code == 0
    found = lab.build(
        "# syntax=evil/frontend:insecure\nFROM busybox\nLABEL security=insecure\n"
        f"ARG BUILDKIT_SANDBOX_HOSTNAME=x\nRUN ({show}) > /rights\n",
        arguments={"BUILDKIT_SECURITY": "insecure", "BUILDKIT_INSECURE": "1"},
    )
    assert found.sh("cat /rights") == run


def test_a_device_that_is_required_is_not_left_out_in_silence(lab: Lab) -> None:
    text = "FROM busybox\nRUN --device=vendor.example/gpu=0,required true\n"
    with pytest.raises(NotSupported, match=r"device vendor\.example/gpu=0,required"):
        lab.build(text)


def test_insecure_only_where_the_client_allows_it(lab: Lab) -> None:
    text = "FROM busybox\nRUN --security=insecure grep CapEff /proc/self/status > /c\n"
    with pytest.raises(Forbidden, match="security.insecure is not allowed"):
        lab.build(text)
    found = lab.build(text, insecure=True)  # the control
    code, plain = lab.run("grep", "CapEff", "/proc/self/status")
    assert code == 0
    assert found.sh("cat /c") != plain


# --- git ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "--upload-pack=touch /tmp/x", "https://h/x.git#--upload-pack=touch${IFS}/tmp/x",
        "https://h/x.git#-uevil", "git@-oProxyCommand=x:y.git", "https://h/x.git#main:../../etc",
        "https://h/x.git#main:/etc", "ssh://-oProxyCommand=x/y", "https://h/x.git#a b",
    ],
)  # fmt: skip
def test_what_git_could_take_for_an_option(text: str) -> None:
    with pytest.raises(InvalidArgument):
        parse_git(text)


def test_a_local_repository_is_no_remote(lab: Lab, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path / "r.git"], check=True)
    with closing(Context(lab.engine.builder.spool)) as context, pytest.raises(OrlopError):
        load_git(context, f"file://{tmp_path}/r.git", lab.engine.builder.spool)


# --- secrets ------------------------------------------------------------------------------------


def test_secrets_are_in_nothing_that_is_kept(lab: Lab) -> None:
    secret = b"S3cr3t-" + b"x9Q" * 7
    text = (
        "FROM busybox\nARG HTTP_PROXY\n"
        "RUN --mount=type=secret,id=s test $(wc -c < /run/secrets/s) = 28\n"
        'RUN --mount=type=secret,id=s,env=TOKEN test -n "$TOKEN"\n'
        "RUN --mount=type=secret,id=s,target=/root/.netrc cat /root/.netrc > /dev/null\n"
    )
    proxy = "http://user:Pr0xyPass@127.0.0.1:9"
    found = lab.build(
        text, secrets={"s": secret}, arguments={"HTTPS_PROXY": proxy}, tags=("test/secret:1",)
    )
    assert lab.build(text, secrets={"s": b"other-secret-of-another-len!"}).id == found.id
    lab.containers.cleanup.drain()
    lab.engine.builder.cache._db.execute("pragma wal_checkpoint(truncate)")
    needles = [secret, base64.b64encode(secret), b"Pr0xyPass", base64.b64encode(b"Pr0xyPass")]
    searched = 0
    for root in (lab.base / "data", lab.base / "run"):
        for path in root.rglob("*"):
            if path.is_file() and not path.is_symlink() and "/merged/" not in str(path):
                data = path.read_bytes()
                searched += 1
                for needle in needles:
                    assert needle not in data, path
    assert searched > 50
    shown = found.text + str(found.image.config)
    assert not any(n.decode() in shown for n in needles)
    # the control: an ARG is kept, and found
    kept = lab.build("FROM busybox\nARG K\nRUN echo $K > /dev/null\n", arguments={"K": "K3ptValue"})
    assert b"K3ptValue" in kept.image.raw


# --- controls: the same on a builder that goes by paths -------------------------------------------


def test_links_bite_who_copies_a_context_by_path(canary: Canary, tmp_path: Path) -> None:
    """S41, S42."""
    context = tmp_path / "context"
    context.mkdir()
    (context / "Dockerfile").symlink_to(canary.base / "secret")
    (context / "link").symlink_to(canary.base)
    assert canary.token in (context / "Dockerfile").read_text()
    shutil.copytree(context / "link", tmp_path / "out", ignore=lambda *_: ["fifo"])
    assert canary.token in (tmp_path / "out" / "secret").read_text()


def test_names_and_swaps_bite_who_keeps_caches_by_path(canary: Canary, tmp_path: Path) -> None:
    """S38, S39."""
    caches = tmp_path / "builder" / "caches"
    caches.mkdir(parents=True)
    os.makedirs(f"{caches}/../../x")  # id=../../x
    assert (tmp_path / "x").exists()
    (caches / "sub").mkdir()
    (caches / "sub" / "secret").write_text("own")
    (caches / "link").symlink_to(canary.base)
    seen = ""
    with Racer(caches, "sub", "link"):
        for _ in range(200_000):
            if not (caches / "sub").is_symlink():
                seen = (caches / "sub" / "secret").read_text()
            if canary.token in seen:
                break
    assert canary.token in seen
    (canary.base / "dir" / "inner").unlink()
    (tmp_path / "p").symlink_to(canary.base)  # RUN put it where its mount point's parent was
    os.rmdir(tmp_path / "p" / "dir")  # the clean-up of an empty mount point
    assert not (canary.base / "dir").exists()


def test_an_option_bites_who_hands_it_to_git(tmp_path: Path) -> None:
    """S42 (CVE-2019-13139)."""
    subprocess.run(["git", "init", "-q", "--bare", tmp_path / "r.git"], check=True)
    evil = f"--upload-pack=touch {tmp_path}/marker; false"
    subprocess.run(["git", "clone", "-q", evil, f"file://{tmp_path}/r.git", tmp_path / "o"],
                   stderr=subprocess.DEVNULL)  # fmt: skip
    assert (tmp_path / "marker").exists()
