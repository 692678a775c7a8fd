"""A small virtual machine that shows the host's own files, to test what the host's kernel lacks.

    python tests/vm/machine.py [COMMAND…]      default: the tests below tests/vm, in it

Debian's cloud kernel under QEMU's own translation (no /dev/kvm needed): pure cgroup v2, AppArmor.
Its root is the host's / by virtiofs, read-only, with a tmpfs over it: nothing is copied, nothing
of the host can change. What it needs is unpacked once into .venv/vm, nothing is installed but
QEMU. Python is about twenty times slower in it than outside.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent.parent
CACHE = (REPO / ".venv").resolve() / "vm"
_TESTS = [
    ".venv/bin/python",
    "-m",
    "pytest",
    "-q",
    "--color=no",
    "-p",
    "no:cacheprovider",
    "tests/vm",
]
_MODULES = ("virtio_pci", "virtiofs", "overlay")  # to reach the root
_KERNEL = "linux-image-cloud-amd64"
_VIRTIOFSD = ("/usr/lib/qemu/virtiofsd", "/usr/libexec/virtiofsd")
_MEMORY = "2G"
_EXIT = re.compile(r"^vm: exit (\d+)\s*$")
_MAX = 1500  # seconds

_INIT = """\
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
for module in {modules}; do insmod /modules/$module.ko || echo "vm: no module $module"; done
mkdir -p /host /over /new
mount -t virtiofs host /host -o ro || echo 'vm: no root'
mount -t tmpfs over /over; mkdir /over/upper /over/work
mount -t overlay overlay /new -o lowerdir=/host,upperdir=/over/upper,workdir=/over/work
for d in proc sys dev; do mount --move /$d /new/$d; done
mount -t tmpfs tmp /new/tmp; mount -t tmpfs run /new/run; mount -t tmpfs tmp /new/var/tmp
for d in {repo} {cache}; do  # what the tmpfs just hid
  [ -e /new$d ] || {{ mkdir -p /new$d; mount --bind /host$d /new$d; }}
done
mkdir -p /new/dev/shm /new/dev/pts
mount -t tmpfs shm /new/dev/shm; mount -t devpts pts /new/dev/pts
mount --bind /new{cache}/tree/lib/modules /new/lib/modules 2>/dev/null || {{
  mkdir -p /new/lib/modules; mount --bind /new{cache}/tree/lib/modules /new/lib/modules; }}
exec switch_root /new /bin/sh {repo}/tests/vm/guest.sh {repo} {cache}
"""

# it names the checkout, and several may share the cache
INITRD = CACHE / f"initrd-{hashlib.sha256(f'{REPO}{_MODULES}{_INIT}'.encode()).hexdigest()[:12]}"


def prepare() -> None:
    """Unpack kernel and AppArmor's parser into the cache; make this checkout's first root."""
    if not (CACHE / "tree/boot").exists():
        _unpack()
    if not INITRD.exists():
        version = next((CACHE / "tree/lib/modules").iterdir()).name
        INITRD.write_bytes(gzip.compress(b"".join(_first_root(version)), 1))


def _unpack() -> None:
    shutil.rmtree(CACHE, ignore_errors=True)
    CACHE.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="orlop-vm-", dir="/var/tmp") as scratch:
        os.chmod(scratch, 0o777)  # apt downloads as a user of its own
        for package in (_kernel(), "apparmor"):
            subprocess.run(["apt-get", "download", "-qq", package], cwd=scratch, check=True)
        for deb in Path(scratch).glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", str(deb), str(CACHE / "tree")], check=True)
    version = next((CACHE / "tree/lib/modules").iterdir()).name
    subprocess.run(["busybox", "depmod", "-b", str(CACHE / "tree"), version], check=True)


def _kernel() -> str:
    """The package that the meta package stands for."""
    out = subprocess.run(
        ["apt-cache", "depends", _KERNEL], capture_output=True, text=True, check=True
    ).stdout
    found = re.search(r"Depends: (linux-image-\S+)", out)
    if found is None:
        raise SystemExit(f"vm: the package {_KERNEL} is not to be had here")
    return found[1]


def _first_root(version: str) -> Iterator[bytes]:
    """A cpio archive (newc): busybox, the modules of the root, and where the command goes."""
    order = list(_with_needed(version))
    script = _INIT.format(
        modules=" ".join(Path(m).stem.partition(".")[0] for m in order),
        cache=CACHE,
        repo=REPO,
    )
    busybox = Path(shutil.which("busybox") or "/bin/busybox").read_bytes()
    for name in ("bin", "modules", "proc", "sys", "dev"):
        yield _member(name, stat.S_IFDIR | 0o755, b"")
    yield _member("bin/busybox", stat.S_IFREG | 0o755, busybox)
    yield _member("init", stat.S_IFREG | 0o755, script.encode())
    for module in order:
        data = _plain(CACHE / "tree/lib/modules" / version / module)
        name = f"modules/{Path(module).name.partition('.')[0]}.ko"
        yield _member(name, stat.S_IFREG | 0o644, data)
    yield _member("TRAILER!!!", 0, b"")


def _with_needed(version: str) -> Iterator[str]:
    """The modules and, before each, what it needs."""
    needs: dict[str, list[str]] = {}
    for line in (CACHE / "tree/lib/modules" / version / "modules.dep").read_text().splitlines():
        module, _, rest = line.partition(":")
        needs[module] = rest.split()
    seen: set[str] = set()

    def visit(module: str) -> Iterator[str]:
        if module not in seen:
            seen.add(module)
            for other in needs[module]:
                yield from visit(other)
            yield module

    for name in _MODULES:
        for module in needs:
            if Path(module).name.partition(".")[0] == name:
                yield from visit(module)


def _plain(path: Path) -> bytes:
    if path.suffix == ".xz":
        import lzma

        return lzma.decompress(path.read_bytes())
    return path.read_bytes()


def _member(name: str, mode: int, data: bytes) -> bytes:
    fields = [0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
    head = b"070701" + b"".join(b"%08X" % f for f in fields) + name.encode() + b"\0"
    return head + bytes(-len(head) & 3) + data + bytes(-len(data) & 3)


@contextmanager
def booted(command: list[str], *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """The machine while it executes `command`; its console is the process's output. It is killed
    at the end, as by a power cut. `options`: more of QEMU's."""
    kernel = next((CACHE / "tree/boot").glob("vmlinuz-*"))
    with tempfile.TemporaryDirectory(prefix="orlop-vm-", dir="/var/tmp") as scratch:
        socket = f"{scratch}/fs.sock"
        with _sharing(socket):
            machine = subprocess.Popen(
                [
                    "qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", *options,
                    "-smp", "2", "-m", _MEMORY, "-nodefaults", "-no-reboot",
                    "-display", "none", "-serial", "stdio", "-kernel", str(kernel),
                    "-initrd", str(INITRD),
                    "-object", f"memory-backend-memfd,id=mem,size={_MEMORY},share=on",
                    "-numa", "node,memdev=mem",
                    "-chardev", f"socket,id=fs,path={socket}",
                    "-device", "vhost-user-fs-pci,chardev=fs,tag=host",
                    "-append", "console=ttyS0 quiet panic=-1 apparmor=1 security=apparmor "
                    "systemd.unified_cgroup_hierarchy=1 cgroup_no_v1=all "
                    f"vm_command={_hex(shlex.join(command))}",
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                bufsize=0,  # who waits for the next line waits on the descriptor
            )  # fmt: skip
            try:
                yield machine
            finally:
                machine.kill()
                machine.wait()


def run(command: list[str]) -> int:
    """Boot, run, power off; the command's exit status."""
    with booted(command) as machine:
        return _watch(machine)


def _hex(text: str) -> str:
    return text.encode().hex()


def _watch(machine: subprocess.Popen[bytes]) -> int:
    assert machine.stdout
    status = 1
    for line in machine.stdout:
        text = line.decode("utf-8", "replace").rstrip()
        found = _EXIT.match(text)
        if found:
            status = int(found[1])
        else:
            print(text, flush=True)
    machine.wait(timeout=30)
    return status


class _sharing:
    """virtiofsd with the host's / for as long as the block lasts."""

    def __init__(self, socket: str) -> None:
        program = next((p for p in _VIRTIOFSD if os.path.exists(p)), None)
        if program is None:
            raise SystemExit("vm: virtiofsd is missing (package qemu-system-common or virtiofsd)")
        self._log = open(f"{socket}.log", "wb")  # noqa: SIM115
        if program.startswith("/usr/lib/qemu"):
            options = ["-o", "source=/", "-o", "sandbox=chroot", "-o", "cache=auto"]
        else:
            options = ["--shared-dir=/", "--sandbox=chroot", "--cache=auto"]
        self._process = subprocess.Popen(
            [program, f"--socket-path={socket}", *options],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )
        while not os.path.exists(socket):
            if self._process.poll() is not None:
                raise SystemExit(Path(f"{socket}.log").read_text())

    def __enter__(self) -> None:
        return

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._log.close()


def main() -> int:
    prepare()
    return run(sys.argv[1:] or _TESTS)


if __name__ == "__main__":
    sys.exit(main())
