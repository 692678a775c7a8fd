from __future__ import annotations

from pathlib import Path

from orlop.builder.context import Context
from orlop.builder.ignorefile import beside, ignored


def test_the_file_beside_a_dockerfile_comes_first(tmp_path: Path) -> None:
    context = Context(tmp_path)
    assert ignored(context) is None
    context.add_file(".dockerignore", b"a\n")
    names = beside("sub/Dockerfile"), ".dockerignore"
    assert ignored(context, *names) == ["a"]
    context.add_file("sub/Dockerfile.dockerignore", b"")
    assert ignored(context, *names) == []
    context.close()
