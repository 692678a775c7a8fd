"""Git repositories as contexts: a ref, a folder of it, with its submodules, with `.git` or without.

A repository is never checked out: git makes an archive of it, which is read as any other context,
so that neither its links nor its names nor its hooks can do anything here.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, cast
from urllib.parse import parse_qsl

from orlop.builder.context import Context
from orlop.builder.submodules import Submodule, named, resolved
from orlop.errors import InvalidArgument, SystemFailure

_PROTOCOLS = "http:https:git:ssh"
_DEPTH = 10  # submodules in submodules
_COMMIT = re.compile(r"[0-9a-f]{7,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Asked:
    """What `url?key=value#ref:folder` says."""

    url: str
    ref: str = ""
    folder: str = ""
    checksum: str = ""  # a commit, or how its ID begins
    keep: bool = False  # `.git`, too
    submodules: bool = True


def parse_git(text: str) -> Asked:
    """Raises InvalidArgument, also for what git might take as an option or a way out."""
    address, _, fragment = text.partition("#")
    ref, _, folder = fragment.partition(":")
    url, _, query = address.partition("?")
    if url.lower().startswith("github.com/"):
        url = "https://" + url
    found = _queried(Asked(url, ref, folder), query, text)
    for part in (found.url, found.ref, found.folder, found.checksum):
        if part.startswith("-") or "\n" in part or "\0" in part:
            raise InvalidArgument(f"invalid git reference: {text}")
    if ".." in found.folder.split("/") or found.folder.startswith("/"):
        raise InvalidArgument(f"invalid git subdirectory: {found.folder}")
    if not re.fullmatch(r"[\w./@+=,-]*", found.ref) or ".." in found.ref:
        raise InvalidArgument(f"invalid git reference: {found.ref}")
    host = re.match(r"(?:\w+://)?(?:[^@/]*@)?([^/:]*)", url)
    if host is not None and host[1].startswith("-"):
        raise InvalidArgument(f"invalid git host: {url}")
    return replace(found, folder=found.folder.strip("/"))


def _queried(found: Asked, query: str, text: str) -> Asked:
    for key, value in parse_qsl(query, keep_blank_values=True):
        on = value.lower() in ("", "1", "true")
        if key in ("ref", "branch", "tag"):
            if found.ref:
                raise InvalidArgument(f"ref conflicts with another ref: {text}")
            below = {"ref": "", "branch": "refs/heads/", "tag": "refs/tags/"}[key]
            found = replace(found, ref=below + value)
        elif key == "subdir":
            found = replace(found, folder=value.strip("/"))
        elif key in ("checksum", "commit"):
            found = replace(found, checksum=value)
        elif key == "keep-git-dir":
            found = replace(found, keep=on)
        elif key == "submodules":
            found = replace(found, submodules=on)
        else:
            raise InvalidArgument(f'unexpected query "{key}" in git URL')
    return found


def load_git(
    context: Context, text: str, scratch: Path, *, keep: bool = False, checksum: str = ""
) -> None:
    """Raises InvalidArgument, SystemFailure with git's last line.

    `keep`: with `.git`, unless a folder of it is asked for; `checksum`: the commit it must be.
    """
    asked = parse_git(text)
    asked = replace(asked, keep=asked.keep or keep, checksum=checksum or asked.checksum)
    _load(context, asked, scratch, "", 0, ".git" if asked.keep and not asked.folder else "")
    context.settle()


@contextmanager
def _repository(scratch: Path) -> Iterator[Path]:
    path = scratch / f"git-{os.urandom(4).hex()}"
    try:
        _git(scratch, "init", "-q", "--bare", str(path))
        # What a repository says of archives does not count: all of it is wanted.
        (path / "info").mkdir(exist_ok=True)
        (path / "info" / "attributes").write_text("* -export-ignore -export-subst\n")
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _load(
    context: Context, asked: Asked, scratch: Path, prefix: str, depth: int, kept: str
) -> None:
    """`prefix`: of the files' paths; `kept`: where the repository itself is to lie, "" nowhere."""
    with _repository(scratch) as repository:
        commit = _fetched(repository, asked)
        if asked.checksum and not (
            _COMMIT.fullmatch(asked.checksum) and commit.startswith(asked.checksum)
        ):
            raise InvalidArgument(f"expected checksum to match {asked.checksum}, got {commit}")
        _archive(context, repository, commit, asked.folder, prefix)
        found = _submodules(repository, commit, asked) if asked.submodules else []
        if kept:
            from orlop.builder.gitdir import add_git_dir

            urls = {one.name: one.url for one in found}
            add_git_dir(context, repository, commit, asked.url, _git, kept, prefix, urls)
    for one in found:
        if depth >= _DEPTH:
            raise InvalidArgument(f"submodules are nested too deeply: {one.path}")
        inner = parse_git(one.url + "#")
        inner = replace(inner, ref=one.commit, submodules=True)
        below = f"{kept}/modules/{one.name}" if kept else ""
        _load(context, inner, scratch, f"{prefix}{one.path}/", depth + 1, below)


def _fetched(repository: Path, asked: Asked) -> str:
    """Fetch what is asked for; the commit's ID."""
    wanted = asked.ref or "HEAD"
    try:
        _git(repository, "fetch", "-q", "--depth=1", "--no-tags", "--", asked.url, wanted)
        commit = "FETCH_HEAD"
    except SystemFailure:
        if not _COMMIT.fullmatch(wanted):
            raise
        _git(repository, "fetch", "-q", "--tags", "--", asked.url,
             "+refs/heads/*:refs/remotes/o/*")  # fmt: skip
        commit = wanted
    return _git(repository, "rev-parse", "--verify", f"{commit}^{{commit}}").decode().strip()


def _submodules(repository: Path, commit: str, asked: Asked) -> list[Submodule]:
    """Those below the wanted folder, their paths from there."""
    folder = asked.folder + "/" if asked.folder else ""
    links, described = {}, False
    for line in _git(repository, "ls-tree", "-r", "-z", commit).split(b"\0"):
        words, _, entry = line.partition(b"\t")
        if words.startswith(b"160000 "):
            links[os.fsdecode(entry)] = words.split()[2].decode()
        described = described or entry == b".gitmodules"
    if not links or not described:
        return []  # links that nothing says more of are empty folders, as in a clone
    said = _git(repository, "config", "-z", "--blob", f"{commit}:.gitmodules", "--list")
    out = []
    for path, (name, url) in named(said).items():
        if path in links and path.startswith(folder):
            where = resolved(url, asked.url)
            out.append(Submodule(name, path.removeprefix(folder), where, links[path]))
    return sorted(out, key=lambda one: one.path)


def _archive(context: Context, repository: Path, commit: str, folder: str, prefix: str) -> None:
    tree = f"{commit}:{folder}" if folder else commit
    process = subprocess.Popen(
        ["git", "-c", "tar.umask=0022", "archive", "--format=tar", f"--prefix={prefix}", tree],
        cwd=repository, env=_environment(repository.parent), stdin=subprocess.DEVNULL,
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


def _git(folder: Path, *words: str) -> bytes:
    try:
        done = subprocess.run(
            ["git", *words], cwd=folder, env=_environment(folder), stdin=subprocess.DEVNULL,
            capture_output=True, check=False,
        )  # fmt: skip
    except FileNotFoundError:
        raise SystemFailure("unable to prepare context: unable to find 'git'") from None
    if done.returncode:
        raise _failed(done.stderr)
    return done.stdout


def _failed(error: bytes) -> SystemFailure:
    last = error.decode("utf-8", "replace").strip().rpartition("\n")[2]
    return SystemFailure(f"error fetching: {last}")
