"""In the machine of `powercuts.py`: check what the last cut left, then pull until the next.

python powercut_guest.py PLACE [KEPT …]     KEPT: numbers of images whose pull was acknowledged
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import daemon as harness

ADDRESS = "127.0.0.1:5000"
DISK = Path("/run/disk")
IMAGES = 6


def say(*words: object) -> None:
    print(*words, flush=True)


def serve(place: str) -> None:
    """The registry, on what the host wrote; nothing is written there."""
    config = Path("/run/registry.yml")
    config.write_text(
        "version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n"
        f"storage: {{filesystem: {{rootdirectory: {place}/data}}, "
        "maintenance: {readonly: {enabled: true}}}\n"
        f"http: {{addr: '{ADDRESS}'}}\n"
    )
    binary = shutil.which("docker-registry") or "/usr/bin/docker-registry"
    environment = {**os.environ, "OTEL_TRACES_EXPORTER": "none"}
    subprocess.Popen([binary, "serve", str(config)], env=environment)


def start(daemon: harness.Daemon) -> None:
    """The keeper has 20 seconds, which its first import can take on a host with other work."""
    for _ in range(5):
        try:
            daemon.start()
            return
        except AssertionError as error:
            if "the keeper does not start" not in str(error):
                raise
            say("SLOW")
    raise AssertionError("the keeper does not start")


def judge(daemon: harness.Daemon, kept: list[str]) -> None:
    # hashes every layer and config of every image
    checked = daemon.orlop("system", "check", "-q", check=False, timeout=600)
    if checked.returncode:
        say("BAD", checked.stderr.replace("\n", "; "))
    there = set(daemon.docker("images", "--format", "{{.Tag}}", timeout=600).stdout.split())
    for number in kept:
        if number.startswith("c"):  # its layers can be merged
            found = daemon.docker(
                "cp", f"{number}:/shared/7", "-", check=False, text=False, timeout=600
            )
            if found.returncode:
                say("LOST", number, found.stderr.decode().replace("\n", "; "))
        elif number not in there:
            say("LOST", number)
    say("SOUND", len(there))


def main() -> None:
    place, *kept = sys.argv[1:]
    for module in ("virtio_blk", "ext4"):
        subprocess.run(["busybox", "modprobe", module], check=True)
    DISK.mkdir()
    subprocess.run(["mount", "-t", "ext4", "/dev/vda", str(DISK)], check=True)
    serve(place)
    harness._READY = 240  # Python is twenty times slower here
    daemon = harness.Daemon("--iptables=false", name="cut")
    daemon.data_root = DISK / "root"
    begun = time.monotonic()
    start(daemon)
    say("READY", round(time.monotonic() - begun, 2))
    judge(daemon, kept)
    for name in [name for name in kept if name.startswith("c")]:
        say("DROP", name)
        daemon.docker("rm", name, timeout=600)
    for number in [name for name in kept if not name.startswith("c")][: IMAGES // 2]:
        say("DROP", number)
        daemon.docker("rmi", "-f", f"{ADDRESS}/i:{number}", timeout=600)
    for turn in count():
        number = str(turn % IMAGES)
        say("PULL", number)
        begun = time.monotonic()
        daemon.docker("pull", "-q", f"{ADDRESS}/i:{number}", timeout=600)
        say("ACK", number, round(time.monotonic() - begun, 2))
        begun = time.monotonic()
        name = f"c{turn}-{time.time_ns() % 10**9}"
        daemon.docker("create", "--name", name, f"{ADDRESS}/i:{number}", timeout=600)
        say("ACK", name, round(time.monotonic() - begun, 2))
        if turn >= IMAGES - 2:
            gone = str((turn + 2) % IMAGES)
            say("DROP", gone)
            daemon.docker("rmi", "-f", f"{ADDRESS}/i:{gone}", check=False)


if __name__ == "__main__":
    main()
