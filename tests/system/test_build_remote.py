"""ADD and contexts from elsewhere: URLs, checksums, git."""

from __future__ import annotations

import hashlib
import http.server
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import buildlab
import pytest
from buildlab import Lab, archive

from orlop.builder.context import Context
from orlop.builder.remote import load_git, load_url
from orlop.errors import InvalidArgument, OrlopError

pytestmark = pytest.mark.root
CONTENT = b"from the web\n"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    base = Path(tmp_path_factory.mktemp("remote"))
    made = buildlab.make(base)
    yield made
    made.close()
    subprocess.run(["umount", base / "data" / "overlay2"], stderr=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def web() -> Iterator[str]:
    tar = archive({"Dockerfile": "FROM busybox\nCOPY f /f\n", "f": "1"}).getvalue()
    pages = {"/a.txt": CONTENT, "/x.tar": tar, "/Dockerfile": b"FROM busybox\nRUN true\n"}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = pages.get(self.path)
            self.send_response(200 if body is not None else 404)
            self.send_header("Content-Length", str(len(body or b"")))
            self.send_header("Content-Disposition", 'attachment; filename="../../escape"')
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


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

    def run(*words: str) -> None:
        environ = {"PATH": "/usr/bin:/bin", "HOME": str(base), "GIT_CONFIG_NOSYSTEM": "1"}
        who = ["-c", "user.name=x", "-c", "user.email=x@y", "-c", "init.defaultBranch=main"]
        subprocess.run(["git", *who, *words], cwd=work, env=environ, check=True,
                       capture_output=True)  # fmt: skip

    (work / "sub").mkdir(parents=True)
    (work / "Dockerfile").write_text("FROM busybox\nCOPY . /r/\n")
    (work / "sub" / "f").write_text("main\n")
    (work / ".gitattributes").write_text("sub/secret export-ignore\n")
    (work / "sub" / "secret").write_text("kept\n")
    (work / "out").symlink_to("/etc/passwd")
    run("init", "-q")
    run("add", "-A")
    run("commit", "-qm", "one")
    run("tag", "v1")
    run("checkout", "-qb", "other")
    (work / "sub" / "f").write_text("other\n")
    run("commit", "-qam", "two")
    run("checkout", "-q", "main")
    run("clone", "-q", "--bare", str(work), str(base / "r.git"))
    (base / "r.git" / "git-daemon-export-ok").touch()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    daemon = subprocess.Popen(
        ["git", "daemon", "--reuseaddr", "--listen=127.0.0.1", f"--port={port}",
         f"--base-path={base}", "--verbose", str(base)],
        stderr=subprocess.PIPE,
    )  # fmt: skip
    assert daemon.stderr
    assert b"Ready" in daemon.stderr.readline()
    yield f"git://127.0.0.1:{port}/r.git"
    daemon.kill()
    daemon.wait()
    daemon.stderr.close()


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
