"""`--keep-git-dir`: the repository itself beside its files, the same for the same commit."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from orlop.builder.context import Context
from orlop.builder.source import DIRECTORY, Item

_LEFT_OUT = ("FETCH_HEAD", "description", "hooks", "info", "branches", "logs", "gc.log")
_CHUNK = 1 << 20


def add_git_dir(
    context: Context, repository: Path, commit: str, url: str, git: Callable[..., bytes],
    place: str, prefix: str, submodules: Mapping[str, str],
) -> None:  # fmt: skip
    """A clone at `commit`, its index without times, as `place` in the context. `git`: runs it in a
    folder; `prefix`: of its files, "" or that of a submodule, whose `.git` then names the place;
    `submodules`: its own, name → URL."""
    git(repository, "update-ref", "--no-deref", "HEAD", commit)
    for ref in git(repository, "for-each-ref", "--format=%(refname)").decode().split():
        git(repository, "update-ref", "-d", ref)
    git(repository, "read-tree", commit)
    git(repository, "-c", "pack.threads=1", "-c", "repack.writeBitmaps=false", "repack", "-adq")
    for key, value in (
        ("core.bare", "false"),
        ("core.logallrefupdates", "true"),
        ("remote.origin.url", url),
        ("remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*"),
    ):
        git(repository, "config", key, value)
    for name, where in sorted(submodules.items()):
        git(repository, "config", f"submodule.{name}.active", "true")
        git(repository, "config", f"submodule.{name}.url", where)
    if prefix:
        git(repository, "config", "core.worktree", os.path.relpath(prefix, place))
        context.add_file(f"{prefix}.git", f"gitdir: {os.path.relpath(place, prefix)}\n".encode())
    for name in _LEFT_OUT:
        path = repository / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    context.put(Item(place, DIRECTORY, 0o755))
    for folder, folders, files in os.walk(repository):
        folders.sort()
        below = os.path.join(place, os.path.relpath(folder, repository))
        for name in folders:
            context.put(Item(os.path.normpath(f"{below}/{name}"), DIRECTORY, 0o755))
        for name in sorted(files):
            with open(os.path.join(folder, name), "rb") as file:
                blocks: Iterator[bytes] = iter(lambda f=file: f.read(_CHUNK), b"")  # type: ignore[misc]
                context.add_stream(os.path.normpath(f"{below}/{name}"), blocks, 0o644)
