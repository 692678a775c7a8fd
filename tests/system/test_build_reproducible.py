"""The same digest elsewhere: other data root, order, times, owners and host; and on another day."""

from __future__ import annotations

import io
import os
import random
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import buildlab
import pytest
from buildlab import Lab

sys.path[:0] = [str(Path(__file__).parents[1] / "compat" / "buildshapes")]

from shapes import SHAPES  # noqa: E402

from orlop.builder import events as ev  # noqa: E402
from orlop.builder.build import build  # noqa: E402
from orlop.builder.context import Context  # noqa: E402
from orlop.builder.request import Request  # noqa: E402
from orlop.image.load import load  # noqa: E402
from orlop.image.save import save  # noqa: E402

pytestmark = pytest.mark.root
FULL = os.environ.get("ORLOP_FUZZ") == "full"
CHOSEN = [n for i, n in enumerate(SHAPES) if FULL or i % 5 in (1, 3)]


@pytest.fixture(scope="module")
def labs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lab, Lab]]:
    bases = [Path(tmp_path_factory.mktemp(name)) for name in ("here", "elsewhere")]
    one, other = (buildlab.make(base) for base in bases)
    # bases are made on each machine; here both have the same
    archive = b"".join(save(one.engine.images, ["busybox"]))
    for _ in load(other.engine.images, io.BytesIO(archive), quiet=True):
        pass
    yield one, other
    for lab, base in ((one, bases[0]), (other, bases[1])):
        lab.close()
        subprocess.run(["umount", base / "data" / "overlay2"], stderr=subprocess.DEVNULL)


def shuffled(files: dict[str, str], seed: int) -> io.BytesIO:
    """The same content in another order, with other times and owners."""
    dice = random.Random(seed)
    names = list(files)
    dice.shuffle(names)
    out = io.BytesIO()
    form = dice.choice([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for name in names:
            data = files[name].encode()
            info = tarfile.TarInfo(dice.choice(["", "./"]) + name)
            info.size, info.mode = len(data), 0o644
            info.mtime = dice.randint(0, 2_000_000_000)
            info.uid = info.gid = dice.randint(0, 5000)
            info.uname = dice.choice(["", "somebody"])
            tar.addfile(info, io.BytesIO(data))
    out.seek(0)
    return out


def digest(lab: Lab, text: str, files: dict[str, str], seed: int) -> str:
    with closing(Context(lab.engine.builder.spool)) as context:
        context.load(shuffled({"Dockerfile": text, **files}, seed))
        *_, done = build(lab.engine.builder, Request(context, network="none", no_cache=True))
    assert isinstance(done, ev.Finished)
    return done.image


@pytest.mark.parametrize("name", CHOSEN)
def test_the_same_digest_elsewhere(labs: tuple[Lab, Lab], name: str) -> None:
    text, files = SHAPES[name]
    here = digest(labs[0], text, files, 1)
    assert here == digest(labs[1], text, files, 2)
