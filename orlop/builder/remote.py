"""What comes over the network: ADD of URLs and git repositories, remote contexts.

A repository is never checked out: git makes an archive of it, which is read as any other context,
so that neither its links nor its names nor its hooks can do anything here.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import BinaryIO, cast
from urllib.parse import unquote, urlsplit

from orlop.builder import instructions as ins
from orlop.builder.context import Context
from orlop.builder.session import Session
from orlop.errors import InvalidArgument, NotSupported, SystemFailure
from orlop.image.images import Images
from orlop.oci.digest import parse_digest
from orlop.registry.open_url import open_url
from orlop.storage.compression import Reader, detect

_GIT = re.compile(
    r"(?:git://|ssh://|git@|github\.com/|https?://[^#]*\.git(?:#|$))", re.ASCII | re.IGNORECASE
)
_CHUNK = 1 << 20
_PROTOCOLS = "http:https:git:ssh"


def is_git(text: str) -> bool:
    return _GIT.match(text) is not None


def is_url(text: str) -> bool:
    return text.startswith(("http://", "https://")) and not is_git(text)


def fetch(session: Session, node: ins.Add, text: str, target: str) -> Context:
    """A context with the one file, or with what the repository holds. To be closed."""
    context = Context(session.spool)
    try:
        if is_git(text):
            if node.keep_git_dir:
                raise NotSupported("ADD --keep-git-dir is not supported")
            load_git(context, text, session.spool)
        else:
            _download(session.builder.images, context, text, target, node.checksum)
    except BaseException:
        context.close()
        raise
    return context


def _download(images: Images, context: Context, url: str, target: str, checksum: str) -> None:
    name = unquote(urlsplit(url).path).rpartition("/")[2]
    if name in ("", ".", "..") or "/" in name:
        if target.endswith("/"):
            raise InvalidArgument(f"cannot determine filename for source {url}")
        name = "file"
    digest = hashlib.sha256()
    with closing(open_url(images.registries, url)) as remote:

        def chunks() -> Iterator[bytes]:
            while data := remote.read(_CHUNK):
                digest.update(data)
                yield data

        context.add_stream(name, chunks(), 0o600)
    found = f"sha256:{digest.hexdigest()}"
    if checksum and parse_digest(checksum) != found:
        raise InvalidArgument(f"digest mismatch {found}: {checksum}")


def load_url(images: Images, context: Context, url: str) -> bool:
    """A remote context: an archive, or a lone Dockerfile (True)."""
    with closing(open_url(images.registries, url)) as remote:
        first = remote.read(_CHUNK)

        def chunks() -> Iterator[bytes]:
            data = first
            while data:
                yield data
                data = remote.read(_CHUNK)

        if looks_like_archive(first):
            context.load(cast(BinaryIO, Reader(chunks())))
            return False
        context.add_stream("Dockerfile", chunks(), 0o644)
        return True


def looks_like_archive(first: bytes) -> bool:
    """Judged by its first bytes: a tar, or something compressed that may hold one."""
    return bool(detect(first[:16])) or first[257:262] == b"ustar"


# --- git --------------------------------------------------------------------------------------


def split_git(text: str) -> tuple[str, str, str]:
    """(URL, ref, folder in it) of `url#ref:folder`. Raises InvalidArgument for what git might
    take as an option or a way out."""
    url, _, fragment = text.partition("#")
    ref, _, folder = fragment.partition(":")
    if url.lower().startswith("github.com/"):
        url = "https://" + url
    for part in (url, ref, folder):
        if part.startswith("-") or "\n" in part or "\0" in part:
            raise InvalidArgument(f"invalid git reference: {text}")
    if ".." in folder.split("/") or folder.startswith("/"):
        raise InvalidArgument(f"invalid git subdirectory: {folder}")
    if not re.fullmatch(r"[\w./@+=,-]*", ref) or ".." in ref:
        raise InvalidArgument(f"invalid git reference: {ref}")
    host = re.match(r"(?:\w+://)?(?:[^@/]*@)?([^/:]*)", url)
    if host is not None and host[1].startswith("-"):
        raise InvalidArgument(f"invalid git host: {url}")
    return url, ref, folder.strip("/")


def load_git(context: Context, text: str, scratch: Path) -> None:
    """Raises InvalidArgument, SystemFailure with git's last line."""
    url, ref, folder = split_git(text)
    repository = scratch / f"git-{os.urandom(4).hex()}"
    try:
        _load_git(context, repository, url, ref, folder)
    finally:
        shutil.rmtree(repository, ignore_errors=True)


def _load_git(context: Context, repository: Path, url: str, ref: str, folder: str) -> None:
    scratch = repository.parent
    _git(scratch, "init", "-q", "--bare", str(repository))
    # What a repository says of archives does not count: all of it is wanted.
    (repository / "info").mkdir(exist_ok=True)
    (repository / "info" / "attributes").write_text("* -export-ignore -export-subst\n")
    wanted = ref or "HEAD"
    try:
        _git(repository, "fetch", "-q", "--depth=1", "--no-tags", "--", url, wanted)
        commit = "FETCH_HEAD"
    except SystemFailure:
        if not re.fullmatch(r"[0-9a-f]{7,64}", wanted):
            raise
        _git(repository, "fetch", "-q", "--tags", "--", url, "+refs/heads/*:refs/remotes/o/*")
        commit = wanted
    tree = f"{commit}:{folder}" if folder else commit
    process = subprocess.Popen(
        ["git", "-c", "tar.umask=0022", "archive", "--format=tar", tree],
        cwd=repository, env=_environment(scratch), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    with process:
        assert process.stdout
        assert process.stderr
        try:
            context.load(cast(BinaryIO, process.stdout))
        except BaseException:
            process.kill()
            raise
        error = process.stderr.read()
    if process.returncode:
        raise _failed(error)


def _environment(home: Path) -> dict[str, str]:
    return {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": _PROTOCOLS,
        "GIT_SSH_COMMAND": "ssh -o BatchMode=yes",
        "LC_ALL": "C",
    }


def _git(folder: Path, *words: str) -> None:
    try:
        done = subprocess.run(
            ["git", *words], cwd=folder, env=_environment(folder), stdin=subprocess.DEVNULL,
            capture_output=True, check=False,
        )  # fmt: skip
    except FileNotFoundError:
        raise SystemFailure("unable to prepare context: unable to find 'git'") from None
    if done.returncode:
        raise _failed(done.stderr)


def _failed(error: bytes) -> SystemFailure:
    last = error.decode("utf-8", "replace").strip().rpartition("\n")[2]
    return SystemFailure(f"error fetching: {last}")
