"""`orlop system check` finds every flipped bit, and what belongs to nobody; `--repair` mends."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest
from daemon import Daemon

pytestmark = [pytest.mark.root, pytest.mark.timeout(1200)]

FLIPS = 200 if os.environ.get("ORLOP_CHAOS") == "full" else 25


def check(daemon: Daemon, *options: str) -> tuple[int, str]:
    done = daemon.orlop("system", "check", *options, check=False)
    return done.returncode, done.stdout + done.stderr


def candidates(daemon: Daemon) -> list[Path]:
    """Files whose every bit is accounted for: contents, configurations, records."""
    store = daemon.data_root / "image/overlay2"
    found = [*(store / "imagedb/content/sha256").iterdir()]
    for record in (store / "layerdb/sha256").iterdir():
        found += [p for p in record.iterdir() if p.name != "tar-split.json.gz"]
        tree = daemon.data_root / "overlay2" / (record / "cache-id").read_text() / "diff"
        found += [p for p in tree.rglob("*") if p.is_file() and not p.is_symlink()]
    return sorted(p for p in found if p.stat().st_size)


def flip(path: Path, made: random.Random) -> tuple[int, bytes]:
    """One bit of the file, in place; (where, the byte that was there)."""
    at = made.randrange(path.stat().st_size)
    with path.open("r+b") as file:
        file.seek(at)
        old = file.read(1)
        file.seek(at)
        file.write(bytes([old[0] ^ 1 << made.randrange(8)]))
    return at, old


def restore(path: Path, at: int, old: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(old)


def test_every_flipped_bit_is_found(own_orlopd: Daemon) -> None:
    script = "for i in 1 2 3; do head -c 3000 /dev/urandom > /f$i; done; rm /etc/group"
    own_orlopd.docker("run", "--name", "source", "busybox", "sh", "-c", script)
    own_orlopd.docker("commit", "source", "second:1")
    assert check(own_orlopd)[0] == 0, check(own_orlopd)
    files = candidates(own_orlopd)
    seed = random.randrange(1 << 32)
    print("seed", seed)
    made = random.Random(seed)
    kinds: dict[str, list[Path]] = {}
    for path in files:
        kinds.setdefault(
            "/".join(path.parts[-4:-1] if "diff" not in path.parts else "t"), []
        ).append(path)
    for _ in range(FLIPS):
        path = made.choice(kinds[made.choice(sorted(kinds))])
        at, old = flip(path, made)
        code, text = check(own_orlopd, "-q")
        assert code == 1, (path, at, old, text)
        restore(path, at, old)
    assert check(own_orlopd)[0] == 0


def test_a_damaged_archive_record(own_orlopd: Daemon) -> None:
    store = own_orlopd.data_root / "image/overlay2/layerdb/sha256"
    split = next(store.glob("*/tar-split.json.gz"))
    whole = split.read_bytes()
    split.write_bytes(whole[: len(whole) // 2])
    code, text = check(own_orlopd)
    assert code == 1
    assert "tar-split" in text
    split.unlink()
    assert check(own_orlopd)[0] == 1


def test_orphans_in_both_directions(own_orlopd: Daemon) -> None:
    root = own_orlopd.data_root
    own_orlopd.docker("create", "--name", "one", "busybox")
    tree = root / "overlay2" / ("0" * 64)
    (tree / "diff").mkdir(parents=True)
    mount = root / "image/overlay2/layerdb/mounts" / ("1" * 64)
    mount.mkdir()
    (mount / "mount-id").write_text("2" * 64)
    code, text = check(own_orlopd, "-q")
    assert code == 1
    assert f"tree {'0' * 64}: no record names these files" in text
    assert f"mount {'1' * 64}: no container has this writable layer" in text
    code, text = check(own_orlopd, "-q", "--repair")
    assert f"tree {'0' * 64}: no record names these files (removed)" in text
    assert not tree.exists()
    shutil.rmtree(mount, ignore_errors=True)
    assert check(own_orlopd)[0] == 0


def test_repair_of_an_image(own_orlopd: Daemon) -> None:
    """It goes, with its name, so that it can come again; one in use stays."""
    saved = own_orlopd.base / "saved.tar"
    own_orlopd.docker("save", "-o", str(saved), "busybox")
    path = next(p for p in candidates(own_orlopd) if p.name == "busybox")
    own_orlopd.docker("create", "--name", "one", "busybox")
    flip(path, random.Random(1))
    code, text = check(own_orlopd, "-q", "--repair")
    assert code == 1
    assert "stays: conflict: unable to" in text
    own_orlopd.docker("rm", "one")
    code, text = check(own_orlopd, "-q", "--repair")
    assert "removed: pull busybox:latest again" in text
    assert own_orlopd.docker("images", "-q").stdout == ""
    own_orlopd.docker("load", "-i", str(saved))
    assert check(own_orlopd)[0] == 0
    assert own_orlopd.docker("run", "--rm", "busybox", "echo", "whole").stdout == "whole\n"


def test_what_layers_stand_on_is_checked_and_written_again(own_orlopd: Daemon) -> None:
    """`lower` and `link` are in no digest; a wrong one merges the wrong layers in silence."""
    own_orlopd.docker("run", "--name", "source", "busybox", "sh", "-c", "echo second >/second")
    own_orlopd.docker("commit", "source", "second:1")
    own_orlopd.docker("run", "--name", "third", "second:1", "sh", "-c", "echo third >/third")
    store = own_orlopd.data_root / "image/overlay2/layerdb"
    trees = own_orlopd.data_root / "overlay2"
    top = next(p for p in (store / "sha256").iterdir() if (p / "parent").exists())
    layer = trees / (top / "cache-id").read_text()
    container = own_orlopd.docker("inspect", "-f", "{{.Id}}", "third").stdout.strip()
    writable = trees / (store / "mounts" / container / "mount-id").read_text()
    damage = [
        ("layer", layer, "lower", "its list of layers below (lower) is not theirs"),
        ("layer", layer, "link", "its short name (link) does not lead to it"),
        ("container", writable, "lower", "its list of layers below (lower) is not theirs"),
        ("container", writable, "link", "its short name (link) does not lead to it"),
    ]
    for kind, tree, name, words in damage:
        right = (tree / name).read_text()
        wrong = "l/" + "A" * 26 if name == "lower" else "A" * 26
        (tree / name).write_text(wrong)
        code, text = check(own_orlopd, "-q")
        assert code == 1
        assert f"{kind} " in text
        assert words in text
        code, text = check(own_orlopd, "-q", "--repair")
        assert f"{words} (written again)" in text
        assert (tree / name).read_text() == right
        assert check(own_orlopd)[0] == 0
    assert own_orlopd.docker("diff", "third").stdout == "A /third\n"
    assert own_orlopd.docker("run", "--rm", "second:1", "cat", "/second").stdout == "second\n"
