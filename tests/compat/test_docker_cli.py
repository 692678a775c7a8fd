"""The real docker CLI on our socket: streams, terminals, exit codes, archives, registries."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import tarfile
import threading
import time
from pathlib import Path

import pytest
from daemon import Daemon

pytestmark = pytest.mark.root

LOOP = "trap 'exit 9' TERM; i=0; while :; do echo line $i; i=$((i+1)); sleep 0.05; done"


@pytest.fixture
def name(orlopd: Daemon, request: pytest.FixtureRequest) -> str:
    chosen = re.sub(r"\W", "", request.node.name)[:40]
    orlopd.docker("rm", "-fv", chosen, check=False)
    yield chosen  # type: ignore[misc]
    orlopd.docker("rm", "-fv", chosen, check=False)


def test_run_prints_and_removes(orlopd: Daemon) -> None:
    assert orlopd.docker("run", "--rm", "busybox", "echo", "hi").stdout == "hi\n"


def test_streams_stay_apart(orlopd: Daemon) -> None:
    done = orlopd.docker("run", "--rm", "busybox", "sh", "-c", "echo o; echo e >&2")
    assert (done.stdout, done.stderr) == ("o\n", "e\n")


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["sh", "-c", "exit 3"], 3),
        (["nosuch"], 127),
        (["/etc"], 126),
        (["sh", "-c", "exit 137"], 137),
    ],
)
def test_exit_codes(orlopd: Daemon, command: list[str], code: int) -> None:
    assert orlopd.docker("run", "--rm", "busybox", *command, check=False).returncode == code


def test_stdin_is_half_closed(orlopd: Daemon) -> None:
    text = "".join(f"{n}\n" for n in range(20_000))
    done = orlopd.docker("run", "--rm", "-i", "busybox", "sh", "-c", "cat; echo end", input=text)
    assert done.stdout == text + "end\n"


def test_terminal_of_run(orlopd: Daemon) -> None:
    terminal = orlopd.terminal("docker", "run", "--rm", "-it", "busybox", "sh")
    terminal.expect("#")
    terminal.type("tty; stty size; exit 7\n")
    terminal.expect("/dev/pts/0")
    assert terminal.close()[1] == 7


def test_detach_and_attach_again(orlopd: Daemon, name: str) -> None:
    terminal = orlopd.terminal("docker", "run", "-it", "--name", name, "busybox", "sh")
    terminal.expect("#")
    terminal.type("\x10\x11")
    assert terminal.close()[1] == 0
    assert orlopd.docker("inspect", "-f", "{{.State.Running}}", name).stdout == "true\n"
    again = orlopd.terminal("docker", "attach", name)
    again.type("echo again; exit\n")
    again.expect("again")
    assert again.close()[1] == 0


def test_exec(orlopd: Daemon, name: str) -> None:
    orlopd.docker("run", "-d", "--name", name, "busybox", "sleep", "100")
    assert orlopd.docker("exec", name, "sh", "-c", "exit 5", check=False).returncode == 5
    assert orlopd.docker("exec", "-i", name, "cat", input="x").stdout == "x"
    assert orlopd.docker("exec", name, "nosuch", check=False).returncode == 127
    done = orlopd.docker(
        "exec", "-e", "A=b", "-w", "/tmp", "-u", "65534", name, "sh", "-c", "echo $A; pwd; id -u"
    )
    assert done.stdout == "b\n/tmp\n65534\n"
    assert orlopd.docker("exec", "-d", name, "touch", "/made").stdout == ""
    terminal = orlopd.terminal("docker", "exec", "-it", name, "sh")
    terminal.expect("#")
    terminal.type("exit 4\n")
    assert terminal.close()[1] == 4


def test_logs(orlopd: Daemon, name: str) -> None:
    orlopd.docker("run", "-d", "--name", name, "busybox", "sh", "-c", LOOP)
    follow = subprocess.Popen(
        ["docker", "logs", "-f", name],
        stdout=subprocess.PIPE,
        env={**os.environ, **orlopd.environment},
    )
    assert follow.stdout
    lines = [follow.stdout.readline() for _ in range(5)]
    assert lines == [b"line %d\n" % n for n in range(5)]
    orlopd.docker("stop", name)
    follow.communicate()
    assert follow.returncode == 0
    assert orlopd.docker("inspect", "-f", "{{.State.ExitCode}}", name).stdout == "9\n"
    assert len(orlopd.docker("logs", "-n", "2", name).stdout.splitlines()) == 2
    stamped = orlopd.docker("logs", "-t", "-n", "1", name).stdout
    assert re.match(r"\d{4}-\d\d-\d\dT[\d:.]+Z line \d+\n$", stamped)


def test_killed_logs_and_attach_clients_leave_nothing(orlopd: Daemon, name: str) -> None:
    """A client that goes away takes its thread and its descriptors with it."""
    orlopd.docker("run", "-d", "--name", name, "busybox", "sh", "-c", LOOP)
    assert orlopd.process
    fds, tasks = f"/proc/{orlopd.process.pid}/fd", f"/proc/{orlopd.process.pid}/task"
    before = len(os.listdir(fds))
    for verb in (["logs", "-f", name], ["attach", "--no-stdin", name], ["events"], ["stats", name]):
        clients = [
            subprocess.Popen(
                ["docker", *verb], stdout=subprocess.PIPE, env={**os.environ, **orlopd.environment}
            )
            for _ in range(5)
        ]
        for client in clients:
            if verb[0] != "events":
                assert client.stdout
                client.stdout.readline()
            client.kill()
            client.communicate()
    deadline = time.monotonic() + 10
    while len(os.listdir(fds)) > before + 2:
        assert time.monotonic() < deadline, os.listdir(tasks)
        orlopd.docker("version")  # a round trip of the daemon


def test_copy_in_and_out(orlopd: Daemon, name: str, tmp_path: Path) -> None:
    orlopd.docker("create", "--name", name, "busybox")
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "f").write_bytes(b"x" * 100_000)
    orlopd.docker("cp", str(tmp_path / "d"), f"{name}:/tmp/")
    orlopd.docker("cp", f"{name}:/tmp/d/f", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == b"x" * 100_000
    missing = orlopd.docker("cp", f"{name}:/nosuch", str(tmp_path), check=False)
    assert "Could not find the file /nosuch in container" in missing.stderr


def test_save_load_export_import(orlopd: Daemon, name: str, tmp_path: Path) -> None:
    archive = tmp_path / "a.tar"
    orlopd.docker("tag", "busybox", "cli-save:1")
    orlopd.docker("save", "-o", str(archive), "cli-save:1")
    orlopd.docker("rmi", "cli-save:1")
    assert orlopd.docker("load", "-i", str(archive)).stdout == "Loaded image: cli-save:1\n"
    orlopd.docker("create", "--name", name, "cli-save:1", "true")
    exported = tmp_path / "e.tar"
    orlopd.docker("export", "-o", str(exported), name)
    with tarfile.open(exported) as tar:
        assert "bin/busybox" in tar.getnames()
    assert orlopd.docker("import", str(exported), "cli-import:1").stdout.startswith("sha256:")
    run = orlopd.docker("run", "--rm", "cli-import:1", "/bin/busybox", "echo", "hi")
    assert run.stdout == "hi\n"
    orlopd.docker("rm", name)
    orlopd.docker("rmi", "cli-save:1", "cli-import:1")


def test_push_and_pull(orlopd: Daemon, registry: str) -> None:
    ref = f"{registry}/cli/busybox:1"
    orlopd.docker("tag", "busybox", ref)
    pushed = orlopd.docker("push", ref).stdout
    assert re.search(r"1: digest: sha256:[0-9a-f]{64} size: \d+\n$", pushed)
    orlopd.docker("rmi", ref)
    pulled = orlopd.docker("pull", ref).stdout
    assert f"Status: Downloaded newer image for {ref}\n{ref}\n" in pulled
    assert "Image is up to date" in orlopd.docker("pull", ref).stdout
    orlopd.docker("rmi", ref)
    absent = orlopd.docker("pull", f"{registry}/cli/nosuch", check=False)
    assert absent.returncode == 1


def test_events(orlopd: Daemon, name: str) -> None:
    since = str(time.time())
    orlopd.docker("run", "--name", name, "busybox", "true")
    orlopd.docker("rm", name)
    shown = orlopd.docker(
        "events", "--since", since, "--until", str(time.time()), "-f", f"container={name}",
        "--format", "{{.Action}}",
    ).stdout.split()  # fmt: skip
    for wanted in ("create", "attach", "start", "die", "destroy"):
        assert wanted in shown
    assert shown.index("create") < shown.index("start") < shown.index("die")


def test_wait_and_kill_from_two_clients(orlopd: Daemon, name: str) -> None:
    orlopd.docker("run", "-d", "--name", name, "busybox", "sleep", "100")
    codes: list[str] = []
    waiter = threading.Thread(target=lambda: codes.append(orlopd.docker("wait", name).stdout))
    waiter.start()
    orlopd.docker("kill", name)
    waiter.join(20)
    assert codes == ["137\n"]


def test_info_version_df(orlopd: Daemon) -> None:
    info = json.loads(orlopd.docker("info", "-f", "json").stdout)
    assert info["Driver"] == "overlay2"
    assert info["Swarm"]["LocalNodeState"] == "inactive"
    version = json.loads(orlopd.docker("version", "-f", "json").stdout)
    assert version["Server"]["ApiVersion"] == "1.50"
    assert "busybox" in orlopd.docker("system", "df", "-v").stdout


def test_network_connect_and_disconnect(orlopd: Daemon, name: str) -> None:
    network = f"{name}net"
    orlopd.docker("network", "create", network)
    try:
        orlopd.docker("run", "-d", "--name", name, "busybox", "sleep", "100")
        orlopd.docker("network", "connect", "--alias", "other", network, name)
        addresses = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}"
        assert len(orlopd.docker("inspect", "-f", addresses, name).stdout.split()) == 2
        assert "eth1" in orlopd.docker("exec", name, "ip", "addr").stdout
        refused = orlopd.docker("network", "rm", network, check=False)
        assert "has active endpoints" in refused.stderr
        orlopd.docker("network", "disconnect", network, name)
        assert "eth1" not in orlopd.docker("exec", name, "ip", "addr").stdout
    finally:
        orlopd.docker("rm", "-f", name)
        orlopd.docker("network", "rm", network)


def test_build_and_swarm_are_refused_with_dockers_words(orlopd: Daemon) -> None:
    swarm = orlopd.docker("node", "ls", check=False)
    assert "This node is not a swarm manager." in swarm.stderr
    assert orlopd.docker("plugin", "ls", "-q").stdout == ""


def test_put_archive_of_a_hundred_megabytes_keeps_memory_flat(orlopd: Daemon, name: str) -> None:
    orlopd.docker("create", "--name", name, "busybox")
    assert orlopd.process
    status = Path(f"/proc/{orlopd.process.pid}/status")

    def rss() -> int:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read_text())[1])  # type: ignore[index]

    header = tarfile.TarInfo("big")
    header.size = 100 << 20
    before = rss()
    peak = before
    with subprocess.Popen(
        ["docker", "cp", "-", f"{name}:/tmp"],
        stdin=subprocess.PIPE,
        env={**os.environ, **orlopd.environment},
    ) as copying:
        assert copying.stdin
        copying.stdin.write(header.tobuf())
        block = bytes(1 << 20)
        for _ in range(100):
            copying.stdin.write(block)
            peak = max(peak, rss())
        copying.stdin.write(bytes(1024))
        copying.stdin.close()
        assert copying.wait(60) == 0
    assert peak - before < 24 << 10


def test_exec_that_dies_with_its_client(orlopd: Daemon, name: str) -> None:
    """Ours; Docker's leaves the process behind (row C21)."""
    orlopd.docker("run", "-d", "--name", name, "busybox", "sleep", "100")

    def start(path: str) -> tuple[socket.socket, str]:
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(20)
        sock.connect(str(orlopd.socket))
        id = json.loads(_post(orlopd, path, {"Cmd": ["sleep", "77"], "AttachStdout": True}))["Id"]
        body = b"{}"
        sock.sendall(
            f"POST /exec/{id}/start HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        assert sock.recv(100).startswith(b"HTTP/1.1 200")
        return sock, id

    def running(id: str) -> bool:
        return bool(json.loads(_get(orlopd, f"/exec/{id}/json"))["Running"])

    kept, kept_id = start(f"/containers/{name}/exec")
    killed, killed_id = start(f"/containers/{name}/exec?orlop-kill-on-disconnect=1")
    deadline = time.monotonic() + 10
    while not (running(kept_id) and running(killed_id)):
        assert time.monotonic() < deadline
    kept.close()
    killed.close()
    while running(killed_id):
        assert time.monotonic() < deadline
    assert running(kept_id)


def test_attach_over_websocket(orlopd: Daemon, name: str) -> None:
    orlopd.docker("create", "-i", "--name", name, "busybox", "sh", "-c", "cat; echo end >&2")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(20)
        sock.connect(str(orlopd.socket))
        sock.sendall(
            f"GET /containers/{name}/attach/ws?stream=1&stdin=1&stdout=1&stderr=1 HTTP/1.1\r\n"
            "Host: d\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        reader = sock.makefile("rb")
        assert reader.readline() == b"HTTP/1.1 101 Switching Protocols\r\n"
        head = b""
        while (line := reader.readline()) != b"\r\n":
            head += line
        assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head
        orlopd.docker("start", name)
        sock.sendall(b"\x82\x83\0\0\0\0hi\n")
        assert reader.read(5) == b"\x82\x03hi\n"
        orlopd.docker("kill", name)
        assert reader.read(2)[0] == 0x88
        reader.close()


def _get(daemon: Daemon, path: str) -> bytes:
    return _call(daemon, f"GET {path} HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n".encode())


def _post(daemon: Daemon, path: str, document: object) -> bytes:
    body = json.dumps(document).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: d\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return _call(daemon, head.encode() + body)


def _call(daemon: Daemon, request: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(20)
        sock.connect(str(daemon.socket))
        sock.sendall(request)
        answer = b""
        while data := sock.recv(65536):
            answer += data
    return answer.partition(b"\r\n\r\n")[2]
