"""ADD and contexts from elsewhere: URLs, checksums, git."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import buildhosts
import buildlab
import pytest
from buildlab import Lab, archive

from orlop.builder.context import Context
from orlop.builder.git import load_git
from orlop.builder.remote import load_url
from orlop.errors import InvalidArgument, OrlopError
from orlop.image.rootfs import rootfs

pytestmark = pytest.mark.root
CONTENT = b"from the web\n"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    yield from buildlab.opened(tmp_path_factory.mktemp("remote"))


@pytest.fixture(scope="module")
def web() -> Iterator[str]:
    tar = archive({"Dockerfile": "FROM busybox\nCOPY f /f\n", "f": "1"}).getvalue()
    pages = {"/a.txt": CONTENT, "/x.tar": tar, "/Dockerfile": b"FROM busybox\nRUN true\n"}

    with buildhosts.web(pages) as url:
        yield url


def test_add_of_a_url(lab: Lab, web: str) -> None:
    digest = hashlib.sha256(CONTENT).hexdigest()
    found = lab.build(
        f"FROM busybox\nADD {web}/a.txt /d/\nADD --checksum=sha256:{digest} {web}/a.txt /named\n"
        f"ADD {web}/x.tar /not-unpacked\nADD --unpack=true {web}/x.tar /unpacked/\n"
    )
    assert found.sh("cat /d/a.txt /named") == CONTENT.decode() * 2
    assert found.sh("stat -c %a /d/a.txt; ls /not-unpacked; cat /unpacked/f") == (
        "600\n/not-unpacked\n1"
    )


def test_unpack_is_part_of_what_the_cache_heeds(lab: Lab, web: str) -> None:
    kept = lab.build(f"FROM busybox\nADD {web}/x.tar /heeded/\n")
    opened = lab.build(f"FROM busybox\nADD --unpack=true {web}/x.tar /heeded/\n")
    assert (kept.sh("ls /heeded"), opened.sh("ls /heeded")) == ("x.tar\n", "Dockerfile\nf\n")


def test_a_wrong_checksum_and_a_missing_page(lab: Lab, web: str) -> None:
    with pytest.raises(InvalidArgument, match="digest mismatch sha256:"):
        lab.build(f"FROM busybox\nADD --checksum=sha256:{'0' * 64} {web}/a.txt /x\n")
    with pytest.raises(OrlopError, match="404"):
        lab.build(f"FROM busybox\nADD {web}/nope /x\n")


def test_add_of_an_archive(lab: Lab) -> None:
    inner = archive({"in/": "", "in/f": ("1", 0o640), "l": "-> in/f"}).getvalue()
    import gzip

    found = lab.build(
        "FROM busybox\nADD a.tar.gz plain.tar /out/\nCOPY plain.tar /kept.tar\n"
        "ADD --chown=5:6 a.tar.gz /owned/\nADD text.gz /text/\n",
        {"a.tar.gz": gzip.compress(inner), "plain.tar": inner, "text.gz": gzip.compress(b"text")},
    )
    assert found.sh("cat /out/l; stat -c '%a %u' /out/in/f /owned/in/f") == "1640 0\n640 5\n"
    assert found.sh("wc -c < /kept.tar; ls /text") == f"{len(inner)}\ntext.gz\n"


def test_remote_contexts(lab: Lab, web: str) -> None:
    spool, images = lab.engine.builder.spool, lab.engine.images
    with closing(Context(spool)) as context:
        assert load_url(images, context, f"{web}/x.tar") is False
        assert context.item("f") is not None
    with closing(Context(spool)) as context:
        assert load_url(images, context, f"{web}/Dockerfile") is True
        assert context.item("Dockerfile") is not None


@pytest.fixture(scope="module")
def git(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A local git daemon with one repository: a branch, a tag, a folder."""
    base = Path(tmp_path_factory.mktemp("git"))
    work = base / "work"

    (work / "sub").mkdir(parents=True)
    (work / "Dockerfile").write_text("FROM busybox\nCOPY . /r/\n")
    (work / "sub" / "f").write_text("main\n")
    (work / ".gitattributes").write_text("sub/secret export-ignore\n")
    (work / "sub" / "secret").write_text("kept\n")
    (work / "out").symlink_to("/etc/passwd")
    buildhosts.git(work, "init", "-q")
    buildhosts.git(work, "add", "-A")
    buildhosts.git(work, "commit", "-qm", "one")
    buildhosts.git(work, "tag", "v1")
    buildhosts.git(work, "checkout", "-qb", "other")
    (work / "sub" / "f").write_text("other\n")
    buildhosts.git(work, "commit", "-qam", "two")
    buildhosts.git(work, "checkout", "-q", "main")
    buildhosts.git(work, "clone", "-q", "--bare", str(work), str(base / "r.git"))
    with buildhosts.git_daemon(base) as url:
        yield f"{url}/r.git"


@pytest.mark.parametrize(
    ("fragment", "content"),
    [("", "main\n"), ("#other", "other\n"), ("#v1", "main\n"), ("#other:sub", "other\n")],
)
def test_a_repository_as_context(lab: Lab, git: str, fragment: str, content: str) -> None:
    spool = lab.engine.builder.spool
    with closing(Context(spool)) as context:
        load_git(context, git + fragment, spool)
        path = "f" if fragment.endswith(":sub") else "sub/f"
        item = context.item(path)
        assert item is not None
        assert b"".join(context.read(item)).decode() == content
        assert context.item(path.replace("f", "secret")) is not None
    assert list(spool.iterdir()) == []


def test_add_of_a_repository(lab: Lab, git: str) -> None:
    found = lab.build(f"FROM busybox\nADD {git}#other /src/\nADD {git}#v1:sub /sub\n")
    assert found.sh("cat /src/sub/f /sub/f; readlink /src/out") == "other\nmain\n/etc/passwd\n"
    with pytest.raises(OrlopError, match="error fetching"):
        lab.build(f"FROM busybox\nADD {git}#nope /src/\n")


@pytest.fixture(scope="module")
def nested(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """(URL, commit) of a repository with a submodule that has one itself, by relative URLs."""
    base = Path(tmp_path_factory.mktemp("nested"))
    for name, below in (("inner", ""), ("middle", "inner"), ("outer", "middle")):
        folder = base / name
        (folder / "d").mkdir(parents=True)
        (folder / "d" / "f").write_text(f"{name}\n")
        buildhosts.commit(folder)
        if below:
            buildhosts.git(folder, "submodule", "add", "-q", f"../{below}", f"d/{below}")
            commit = buildhosts.commit(folder)
    with buildhosts.git_daemon(base) as url:
        yield f"{url}/outer", commit


def test_submodules(lab: Lab, nested: tuple[str, str]) -> None:
    url, commit = nested
    found = lab.build(f"FROM busybox\nADD {url} /all\nADD {url}#main:d /d\n")
    whole = "cat /all/d/f /all/d/middle/d/f /all/d/middle/d/inner/d/f"
    assert found.sh(whole) == "outer\nmiddle\ninner\n"
    assert found.sh("cat /d/f /d/middle/d/inner/d/f; ls -A /all") == (
        "outer\ninner\n.gitmodules\nd\n"
    )
    bare = lab.build(f"FROM busybox\nADD {url}?submodules=false&subdir=d /d\n")
    assert bare.sh("find /d | sort") == "/d\n/d/f\n/d/middle\n"
    assert list(lab.engine.builder.spool.iterdir()) == []


def test_links_that_are_badly_described_are_an_error(lab: Lab, tmp_path: Path) -> None:
    folder = tmp_path / "r"
    folder.mkdir()
    (folder / "f").write_text("f\n")
    commit = buildhosts.commit(folder)
    buildhosts.git(folder, "update-index", "--add", "--cacheinfo", f"160000,{commit},link")
    buildhosts.git(folder, "commit", "-qm", "a link that nothing describes")
    with buildhosts.git_daemon(tmp_path) as url:
        found = lab.build(f"FROM busybox\nADD {url}/r /r\n")
        assert found.sh("cd r; find | sort") == ".\n./f\n./link\n"
        (folder / ".gitmodules").write_text("[submodule\n")
        buildhosts.git(folder, "add", ".gitmodules")
        buildhosts.git(folder, "commit", "-qm", "described badly")
        with pytest.raises(OrlopError, match="error fetching: fatal: error processing config"):
            lab.build(f"FROM busybox\nADD {url}/r /r\n")


def test_a_commit_as_checksum(lab: Lab, nested: tuple[str, str]) -> None:
    url, commit = nested
    text = "FROM busybox\nADD --checksum={} {}#main /r\n"
    assert lab.build(text.format(commit, url)).sh("cat /r/d/f") == "outer\n"
    with pytest.raises(InvalidArgument, match="expected checksum to match 0000000, got"):
        lab.build(text.format("0000000", url))
    with pytest.raises(InvalidArgument, match='unexpected query "depth" in git URL'):
        lab.build(f"FROM busybox\nADD {url}?depth=1 /r\n")


def test_the_git_directory_is_kept_and_the_same_each_time(
    lab: Lab, nested: tuple[str, str], tmp_path: Path
) -> None:
    url, commit = nested
    text = f"FROM busybox\nADD --keep-git-dir=true {url}#main /r\n"
    found = lab.build(text)
    assert lab.build(text, no_cache=True).id == found.id
    data = b"".join(rootfs(lab.engine.images, found.id))
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        archive.extraction_filter = lambda member, _: member
        archive.extractall(tmp_path)
    clone = tmp_path / "r"
    assert buildhosts.git(clone, "-c", "safe.directory=*", "rev-parse", "HEAD") == commit
    (clone / "d" / "f").write_text("changed\n")
    status = buildhosts.git(clone, "-c", "safe.directory=*", "status", "--porcelain", "-uno",
                            "--ignore-submodules")  # fmt: skip
    assert status == "M d/f"
    middle = clone / "d" / "middle"
    assert (middle / ".git").read_text() == "gitdir: ../../.git/modules/d/middle\n"
    assert (middle / "d" / "inner" / ".git").is_file()
    (middle / "d" / "inner" / "d" / "f").write_text("changed\n")
    trusted = ("-c", "safe.directory=*")
    inner = buildhosts.git(middle / "d" / "inner", *trusted, "status", "--porcelain", "-uno")
    assert inner == "M d/f"
    found = buildhosts.git(clone, *trusted, "submodule", "status", "--recursive").splitlines()
    assert [line.split()[1] for line in found] == ["d/middle", "d/middle/d/inner"]
    assert not any(line.startswith(("-", "+", "U")) for line in found), found
    assert buildhosts.git(clone, "remote", "get-url", "origin") == f"{url}"
