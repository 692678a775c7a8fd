"""What builds fetch from: a web server, a git daemon, on loopback."""

from __future__ import annotations

import http.server
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def web(pages: Mapping[str, bytes]) -> Iterator[str]:
    """The URL of a server of these pages."""

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
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def git(folder: Path, *words: str) -> str:
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    who = ["-c", "user.name=x", "-c", "user.email=x@y", "-c", "init.defaultBranch=main"]
    more = ["-c", "protocol.file.allow=always"]
    done = subprocess.run(
        ["git", *who, *more, *words], cwd=folder, env=environ, check=True, capture_output=True
    )
    return done.stdout.decode().strip()


def commit(folder: Path) -> str:
    """All of a folder as a (first or further) commit of a repository there; its ID."""
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "commit")
    return git(folder, "rev-parse", "HEAD")


@contextmanager
def git_daemon(base: Path) -> Iterator[str]:
    """The URL that the repositories below `base` are served at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    daemon = subprocess.Popen(
        ["git", "daemon", "--reuseaddr", "--listen=127.0.0.1", f"--port={port}", "--export-all",
         f"--base-path={base}", "--verbose", str(base)],
        stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert daemon.stderr
        assert b"Ready" in daemon.stderr.readline()
        yield f"git://127.0.0.1:{port}"
    finally:
        daemon.terminate()  # not killed: git would leave the process that serves
        daemon.wait()
        assert daemon.stderr
        daemon.stderr.close()
