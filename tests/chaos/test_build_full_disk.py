"""A disk that fills up during a build: a clear error, nothing left, the next build works."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parents[1] / "system")]

import buildlab  # noqa: E402
from buildlab import Lab  # noqa: E402

from orlop.builder.context import Context  # noqa: E402
from orlop.builder.run import StepFailed  # noqa: E402

pytestmark = pytest.mark.root
_MB = 1 << 20


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", tmp_path], check=True)
    try:
        yield from buildlab.opened(tmp_path)
    finally:
        subprocess.run(["umount", "-l", tmp_path], check=True)


def free(lab: Lab) -> int:
    import os

    lab.containers.cleanup.drain()
    found = os.statvfs(lab.base)
    return found.f_bavail * found.f_frsize


def test_a_full_disk(lab: Lab) -> None:
    lab.build("FROM busybox\nRUN echo warm > /w\n")
    before = free(lab)
    with pytest.raises(StepFailed):
        lab.build("FROM busybox\nRUN dd if=/dev/zero of=/big bs=1M count=99\n", force_remove=True)
    assert free(lab) >= before - 2 * _MB
    half = {"f": b"\1" * (9 * _MB)}
    with pytest.raises(OSError, match="No space left"):
        lab.build("FROM busybox\nCOPY f /one\nCOPY f /two\nCOPY f /three\n", half)
    full = pytest.raises(OSError, match="No space left")
    with closing(Context(lab.engine.builder.spool)) as context, full:
        context.load(buildlab.archive({"f": b"\1" * (40 * _MB)}))
    lab.engine.images.let_go(lab.engine.builder.cache.drop(lab.engine.builder.cache.records()))
    for image in lab.engine.images.all():
        if not lab.engine.images.references.of(image.id) and not lab.engine.images.children(
            image.id
        ):
            lab.engine.images.delete(image)
    lab.reopen()
    found = lab.build("FROM busybox\nCOPY f /f\n", {"f": "small"})
    assert found.sh("cat /f") == "small"
    assert list(lab.engine.builder.spool.iterdir()) == []
