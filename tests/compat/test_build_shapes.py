"""Sixty Dockerfiles of real projects' shape and odd ones: the same config and files as dockerd
28.5.2 makes. Fifty were recorded with the classic builder, the others with BuildKit.
"""

from __future__ import annotations

import io
import json
import os
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "buildshapes"), str(HERE.parent / "system")]

import buildlab  # noqa: E402
from modern import MODERN  # noqa: E402
from odd import ODD  # noqa: E402
from record import changed, config_of, tree_of  # noqa: E402
from shapes import SHAPES  # noqa: E402

from orlop.image.rootfs import rootfs  # noqa: E402

pytestmark = pytest.mark.root

EXPECTED: dict[str, Any] = {
    **json.loads((HERE / "buildshapes" / "docker-28.5.2.json").read_text()),
    **json.loads((HERE / "buildshapes" / "docker-28.5.2-buildkit.json").read_text()),
}
BUILDKIT = {**MODERN, **ODD}
ALL = {**SHAPES, **BUILDKIT}
# As BuildKit: what --chown names also owns the directories that COPY makes on the way, and USER
# what WORKDIR makes. The classic builder does so for a file and not for a directory.
OWNED = {
    "users": {"made": 65534},
    "node-user": {"app": 1001},
    "python-multistage": {"own": 1000, "own/app": 1000},
}
FULL = os.environ.get("ORLOP_FUZZ") == "full"
CHOSEN = [
    name
    for number, name in enumerate(ALL)
    if FULL or number % 3 == 0 or name in OWNED or name in BUILDKIT
]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[buildlab.Lab]:
    yield from buildlab.opened(tmp_path_factory.mktemp("shapes"))


def tree(lab: buildlab.Lab, image: str) -> dict[str, list[Any]]:
    data = b"".join(rootfs(lab.engine.images, image))
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return tree_of(archive)


@pytest.mark.parametrize("name", CHOSEN)
def test_the_same_as_docker(lab: buildlab.Lab, name: str) -> None:
    text, files = ALL[name]
    found = lab.build(text, dict(files))
    expected = EXPECTED[name]
    mine = tree(lab, found.id)
    if "FROM scratch" not in text:
        mine = changed(mine, tree(lab, "busybox"))
    for path, uid in OWNED.get(name, {}).items():
        assert mine[path][2:4] == [uid, uid]
        mine[path][2:4] = [0, 0]
    config = config_of(found.config)
    if name in BUILDKIT and "FROM scratch" in text:
        config.setdefault("WorkingDir", "/")  # which BuildKit writes, and the classic builder not
        mine.pop("etc", None)  # as the recording: what the engine puts there is left out
    assert config == expected["config"]
    assert mine == expected["tree"]
