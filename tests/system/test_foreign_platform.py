"""RUN for another machine: binfmt_misc and qemu-user, registered in a user's own namespace.

A handler of the host's would be everybody's; since Linux 6.7 a user namespace may have its own.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from daemon import REPO
from rootlessd import Rootless

TOOLS = REPO / ".venv" / "tools" / "foreign"
RELEASE = tuple(int(part) for part in os.uname().release.split("-")[0].split(".")[:2])
pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(RELEASE < (6, 7), reason="binfmt_misc of a user namespace needs Linux 6.7"),
    pytest.mark.skipif(os.uname().machine != "x86_64", reason="arm64 is foreign to x86_64 only"),
]
DOCKERFILE = """\
FROM scratch
ARG TARGETARCH
COPY $TARGETARCH /bin/busybox
RUN ["/bin/busybox", "--install", "/bin"]
RUN uname -m > /machine; cat /machine
"""
# 64 bits, little-endian, executable or shared, AArch64
MAGIC = r"\x7fELF\x02\x01\x01" + r"\x00" * 9 + r"\x02\x00\xb7\x00"
MASK = r"\xff" * 7 + r"\x00" + r"\xff" * 8 + r"\xfe\xff\xff\xff"
REGISTER = """\
mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
printf %s "$1" > /proc/sys/fs/binfmt_misc/register
"""


@pytest.fixture(scope="module")
def user() -> Iterator[Rootless]:
    with closing(Rootless()) as made:
        context = made.base / "home" / "context"
        context.mkdir()
        shutil.copy(TOOLS / "busybox", context / "arm64")
        shutil.copy("/bin/busybox", context / "amd64")
        (context / "Dockerfile").write_text(DOCKERFILE)
        context.chmod(0o755)
        made.orlop("version")  # it starts
        yield made


def test_without_a_handler_the_error_says_what_is_missing(user: Rootless) -> None:
    words = ("build", "--platform=linux/arm64", f"{user.base}/home/context")
    done = user.orlop(*words, check=False)
    assert done.returncode == 1
    assert "exec /bin/busybox: exec format error\n" in done.stderr
    assert "RUN needs binfmt_misc with qemu-user for it" in done.stderr


def test_with_a_handler_another_machines_programs_run(user: Rootless) -> None:
    qemu = user.base / "qemu-aarch64"
    shutil.copy(TOOLS / "qemu-aarch64-static", qemu)
    # F: opened now, so that a container need not have it; P: programs see their own names
    rule = f":qemu-aarch64:M::{MAGIC}:{MASK}:{qemu}:FP"
    enter = ["nsenter", f"-t{user.pid('keeper')}", "-U", "-m", "-S0", "-G0"]
    subprocess.run([*enter, "sh", "-ec", REGISTER, "sh", rule], check=True)
    layout = user.base / "home" / "layout.tar"
    user.orlop("build", "--platform=linux/amd64,linux/arm64", f"-o=type=oci,dest={layout}",
               f"{user.base}/home/context")  # fmt: skip
    index = subprocess.run(
        ["tar", "-xOf", layout, "index.json"], check=True, capture_output=True
    ).stdout
    assert len(json.loads(index)["manifests"]) == 1
    done = user.orlop("build", "-t=arm", "--platform=linux/arm64", "--progress=plain",
                      f"{user.base}/home/context")  # fmt: skip
    assert "CACHED" in done.stderr
    assert user.orlop("run", "--rm", "arm", "cat", "/machine").stdout == "aarch64\n"
    assert user.orlop("run", "--rm", "arm", "uname", "-m").stdout == "aarch64\n"
    shown = user.orlop("image", "inspect", "-f={{.Architecture}}", "arm").stdout
    assert shown == "arm64\n"
    assert not Path("/proc/sys/fs/binfmt_misc/qemu-aarch64").exists()  # the host has none of it
