"""What one `run` costs on orlop-runtime, runc and crun, turn by turn: wall and processor time.

    sudo python scripts/runtime_costs.py [ROUNDS]     (the installed orlop-runtime)

One bundle: busybox `true`, six namespaces, Docker's default mounts and seccomp profile. crun runs
in a private mount namespace without /sys/fs/cgroup/unified where that is there (it does not like a
hybrid host); what making it costs is measured beside, as "namespace".
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(REPO), str(REPO / "tests" / "contract")]

from bundles import make  # noqa: E402

from orlop.runtime.seccomp import default_profile  # noqa: E402

_PLAIN = 'umount /sys/fs/cgroup/unified 2>/dev/null; exec "$@"'
_ALLOWED = {"CAP_CHOWN", "CAP_KILL", "CAP_SETUID", "CAP_SETGID", "CAP_NET_RAW", "CAP_MKNOD"}


def profile() -> dict[str, object]:
    """Docker's default as the runtime-spec writes it, decided for an ordinary container."""
    found = json.loads(default_profile())
    calls = []
    for rule in found["syscalls"]:
        includes, excludes = rule.get("includes") or {}, rule.get("excludes") or {}
        if includes.get("caps") and not set(includes["caps"]) & _ALLOWED:
            continue
        if includes.get("arches") and "amd64" not in includes["arches"]:
            continue
        if "amd64" in (excludes.get("arches") or ()) or set(excludes.get("caps") or ()) & _ALLOWED:
            continue
        calls.append({k: rule[k] for k in ("names", "action", "args", "errnoRet") if rule.get(k)})
    return {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": 1,
        "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
        "syscalls": calls,
    }


def measured(command: list[str]) -> tuple[float, float]:
    """(wall, processor time) in ms."""
    began = time.perf_counter()
    run = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           stderr=subprocess.PIPE)  # fmt: skip
    _, status, used = os.wait4(run.pid, 0)
    wall = (time.perf_counter() - began) * 1000
    assert run.stderr
    said = run.stderr.read()
    run.stderr.close()
    run.returncode = status
    if status:
        raise SystemExit(f"{command}: {said.decode()}")
    return wall, (used.ru_utime + used.ru_stime) * 1000


def main(rounds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="runtime-costs-", dir="/var/tmp") as base:
        os.chmod(base, 0o711)
        bundle = make(Path(base, "b"), "true", linux={"seccomp": profile()})
        installed = shutil.which("orlop-runtime")  # packed, and from its own clone of Python
        if installed is None:
            raise SystemExit("orlop-runtime is not on the PATH: make install (PREFIX=…) first")
        apart = ["unshare", "-m", "sh", "-c", _PLAIN, "sh"]
        commands = {
            "orlop-runtime": [installed],
            "runc": [shutil.which("runc") or "/usr/sbin/runc"],
            "crun": [*apart, shutil.which("crun") or "crun"],
        }
        found: dict[str, list[tuple[float, float]]] = {
            name: [] for name in [*commands, "namespace"]
        }
        for number in range(-3, rounds):  # three to warm up
            for name, command in commands.items():
                words = ["--root", f"{base}/{name}", "run", "-b", str(bundle), f"c{number}{name}"]
                taken = measured([*command, *words])
                if number >= 0:
                    found[name].append(taken)
            if number >= 0:
                found["namespace"].append(measured([*apart, "true"]))
    print(f"{rounds} rounds, load average {os.getloadavg()[0]:.1f}; ms, least / median")
    for name, pairs in found.items():
        wall, used = zip(*pairs, strict=True)
        print(
            f"{name:14} wall {min(wall):5.1f} / {statistics.median(wall):5.1f}   "
            f"processor {min(used):5.1f} / {statistics.median(used):5.1f}"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
