"""Power cuts while images are pulled: a machine with a disk of its own is killed and booted again.

    python tests/vm/powercuts.py [CUTS]      default 2; see also ORLOP_CHAOS_SEED, ORLOP_CHAOS_TABLE

What the guest had not written to its disk is gone with its page cache. After each cut the daemon
must start, every pull it had acknowledged must be there and whole, and nothing that it lists may be
damaged. A line of the guest's console (`powercut_guest.py`) is its word: PULL n, ACK n, DROP n.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import random
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(REPO), str(REPO / "tests"), str(REPO / "tests/vm")]
import machine  # noqa: E402
from fakes.images import document, gz, layer_tar  # noqa: E402
from registry import Registry  # noqa: E402

IMAGES = 6
PLACE = machine.CACHE / f"powercuts-{os.getpid()}"
_DISK = 1 << 30
_BOOT = 900  # seconds until the guest pulls, on a host with other work
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def fill(registry: Registry, made: random.Random) -> None:
    """Images i:0 … that share their lowest layer."""
    shared = layer_tar({f"shared/{n}": made.randbytes(9000) for n in range(100)})
    for number in range(IMAGES):
        own = layer_tar({f"own/{n}": made.randbytes(20_000) for n in range(200)})
        layers = [shared, own]
        config = json.dumps(document(layers)).encode()
        rows = [_put(registry, gz(layer), _LAYER) for layer in layers]
        manifest = {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": _put(registry, config, _CONFIG),
            "layers": rows,
        }
        _send(registry, "PUT", f"/v2/i/manifests/{number}", json.dumps(manifest).encode())


def _put(registry: Registry, data: bytes, kind: str) -> dict[str, object]:
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    place = _send(registry, "POST", "/v2/i/blobs/uploads/", b"")
    path = "/" + place.split("/", 3)[3]
    _send(registry, "PUT", f"{path}&digest={digest}", data)
    return {"mediaType": kind, "digest": digest, "size": len(data)}


def _send(registry: Registry, method: str, path: str, body: bytes) -> str:
    call = http.client.HTTPConnection(registry.address, timeout=30)
    call.request(method, path, body, {"Content-Type": _MANIFEST})
    answer = call.getresponse()
    answer.read()
    call.close()
    assert answer.status in (201, 202), (method, path, answer.status)
    return answer.getheader("Location", "")


class Cutting:
    def __init__(self, made: random.Random) -> None:
        self.made = made
        self.kept: set[str] = set()  # acknowledged
        self.told: list[str] = []  # of the last boot
        self.pull = 10.0  # seconds that one takes
        self.slowest = 0.0
        self.pulls = self.creates = self.slow = 0

    def boot(self, *, cut: bool) -> None:
        """Check what the last cut left; then pull until this one. AssertionError."""
        disk = f"file={PLACE}/disk,format=raw,if=virtio,cache=writeback"
        program = [".venv/bin/python", "tests/vm/powercut_guest.py", str(PLACE), *sorted(self.kept)]
        self.told = []
        after, begun, armed = _BOOT * 1.0, time.monotonic(), False
        with machine.booted(program, "-drive", disk) as guest:
            assert guest.stdout
            while True:
                left = begun + after - time.monotonic()
                if left <= 0 or not select.select([guest.stdout], [], [], left)[0]:
                    break
                raw = guest.stdout.readline()
                if not raw:
                    break
                line = raw.decode("utf-8", "replace").strip()
                self.heed(line)
                if line.startswith("PULL") and not cut:
                    break
                # The first cut waits until there is something to lose.
                if line.startswith("PULL" if self.kept else "ACK") and not armed:
                    armed = True
                    begun, after = time.monotonic(), self.made.uniform(0, 3 * self.pull)
            guest.kill()  # the power cut
            for raw in guest.stdout:
                self.heed(raw.decode("utf-8", "replace").strip())
        bad = [line for line in self.told if line.startswith(("LOST", "BAD", "Traceback"))]
        assert not bad, "\n".join(self.told)
        assert any(line.startswith("SOUND") for line in self.told), self.told[-20:]

    def heed(self, line: str) -> None:
        self.told.append(line)
        word, _, rest = line.partition(" ")
        if word == "ACK":
            number, seconds = rest.split()
            self.kept.add(number)
            if number.startswith("c"):
                self.creates += 1
            else:
                self.pulls += 1
                self.pull = float(seconds)
        elif word == "DROP":
            self.kept.discard(rest)
        elif word == "SLOW":
            self.slow += 1
        elif word == "READY":
            self.slowest = max(self.slowest, float(rest))


def main() -> None:
    cuts = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    seed = int(os.environ.get("ORLOP_CHAOS_SEED") or int.from_bytes(os.urandom(4), "big"))
    print("ORLOP_CHAOS_SEED =", seed, flush=True)
    made = random.Random(seed)
    machine.prepare()
    for folder in ("orlop", "tests"):  # the guest sees the checkout, and cannot write into it
        subprocess.run(
            ["/usr/bin/python3", "-m", "compileall", "-q", str(REPO / folder)], check=True
        )
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir()
    registry = Registry()
    try:
        fill(registry, made)
        shutil.copytree(registry.base / "data", PLACE / "data")
    finally:
        registry.close()
    try:
        with open(PLACE / "disk", "wb") as disk:
            disk.truncate(_DISK)
        subprocess.run(["mkfs.ext4", "-qF", str(PLACE / "disk")], check=True)
        cutting = Cutting(made)
        for number in range(cuts):
            cutting.boot(cut=True)
            sound = next(line for line in cutting.told if line.startswith("SOUND"))
            print(f"cut {number + 1}: before it {sound}; kept {sorted(cutting.kept)}", flush=True)
        cutting.boot(cut=False)
        assert cutting.pulls, "nothing was acknowledged before the cuts"
    finally:
        shutil.rmtree(PLACE, ignore_errors=True)
    row = {
        "sweep": "power cuts",
        "kills": cuts,
        "acknowledged": cutting.pulls,
        "containers": cutting.creates,
        "slowest start, s": cutting.slowest,
        "keeper started again": cutting.slow,
    }
    print(json.dumps(row))
    if os.environ.get("ORLOP_CHAOS_TABLE"):
        with open(os.environ["ORLOP_CHAOS_TABLE"], "a") as file:
            file.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
