"""The containers whose insides are compared, how they are run, and what of an answer counts.

An answer is {part of the probe: [lines]}, without what is one engine's own: ids, paths, names.
"""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import tarfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).parent
IMAGE = "orlop-parity:1"
Answer = dict[str, list[str]]
Docker = Callable[..., str]

# name: (flags of run, flags of the exec that probes; None: the first process does)
SCENES: dict[str, tuple[str, str | None]] = {
    "default": ("", None),
    "user": ("-u 1000", None),
    "user-and-group": ("-u 1000:1001 --group-add 5000", None),
    "named-user": ("-u app", None),
    "exec": ("", ""),
    "exec-user": ("", "-u 1000"),
    "exec-named-user": ("-u 1000", "-u app"),
    "exec-privileged": ("", "--privileged"),
    "exec-privileged-user": ("", "--privileged -u 1000"),
    "exec-tty": ("", "-t"),
    "exec-workdir-env": ("-e A=1", "-w /tmp -e B=2"),
    "exec-in-privileged": ("--privileged", ""),
    "exec-privileged-nnp": ("--security-opt no-new-privileges", "--privileged"),
    "exec-privileged-dropped": ("--cap-drop ALL", "--privileged"),
    "exec-nnp": ("--security-opt no-new-privileges", ""),
    "tty": ("-t", None),
    "privileged": ("--privileged", None),
    "privileged-user": ("--privileged -u 1000", None),
    "privileged-read-only": ("--privileged --read-only", None),
    "cap-add": ("--cap-add SYS_ADMIN --cap-add NET_ADMIN", None),
    "cap-add-all": ("--cap-add ALL", None),
    "cap-add-user": ("--cap-add SYS_TIME -u 1000", None),
    "cap-drop": ("--cap-drop ALL", None),
    "cap-drop-one": ("--cap-drop MKNOD --cap-drop NET_RAW", None),
    "cap-drop-all-add": ("--cap-drop ALL --cap-add CHOWN", None),
    "no-new-privileges": ("--security-opt no-new-privileges", None),
    "nnp-user": ("--security-opt no-new-privileges=true -u 1000", None),
    "systempaths": ("--security-opt systempaths=unconfined", None),
    "seccomp": ("--security-opt seccomp=unconfined", None),
    "label": ("--security-opt label=disable", None),
    "read-only": ("--read-only", None),
    "read-only-tmpfs": ("--read-only --tmpfs /tmp", None),
    "cgroupns-host": ("--cgroupns host", None),
    "cgroupns-private": ("--cgroupns private", None),
    "ipc-host": ("--ipc host", None),
    "ipc-none": ("--ipc none", None),
    "ipc-shareable": ("--ipc shareable", None),
    "pid-host": ("--pid host", None),
    "uts-host": ("--uts host", None),
    "net-host": ("--network host", None),
    "all-host": ("--pid host --ipc host --uts host --network host --cgroupns host", None),
    "device": ("--device /dev/zero:/dev/mine:r --device /dev/null:/dev/deep/null", None),
    "tmpfs": ("--tmpfs /scratch --tmpfs /sized:size=1m,mode=700,uid=7,exec", None),
    "tmpfs-mount": ("--mount type=tmpfs,dst=/m,tmpfs-size=2m,tmpfs-mode=1770", None),
    "ulimit": ("--ulimit nofile=1000:2000 --ulimit core=0 --ulimit nproc=99", None),
    "sysctl": ("--sysctl kernel.msgmax=9000 --sysctl net.ipv4.ip_forward=0", None),
    "limits": ("--memory 64m --pids-limit 50 --cpu-shares 512 --oom-score-adj 300", None),
    "shm": ("--shm-size 1m", None),
    "init": ("--init", None),
    "volume": ("-v orlop-parity-v:/v -v orlop-parity-w:/w:ro -w /v", None),
    "hostname": ("--hostname one --domainname two.three --dns 192.0.2.1", None),
    "bridge": ("--network bridge", None),
    "health": ("", "health"),
}


def image() -> bytes:
    """A busybox with the probe in it, as an archive for `docker import`."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:

        def add(name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, mode: int = 0o755,
                link: str = "") -> None:  # fmt: skip
            info = tarfile.TarInfo(name)
            info.size, info.type, info.mode, info.linkname = len(data), kind, mode, link
            tar.addfile(info, io.BytesIO(data))

        for name in ("bin", "etc", "proc", "sys", "dev", "tmp", "root", "home"):
            add(name, kind=tarfile.DIRTYPE, mode=0o1777 if name == "tmp" else 0o755)
        busybox = Path("/bin/busybox").read_bytes()
        add("bin/busybox", busybox)
        listed = subprocess.run(["/bin/busybox", "--list"], capture_output=True, check=True)
        for applet in listed.stdout.decode().split():
            if applet != "busybox":
                add(f"bin/{applet}", kind=tarfile.SYMTYPE, link="busybox")
        add(
            "etc/passwd", b"root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/home:/bin/sh\n", mode=0o644
        )
        add("etc/group", b"root:x:0:\nmore:x:1002:app\nmost:x:1003:root,app\n", mode=0o644)
        add("probe", (HERE / "probe.sh").read_bytes())
    return out.getvalue()


def run(docker: Docker, name: str, daemon_pid: int) -> Answer:
    """The answer of one scene on the engine that `docker` drives; its daemon is `daemon_pid`."""
    flags, inner = SCENES[name]
    words = flags.split()
    if not any(w in words for w in ("--network",)):
        words += ["--network", "none"]
    if not {"--uts", "--hostname"} & set(words) and words.count("host") < 2:
        words += ["--hostname", "parity"]
    if inner is None:
        text = docker("run", "--rm", *words, IMAGE, "/probe")
        return parse(text, daemon_pid)
    health = (
        ["--health-interval", "1s", "--health-cmd", "[ -e /h ] || /probe > /h 2>&1"]
        if inner == "health"
        else []
    )
    id = docker("run", "-d", *words, *health, IMAGE, "sleep", "300").strip()
    try:
        if inner == "health":
            docker("exec", id, "sh", "-c", "true")
            return parse(until_probed(docker, id), daemon_pid)
        return parse(docker("exec", *inner.split(), id, "/probe"), daemon_pid)
    finally:
        docker("rm", "-fv", id)


def until_probed(docker: Docker, id: str) -> str:
    """The health check writes what it finds; its first run comes with the interval."""
    for _ in range(400):
        text = docker("exec", id, "sh", "-c", "cat /h 2>/dev/null || true")
        if "== etc" in text and text.rstrip().endswith("tmp"):
            return text
        time.sleep(0.1)
    raise AssertionError("the health check never ran")


def parse(text: str, daemon_pid: int) -> Answer:
    out: Answer = {}
    part = ""
    for line in text.replace("\r", "").split("\n"):
        if line.startswith("== "):
            part = line[3:]
            out[part] = []
        elif line and part:
            out[part].append(line)
    for part, clean in CLEAN.items():
        out[part] = clean(out.get(part, []), daemon_pid)
    return out


_ID = re.compile(r"[0-9a-f]{64}")


def _namespaces(lines: list[str], daemon_pid: int) -> list[str]:
    """Each "own" or "daemon's"."""
    out = []
    for line in lines:
        kind, _, found = line.partition(" ")
        its = os.readlink(f"/proc/{daemon_pid}/ns/{kind}")
        out.append(f"{kind} {'the daemon’s' if its == found else 'own'}")
    return out


def _mounts(lines: list[str], _pid: int) -> list[str]:
    """Mount point, options, propagation, type, source, super options; no numbers, no paths."""
    out = []
    for line in lines:
        left, _, right = line.partition(" - ")
        _, _, _, root, point, options, *optional = left.split()
        kind, source, extra = right.split(" ", 2)
        if kind == "overlay":
            source, extra = "overlay", ",".join(w for w in extra.split(",") if "dir=" not in w)
        whole = root if kind in ("proc", "sysfs", "tmpfs", "devpts", "mqueue") else "…"
        if kind in ("ext4", "xfs", "btrfs", "tmpfs") and point.startswith(("/etc/", "/v", "/w")):
            whole, kind, source, extra = "…", "…", "…", "…"
        spread = " ".join(sorted(o.partition(":")[0] for o in optional)) or "private"
        extra = ",".join(w for w in extra.split(",") if not w.startswith(("inode64", "huge=")))
        out.append(f"{point} {whole} {options} {spread} {kind} {source} {extra}")
    return out


def _cgroup(lines: list[str], _pid: int) -> list[str]:
    return [_ID.sub("ID", line) for line in lines if not line.startswith("0::")]


def _fds(lines: list[str], _pid: int) -> list[str]:
    return [re.sub(r"\[\d+\]|/\d+$", "", line) for line in lines]


def _sorted(lines: list[str], _pid: int) -> list[str]:
    return sorted(lines)


def _env(lines: list[str], _pid: int) -> list[str]:
    return sorted(re.sub(r"^HOSTNAME=[0-9a-f]{12}$", "HOSTNAME=ID", line) for line in lines)


def _limits(lines: list[str], daemon_pid: int) -> list[str]:
    """What is as the daemon's own is "inherited": it depends on who started the daemon."""
    text = Path(f"/proc/{daemon_pid}/limits").read_text()
    own = {re.sub("  +", " ", line).strip() for line in text.splitlines()}
    names = re.compile(r"(Max [a-z -]+) (?:unlimited|\d).*")
    return [names.sub(r"\1 inherited", line) if line.strip() in own else line for line in lines]


CLEAN: dict[str, Callable[[list[str], int], list[str]]] = {
    "namespaces": _namespaces,
    "mounts": _mounts,
    "cgroup": _cgroup,
    "fds": _fds,
    "limits": _limits,
    "devices": _sorted,
    "env": _env,
}


_CONSOLE = re.compile(r"/dev/vcs[au]?\d+ ")  # there while somebody uses that terminal of the host
_SHARED = re.compile(r"^(/dev/shm .*size=)\d{7,}k")  # the host's, half of its memory


def _whose_matter_it_is(lines: list[str]) -> list[str]:
    """Without what says which host it is."""
    return [_SHARED.sub(r"\1the host’s", line) for line in lines if not _CONSOLE.match(line)]


def differences(theirs: Answer, ours: Answer) -> dict[str, dict[str, list[str]]]:
    """{part: {"docker": lines only there, "orlop": lines only here}}"""
    out = {}
    for part in sorted({*theirs, *ours}):
        a, b = (_whose_matter_it_is(answer.get(part, [])) for answer in (theirs, ours))
        if a != b:
            only = {
                "docker": [line for line in a if line not in b],
                "orlop": [line for line in b if line not in a],
            }
            out[part] = only if any(only.values()) else {"docker": a, "orlop": b}
    return out


def all_of(docker: Docker, daemon_pid: int) -> dict[str, Answer]:
    """Every scene's answer; four at a time, for most of the time is the command line's."""
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda name: run(docker, name, daemon_pid), SCENES)
        return dict(zip(SCENES, found, strict=True))


def load(name: str) -> dict[str, dict[str, list[str]]]:
    found: dict[str, dict[str, list[str]]] = json.loads((HERE / name).read_text())
    return found


def compacted(answers: dict[str, Answer]) -> dict[str, Answer]:
    """Of every answer but the first only the parts that differ from the first's."""
    first = answers["default"]
    return {
        name: answer if name == "default" else
        {part: lines for part, lines in answer.items() if lines != first.get(part)}
        for name, answer in answers.items()
    }  # fmt: skip


def expanded(answers: dict[str, Answer]) -> dict[str, Answer]:
    first = answers["default"]
    return {
        name: answer if "filter" in answer else {**first, **answer}
        for name, answer in answers.items()
    }


class Explanations:
    """Of explained.json: {"scene": "*" or names, "part", "why", "docker": […], "orlop": […]}.

    A line is a regular expression for the whole of it; each has to be in one difference at least.
    """

    def __init__(self, entries: list[dict[str, object]]) -> None:
        self.entries = entries

    def left(
        self, scene: str, found: dict[str, dict[str, list[str]]]
    ) -> dict[str, dict[str, list[str]]]:
        """What nothing explains."""
        out = {}
        for part, sides in found.items():
            kept = {
                side: [line for line in lines if not self._explains(scene, part, side, line)]
                for side, lines in sides.items()
            }
            if any(kept.values()):
                out[part] = kept
        return out

    def _explains(self, scene: str, part: str, side: str, line: str) -> bool:
        for entry in self.entries:
            if entry["part"] != part or entry["scene"] not in ("*", scene):
                continue
            patterns = entry.get(side) or ()
            assert isinstance(patterns, list | tuple)
            if any(re.fullmatch(str(p), line) for p in patterns):
                return True
        return False


def explanations() -> Explanations:
    return Explanations(json.loads((HERE / "explained.json").read_text()))
