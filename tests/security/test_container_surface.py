"""What a container reaches of kernel, engine and host: S24 to S26, S30 to S34, S36, S37.

Each look is also made where it has to find something: in a privileged container, or in a process
that was given what must not be there.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from daemon import Daemon

pytestmark = pytest.mark.root
# The machine's own Python, shown to a container of busybox.
PYTHON = [w for d in ("/usr", "/lib", "/lib64") for w in ("-v", f"{os.path.realpath(d)}:{d}:ro")]


def python(daemon: Daemon, program: str, *flags: str) -> str:
    words = ["run", "--rm", "--net=none", *PYTHON, *flags, "busybox"]
    return daemon.docker(*words, "/usr/bin/python3", "-I", "-S", "-c", program).stdout


def run(daemon: Daemon, script: str, *flags: str) -> str:
    words = ["run", "--rm", "--net=none", *flags, "busybox", "sh", "-c", script]
    return daemon.docker(*words).stdout


@pytest.fixture
def idle(orlopd: Daemon) -> Iterator[str]:
    id = orlopd.docker("run", "-d", "--net=none", "busybox", "sleep", "300").stdout.strip()
    yield id
    orlopd.docker("rm", "-f", id)


def test_a_process_has_three_descriptors(orlopd: Daemon, idle: str) -> None:
    """S24 (CVE-2016-9962): the first, an exec, a privileged one."""
    look = ["sh", "-c", "echo /proc/1/fd/*; echo /proc/$$/fd/*"]
    for flags in ([], ["--privileged"], ["-u", "0:7"]):
        first, own = orlopd.docker("exec", *flags, idle, *look).stdout.splitlines()
        assert [w.rpartition("/")[2] for w in first.split()] == ["0", "1", "2"]
        assert {w.rpartition("/")[2] for w in own.split()} <= {"0", "1", "2", "3", "10"}
    look[2] = "exec 7</etc/passwd; echo /proc/self/fd/*"
    assert "/7" in orlopd.docker("exec", idle, *look).stdout  # the control


def test_no_descriptor_of_another_container_is_held(orlopd: Daemon, idle: str) -> None:
    """S24: no process in a container holds a file of the engine's or of another container's."""
    other = orlopd.docker("run", "-d", "--net=none", "busybox", "sleep", "300").stdout.strip()
    try:
        for id, foreign in ((idle, other), (other, idle)):
            pid = orlopd.docker("inspect", "-f", "{{.State.Pid}}", id).stdout.strip()
            held = [os.readlink(f"/proc/{pid}/fd/{n}") for n in os.listdir(f"/proc/{pid}/fd")]
            assert len(held) == 3
            assert not [h for h in held if foreign in h or "socket:" in h or "memfd" in h]
        keeper = orlopd.pid("keeper")
        assert any(
            "socket:" in os.readlink(f"/proc/{keeper}/fd/{n}")
            for n in os.listdir(f"/proc/{keeper}/fd")
        )  # the control: such things are there to be leaked
    finally:
        orlopd.docker("rm", "-f", other)


def test_groups_of_the_engine_are_not_kept(orlopd: Daemon) -> None:
    """S28 (CVE-2022-36109): exactly the groups that were asked for."""
    assert run(orlopd, "id -G", "-u", "1234:1234") == "1234\n"
    assert run(orlopd, "id -G", "-u", "1234:1234", "--group-add", "77") == "1234 77\n"

    def naive() -> None:
        os.setgroups([4, 24])  # an engine's own
        os.setgid(1234)
        os.setuid(1234)

    kept = subprocess.run(["id", "-G"], preexec_fn=naive, capture_output=True, text=True).stdout
    assert kept.split() == ["1234", "4", "24"]  # the control


def abstract_sockets(daemon: Daemon, *more: int) -> set[str]:
    """Names in the abstract namespace that the engine's processes hold."""
    assert daemon.process
    held = set()
    for pid in (daemon.process.pid, daemon.pid("keeper"), daemon.pid("scribe-0"), *more):
        for n in os.listdir(f"/proc/{pid}/fd"):
            try:
                held.add(os.readlink(f"/proc/{pid}/fd/{n}"))
            except FileNotFoundError:
                continue
    table = Path("/proc/net/unix").read_text().splitlines()[1:]
    rows = [line.split() for line in table]
    return {r[7] for r in rows if len(r) > 7 and r[7][0] == "@" and f"socket:[{r[6]}]" in held}


def test_no_socket_is_reachable_with_the_hosts_network(orlopd: Daemon, idle: str) -> None:
    """S25 (CVE-2020-15257)."""
    assert abstract_sockets(orlopd) == set()
    for path in orlopd.exec_root.rglob("*"):
        if path.is_socket():
            assert path.stat().st_mode & 0o007 == 0, path
    with socket.socket(socket.AF_UNIX) as own:
        name = f"orlop-control-{os.getpid()}"
        own.bind("\0" + name)
        assert abstract_sockets(orlopd, os.getpid()) == {"@" + name}


def test_the_engines_environment_stays_outside(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """S26: run, exec, health checks and build steps; not in top, either."""
    secret = f"secret-{uuid.uuid4().hex}"
    monkeypatch.setenv("ORLOP_TEST_SECRET", secret)
    daemon = Daemon(name="env").start()
    with closing(daemon):
        monkeypatch.delenv("ORLOP_TEST_SECRET")
        assert daemon.process
        assert secret in Path(f"/proc/{daemon.process.pid}/environ").read_text()  # it is there
        daemon.orlop("bootstrap", "busybox")
        look = "env; cat /proc/*/environ"
        health = ["--health-interval=1s", "--health-cmd", f"({look}) > /h; true"]
        id = daemon.docker(
            "run", "-d", "--net=none", "-e", "MINE=1", *health, "busybox", "sleep", "300"
        ).stdout.strip()  # fmt: skip
        said = daemon.docker("exec", id, "sh", "-c", look).stdout
        said += daemon.docker("top", id, "-eo", "pid,args").stdout
        wait = "until [ -s /h ]; do :; done; cat /h"
        said += daemon.docker("exec", id, "sh", "-c", wait).stdout
        said += daemon.docker("inspect", id).stdout
        (tmp_path / "Dockerfile").write_text(f"FROM busybox\nRUN {look}\n")
        built = daemon.docker("build", "--no-cache", str(tmp_path))
        assert secret not in said + built.stdout + built.stderr
        assert "MINE=1" in said  # the control: what was given is seen
        other = daemon.docker("run", "--rm", "--net=none", "busybox", "env").stdout
        assert "MINE" not in other


CALLS = """
import ctypes, os, socket
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *words):
    ctypes.set_errno(0)
    return libc.syscall(number, *words), ctypes.get_errno()
for family in (38, 40):
    try: socket.socket(family, 5 if family == 38 else 1).close(); print(family, 0)
    except OSError as e: print(family, e.errno)
numbers = {"keyctl": 250, "add_key": 248, "request_key": 249, "io_uring_setup": 425,
  "userfaultfd": 323, "bpf": 321, "perf_event_open": 298, "open_by_handle_at": 304,
  "mount": 165, "kexec_load": 246, "init_module": 175, "unshare": 272, "clone3": 435, "none": 600}
for name, number in numbers.items():
    print(name, call(number, *((0x10000000,) if name == "unshare" else (0, 0, 0, 0, 0)))[1])
print("x32 mount", call(0x40000000 | 165, 0, 0, 0, 0, 0)[1])
"""


def test_calls_that_a_container_may_not_make(orlopd: Daemon) -> None:
    """S30, S31 (CVE-2026-31431): really called; judged by the errno."""
    found = dict(line.rsplit(" ", 1) for line in python(orlopd, CALLS).splitlines())
    enosys = {name for name, code in found.items() if code == "38"}
    assert enosys == {"clone3", "none"}
    assert {code for name, code in found.items() if name not in enosys} == {"1"}
    free = python(orlopd, CALLS, "--privileged")  # the control: nobody but the filter says so
    assert [line for line in free.splitlines() if line.endswith(" 1")] == []


def test_keyrings_are_not_shared(orlopd: Daemon) -> None:
    """S31: each container has a session keyring of its own, named by its ID."""
    look = "cat /proc/keys"
    flags = ["--security-opt", "systempaths=unconfined"]
    first, second = (run(orlopd, look, *flags) for _ in range(2))
    names = [set(re.findall(r"keyring +_ses\.([0-9a-f]{64})", said)) for said in (first, second)]
    assert names[0]
    assert names[0] != names[1]


WRITE = r"""
import os, sys
def opens(path):
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY))
        return True
    except OSError:
        return False
own = {"/proc/self", "/proc/thread-self", "/proc/%d" % os.getpid()}
count = 0
for top in sys.argv[1:]:
    for where, inner, files in os.walk(top):
        inner[:] = [d for d in inner if not (where == "/proc" and d.isdigit())
                    and os.path.join(where, d) not in own]
        for name in files:
            path = os.path.join(where, name)
            if os.path.islink(path) or not os.lstat(path).st_mode & 0o222:
                continue  # what has no write bit has no write operation, either
            if os.stat(path).st_rdev == os.makedev(1, 3):
                continue  # masked
            if opens(path):
                count += 1
                print(path)
"""


def writable(orlopd: Daemon, *flags: str, tops: tuple[str, ...] = ("/proc", "/sys")) -> list[str]:
    words = ["run", "--rm", "--net=none", *PYTHON, *flags, "busybox"]
    program = ["/usr/bin/python3", "-I", "-S", "-c", WRITE, *tops]
    return orlopd.docker(*words, *program, timeout=110).stdout.split()


def test_nothing_of_proc_and_sys_can_be_written(orlopd: Daemon) -> None:
    """S33: every file outside the process's own directory, opened for writing."""
    # Pressure files take triggers, which belong to the descriptor; Docker leaves them, too.
    assert [p for p in writable(orlopd) if not p.startswith("/proc/pressure/")] == []
    free = writable(orlopd, "--privileged", tops=("/proc/sys", "/proc/irq"))
    assert len(free) > 100  # the control


def test_masked_paths_show_nothing(orlopd: Daemon) -> None:
    """S33 (GHSA-6fw5 and others): files are the null device, directories are empty."""
    files = "/proc/kcore /proc/keys /proc/latency_stats /proc/timer_list /proc/sched_debug"
    places = "/proc/acpi /proc/asound /proc/scsi /sys/firmware /sys/devices/virtual/powercap"
    show = (
        f'for f in {files} /proc/interrupts; do [ -e $f ] && wc -c < $f; done;'
        f'for d in {places}; do [ -d $d ] && ls -A $d; done;'
        "cat /sys/devices/system/cpu/cpu*/thermal_throttle/* 2>/dev/null; true"
    )  # fmt: skip
    assert set(run(orlopd, show).split()) == {"0"}
    seen = run(orlopd, show, "--security-opt", "systempaths=unconfined")
    assert set(seen.split()) != {"0"}  # the control


def test_control_groups_cannot_be_written(orlopd: Daemon) -> None:
    """S32 (CVE-2022-0492, CVE-2023-25809)."""
    names = "release_agent cgroup.procs notify_on_release devices.allow memory.limit_in_bytes"
    show = f"""
for name in {names}; do for f in $(find /sys/fs/cgroup -name $name); do
  ( : >> $f ) 2>/dev/null && echo $f; done; done
mkdir /m
for how in "unshare -Urm mount" "unshare -m mount" mount; do
  $how -t cgroup -o memory none /m 2>/dev/null && echo mounted $how
  $how -t cgroup2 none /m 2>/dev/null && echo mounted2 $how
done; true"""
    assert run(orlopd, show) == ""
    assert run(orlopd, show, "-u", "1000") == ""
    open_to_all = run(orlopd, show.partition("mkdir")[0], "--privileged")
    assert "cgroup.procs" in open_to_all  # the control


def test_devices_that_nobody_gave(orlopd: Daemon) -> None:
    """S34: CAP_MKNOD makes the node; the device group refuses to open it."""
    nodes = {
        "mem": "c 1 1",
        "port": "c 1 4",
        "kmsg": "c 1 11",
        "fuse": "c 10 229",
        "tun": "c 10 200",
        "disk": "b 254 0",
        "loop": "b 7 0",
        "vhost": "c 10 238",
    }
    make = "; ".join(f"mknod /{name} {what}" for name, what in nodes.items())
    look = "; ".join(f"( : < /{name} ) 2>&1 && echo opens" for name in nodes)
    said = run(orlopd, f"{make}; {look}; true")
    assert "opens" not in said
    assert said.count("Operation not permitted") == len(nodes)
    assert "opens" in run(orlopd, f"{make}; {look}; true", "--privileged")  # the control
    rule = "--device-cgroup-rule=c 10:200 r"
    given = run(orlopd, "mknod /t c 10 200; ( : < /t ) && echo opens", rule)
    assert given == "opens\n"


SYSCTLS = (
    "kernel.core_pattern kernel.panic kernel.hostname kernel.modprobe kernel.sysrq kernel.pid_max "
    "kernel.randomize_va_space kernel.yama.ptrace_scope kernel.kptr_restrict kernel.dmesg_restrict "
    "kernel.unprivileged_bpf_disabled kernel.perf_event_paranoid kernel.threads-max "
    "kernel.shm_rmid_forced+ kernel.msgmax/../core_pattern kernel/core_pattern "
    "../core_pattern "
    "net/../kernel/core_pattern net.ipv4/../../kernel/core_pattern "
    "vm.swappiness "
    "vm.overcommit_memory vm.drop_caches vm.mmap_min_addr fs.file-max fs.suid_dumpable "
    "fs.protected_symlinks "
    "fs.mqueue/../file-max dev.raid.speed_limit_max debug.exception-trace "
    "abi.vsyscall32 user.max_user_namespaces"
).split()


def host_sysctls() -> dict[str, str]:
    """What a container might have changed, but for what changes by itself."""
    out = {}
    for top in ("kernel", "vm", "fs"):
        for path in Path("/proc/sys", top).rglob("*"):
            if re.search(
                r"random|ns_last_pid|-nr$|-state|inode-|quota|drop_caches|stat_refresh", str(path)
            ):
                continue
            try:
                if path.is_file():
                    out[str(path)] = path.read_text(errors="replace")
            except OSError:
                continue
    return out


@pytest.mark.parametrize("host", [(), ("--network=host",), ("--ipc=host",)], ids=str)
def test_sysctls_of_the_host_are_refused(orlopd: Daemon, host: tuple[str, ...]) -> None:
    """S36 (CVE-2022-0811): by name, by spelling, and where the namespace is the host's."""
    before = host_sysctls()
    names = [*SYSCTLS, *(["net.ipv4.ip_forward"] if "--network=host" in host else ()),
             *(["kernel.msgmax", "fs.mqueue.msg_max"] if "--ipc=host" in host else ())]  # fmt: skip
    flags = host or ("--net=none",)
    orlopd.docker("run", "--rm", *flags, "busybox", "true")
    for name in names:
        done = orlopd.docker(
            "run", "--rm", *flags, "--sysctl", f"{name}=1", "busybox", "true", check=False
        )
        assert done.returncode, name
        assert "sysctl" in done.stderr
    assert host_sysctls() == before
    if not host:  # the control
        look = "cat /proc/sys/kernel/msgmax"
        assert run(orlopd, look, "--sysctl", "kernel.msgmax=9999") == "9999\n"


def test_setuid_programs_under_no_new_privileges(orlopd: Daemon) -> None:
    """S37."""
    become = (
        "import os; os.setgid(7); os.setuid(1000);"
        "os.execv('/tmp/p', ['p', '-I', '-S', '-c', 'import os; print(os.geteuid())'])"
    )
    copy = "cp /usr/bin/python3 /tmp/p; chmod 4755 /tmp/p"
    script = f'{copy}; exec /usr/bin/python3 -I -S -c "{become}"'
    assert run(orlopd, script, *PYTHON, "--security-opt", "no-new-privileges") == "1000\n"
    assert run(orlopd, script, *PYTHON) == "0\n"  # the control


def test_host_namespaces_give_no_rights(orlopd: Daemon) -> None:
    """S37: --pid, --ipc, --uts and --network host widen neither capabilities nor the filter."""
    look = "grep -E '^(Cap|Seccomp|NoNewPrivs)' /proc/self/status"
    plain = run(orlopd, look)
    words = ["--pid=host", "--ipc=host", "--uts=host"]
    assert run(orlopd, look, *words) == plain
    done = orlopd.docker("run", "--rm", "--net=host", *words, "busybox", "sh", "-c", look).stdout
    assert done == plain
    assert run(orlopd, look, "--privileged") != plain  # the control


def test_root_is_the_containers_even_for_the_hosts_processes(orlopd: Daemon) -> None:
    """S26, S37: with the host's processes in sight, none of another's can be read into."""
    keeper = orlopd.pid("keeper")
    look = f"cd /proc/{keeper} && cat environ maps; ls root/ cwd/; cat fd/*/x"
    done = orlopd.docker(
        "run", "--rm", "--net=none", "--pid=host", "busybox", "sh", "-c", look, check=False
    )
    assert done.returncode
    assert done.stdout == ""
    whole = subprocess.run(["sh", "-c", look], capture_output=True)
    assert whole.stdout  # the control
