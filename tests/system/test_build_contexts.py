"""Named contexts: directories, images, URLs and git in the place of stages and images."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import buildhosts
import buildlab
import pytest
from buildlab import Build, Lab, archive

from orlop.builder.context import Context
from orlop.errors import InvalidArgument

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    yield from buildlab.opened(tmp_path_factory.mktemp("named"))


def build(lab: Lab, text: str, **named: str | buildlab.Files) -> Build:
    """`named`: a URL, or files; `_` in a name is `-`."""
    with ExitStack() as stack:
        contexts: dict[str, Context | str] = {}
        for name, value in named.items():
            if isinstance(value, dict):
                context = stack.enter_context(closing(Context(lab.engine.builder.spool)))
                context.load(archive(value))
                contexts[name.replace("_", "-")] = context
            else:
                contexts[name.replace("_", "-")] = value
        return lab.build(text, {"own": "own\n"}, contexts=contexts)


def test_files_for_copy_and_mounts(lab: Lab) -> None:
    found = build(
        lab,
        "FROM busybox\nCOPY --from=extra d/ /d/\nCOPY own /\n"
        "RUN --mount=from=extra,target=/m cat /m/d/f > /m1\n"
        "RUN --mount=type=cache,from=extra,source=d,target=/c,id=named cat /c/f > /m2\n",
        extra={"d/f": "named\n", "d/g": ("x", 0o755)},
    )
    assert found.sh("cat /d/f /own /m1 /m2") == "named\nown\nnamed\nnamed\n"
    again = build(lab, "FROM busybox\nCOPY --from=extra d/ /d/\n", extra={"d/f": "other\n"})
    assert (again.cached(), again.sh("cat /d/f")) == ([False, False], "other\n")
    empty = build(lab, "FROM busybox\nCOPY --from=extra . /e/\nRUN ls -A /e > /n\n", extra={})
    assert empty.sh("cat /n") == ""


def test_files_as_a_base(lab: Lab) -> None:
    shell = lab.build("FROM busybox\n").sh("cat /etc/passwd")
    found = build(
        lab,
        "FROM root AS r\nCOPY own /own\nFROM busybox\nCOPY --from=r / /r/\n",
        root={"etc/passwd": "x", "a": "1"},
    )
    assert found.sh("cat /r/etc/passwd /r/a /r/own") == "x1own\n"
    assert found.sh("cat /etc/passwd") == shell


def test_a_context_replaces_a_stage_and_an_image(lab: Lab) -> None:
    stage = build(
        lab,
        "FROM busybox AS tools\nRUN exit 1\nFROM busybox\nCOPY --from=tools /t /t\n",
        tools={"t": "tool\n"},
    )
    assert stage.sh("cat /t") == "tool\n"
    lab.build("FROM busybox\nENV WHO=replaced\n", tags=("named/replaced:1",))
    image = "docker-image://named/replaced:1"
    for name in ("busybox", "busybox:latest", "docker.io/library/busybox"):
        with_image = lab.build("FROM busybox\nCMD x\n", contexts={name: image})
        assert "WHO=replaced" in with_image.config["Env"]
    copied = build(lab, "FROM busybox\nCOPY --from=img /bin/busybox /x/\n", img=image)
    assert copied.sh("/x/busybox echo yes") == "yes\n"


def test_a_url_and_a_repository(lab: Lab, web: str, git: str) -> None:
    found = build(
        lab,
        "FROM busybox\nCOPY --from=tar f /f\nCOPY --from=lone a.txt /a\nCOPY --from=repo . /r/\n",
        tar=f"{web}/x.tar", lone=f"{web}/a.txt", repo=f"{git}#main:sub",
    )  # fmt: skip
    assert found.sh("cat /f /a; ls -A /r").startswith("tar\nlone\n")
    assert "inner" in found.sh("ls -A /r")


def test_what_is_no_context(lab: Lab) -> None:
    with pytest.raises(InvalidArgument, match="unsupported context source ftp for x"):
        build(lab, "FROM busybox\n", x="ftp://h/x")
    with pytest.raises(InvalidArgument, match="invalid context name A B"):
        lab.build("FROM busybox\n", contexts={"A B": "docker-image://x"})


@pytest.fixture(scope="module")
def web() -> Iterator[str]:
    with buildhosts.web({"/x.tar": archive({"f": "tar\n"}).getvalue(), "/a.txt": b"lone\n"}) as url:
        yield url


@pytest.fixture(scope="module")
def git(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    base = Path(tmp_path_factory.mktemp("repository"))
    (base / "r" / "sub").mkdir(parents=True)
    (base / "r" / "sub" / "inner").write_text("git\n")
    buildhosts.commit(base / "r")
    with buildhosts.git_daemon(base) as url:
        yield f"{url}/r"
