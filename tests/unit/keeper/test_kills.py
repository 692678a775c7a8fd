"""kill -9 of daemon client, scribe and keeper: nothing lost, nothing twice, statuses right."""

from __future__ import annotations

import os
import random
import select
import signal
import socket
import threading
from pathlib import Path

import pytest
from keeper_host import PATIENCE, Host, read_all, read_until

from orlop.errors import Unavailable
from orlop.keeper.client import Keeper

FULL = os.environ.get("ORLOP_CHAOS") == "full"

WRITER = """
n=0
while [ $n -lt {count} ]; do n=$((n+1)); echo "{id} line $n"; done
exit {code}
"""


def writer(id: str, count: int, code: int = 0) -> tuple[str, ...]:
    return ("sh", "-c", WRITER.format(id=id, count=count, code=code))


def lines_of(id: str, count: int) -> bytes:
    return b"".join(b"%s line %d\n" % (id.encode(), n) for n in range(1, count + 1))


@pytest.mark.parametrize("seed", range(20 if FULL else 2))
def test_scribe_killed_at_random_points(host: Host, seed: int) -> None:
    """20 processes write numbered lines while the scribe is killed: 0 lost, 0 twice."""
    made = random.Random(seed)
    count = 200000 if FULL else 60000
    for n in range(20):
        host.spawn(f"c{n}", *writer(f"c{n}", count, n))
    kills = 0
    while len(host.exits) < 20:
        pidfd = host.alive("scribe-0")
        select.select([], [], [], made.random() * 0.03)  # a random point is what is wanted
        try:
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
            kills += 1
        except ProcessLookupError:
            pass  # not forked again yet
        finally:
            os.close(pidfd)
    for n in range(20):
        assert host.exit_of(f"c{n}") == n << 8
        assert host.log(f"c{n}") == lines_of(f"c{n}", count)
    assert kills >= (20 if FULL else 5)


def test_scribe_killed_while_its_container_ends(host: Host) -> None:
    for n in range(20):
        host.spawn(f"c{n}", *writer(f"c{n}", 300, n))
        host.kill("scribe-0")
    for n in range(20):
        assert host.exit_of(f"c{n}") == n << 8
        assert host.log(f"c{n}") == lines_of(f"c{n}", 300)


def test_a_begun_line_survives_the_scribe(host: Host) -> None:
    host.spawn("c1", "sh", "-c", "printf begun; read x; echo $x", open_stdin=True)
    sock = host.attach("c1", mux=False)
    first = host.attach("c1", stdin=True, mux=False)
    del first
    host.kill("scribe-0")
    assert read_all(sock) in (b"", b"begun")
    again = host.attach("c1", stdin=True, mux=False)
    again.sendall(b" and ended\n")
    assert host.exit_of("c1") == 0
    assert host.log("c1") == b"begun and ended\n".replace(b"begun ", b"begun")


def test_stdin_stays_open_over_a_scribe_s_death(host: Host) -> None:
    host.spawn("c1", "cat", open_stdin=True)
    host.kill("scribe-0")
    sock = host.attach("c1", stdin=True, mux=False)
    sock.sendall(b"still here\n")
    assert read_until(sock, b"\n") == b"still here\n"
    host.client.close_stdin("c1", "")
    assert host.exit_of("c1") == 0


def test_stdin_of_a_client_that_died_with_the_scribe_is_closed(host: Host) -> None:
    """StdinOnce: its one client is gone, nobody else will ever close it."""
    sock = host.attach("c1", stdin=True, stdin_once=True, mux=False)
    host.spawn("c1", "cat", open_stdin=True)
    sock.sendall(b"x\n")
    assert read_until(sock, b"\n") == b"x\n"
    host.kill("scribe-0")
    assert host.exit_of("c1") == 0


def test_a_terminal_outlives_the_scribe(host: Host) -> None:
    host.spawn("c1", "sh", "-c", "read x; echo got $x; exit 4", tty=True, open_stdin=True)
    host.kill("scribe-0")
    host.client.resize("c1", "", 20, 30)
    sock = host.attach("c1", stdin=True, mux=False)
    sock.sendall(b"hello\n")
    assert b"got hello\r\n" in read_all(sock)
    assert host.exit_of("c1") == 4 << 8


def test_daemon_killed(host: Host) -> None:
    """The next one finds what runs, and what ended meanwhile, with its status."""
    count = 20000
    for n in range(5):
        host.spawn(f"c{n}", *writer(f"c{n}", count if n else 10, n))
    host.exit_of("c0")
    host.client.close()
    host.exits.clear()
    client = Keeper(host.root)
    host.client = client
    client.on_exit = host._exited
    found = {task["id"]: task for task in client.ensure()}
    assert found["c0"]["state"] == "exited"
    for n in range(1, 5):
        if found[f"c{n}"]["state"] == "running":
            assert host.exit_of(f"c{n}") == n << 8
        else:
            assert found[f"c{n}"]["status"] == n << 8
    for n in range(1, 5):
        assert host.log(f"c{n}") == lines_of(f"c{n}", count)


def test_keeper_killed(host: Host) -> None:
    """Containers and scribe go on; statuses come from the kernel; nothing is lost or told twice."""
    count = 20000
    scribe = host.pid_of("scribe-0")
    for n in range(8):
        host.spawn(f"c{n}", *writer(f"c{n}", count, n))
    host.spawn("idle", "cat", open_stdin=True)
    host.spawn("tty", "cat", tty=True, open_stdin=True)
    attached = host.attach("idle", stdin=True, mux=False)
    attached.sendall(b"before\n")
    assert read_until(attached, b"\n") == b"before\n"
    host.kill("keeper")
    host.wait(lambda: host.restarts == 1)
    assert host.pid_of("scribe-0") == scribe
    attached.sendall(b"after\n")
    assert read_until(attached, b"\n") == b"after\n"
    for n in range(8):
        assert host.exit_of(f"c{n}") == n << 8
        assert host.log(f"c{n}") == lines_of(f"c{n}", count)
    host.client.resize("tty", "", 5, 6)
    host.client.signal("tty", "", signal.SIGTERM)
    assert host.exit_of("tty") == signal.SIGTERM
    host.client.close_stdin("idle", "")
    assert host.exit_of("idle") == 0
    for id in ("tty", "idle", *(f"c{n}" for n in range(8))):
        host.client.forget(id, "")
    host.spawn("c1", "true")
    assert host.exit_of("c1", "") is not None


def test_exits_while_no_keeper_lives(host: Host) -> None:
    """They are drained by the scribe and reported by the next keeper."""
    host.client.close()
    host.connect()
    pids = [
        host.spawn(f"c{n}", "sh", "-c", f"read x; echo bye; exit {n}", open_stdin=True)[0]
        for n in range(4)
    ]
    socks = [host.attach(f"c{n}", stdin=True, mux=False) for n in range(4)]
    pidfds = [os.pidfd_open(pid) for pid in pids]
    keeper = host.pid_of("keeper")
    os.kill(keeper, signal.SIGSTOP)  # so that no other is started before they end
    for sock in socks:
        sock.sendall(b"\n")
    for pidfd in pidfds:
        assert select.select([pidfd], [], [], PATIENCE)[0]
    os.kill(keeper, signal.SIGKILL)
    for n in range(4):
        assert host.exit_of(f"c{n}") == n << 8
        assert host.log(f"c{n}") == b"bye\n"
    for sock in socks:
        assert read_all(sock) == b"bye\n"


def test_keeper_killed_again_and_again(host: Host) -> None:
    count = 30000
    for n in range(5):
        host.spawn(f"c{n}", *writer(f"c{n}", count, n + 1))
    for times in range(1, 6):
        host.kill("keeper")
        host.wait(lambda times=times: host.restarts == times)
    for n in range(5):
        assert host.exit_of(f"c{n}") == (n + 1) << 8
        assert host.log(f"c{n}") == lines_of(f"c{n}", count)


def test_keeper_then_scribe_killed(host: Host) -> None:
    count = 20000
    for n in range(5):
        host.spawn(f"c{n}", *writer(f"c{n}", count, n + 1))
    host.kill("keeper")
    host.wait(lambda: host.restarts == 1)
    host.kill("scribe-0")
    for n in range(5):
        assert host.exit_of(f"c{n}") == (n + 1) << 8
        assert host.log(f"c{n}") == lines_of(f"c{n}", count)


def test_ports_stay_taken_over_a_keeper_s_death(host: Host) -> None:
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    address = bound.getsockname()
    host.spawn("c1", "sleep", "1000", fds=[bound.fileno()])
    bound.close()
    host.kill("keeper")
    host.wait(lambda: host.restarts == 1)
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(address)
    host.client.signal("c1", "", 9)
    assert host.exit_of("c1") == 9
    host.client.forget("c1", "")
    host.client.scribe_stats()
    with socket.socket() as other:
        other.bind(address)


def test_keeper_and_scribe_killed_together(host: Host) -> None:
    """Never 0 by accident: the client has the processes' pidfds, and the kernel their statuses.

    What is written while nobody reads is logged; only what the scribe had just read could be lost,
    so nothing is written at that moment.
    """
    host.spawn("c1", "sh", "-c", "read x; exit 5", open_stdin=True)
    script = (
        "trap 'echo bye; exit 7' TERM; trap go=1 USR1; echo 1; until [ $go ]; do sleep 0.01; done; "
        "n=1; while :; do n=$((n+1)); echo $n; sleep 0.01; done"
    )
    pid, _ = host.spawn("c2", "sh", "-c", script)
    while host.log("c2") != b"1\n":
        select.select([], [], [], 0.005)
    os.kill(host.pid_of("keeper"), signal.SIGSTOP)
    host.kill("scribe-0")
    os.kill(pid, signal.SIGUSR1)
    os.kill(host.pid_of("keeper"), signal.SIGKILL)
    assert host.exit_of("c1") == 5 << 8  # its stdin came to an end with the last holder
    host.wait(lambda: host.restarts == 1)
    while {task["id"] for task in host.client.snapshot()} != {"c1", "c2"}:
        select.select([], [], [], 0.005)  # the client gives c2 back
    while b"2\n" not in host.log("c2"):
        select.select([], [], [], 0.005)
    host.client.signal("c2", "", signal.SIGTERM)
    assert host.exit_of("c2") == 7 << 8
    *numbers, last = host.log("c2").split()
    assert last == b"bye"
    assert [int(n) for n in numbers] == list(range(1, len(numbers) + 1))


def test_reexecution_keeps_everything(host: Host) -> None:
    keeper, scribe = host.pid_of("keeper"), host.pid_of("scribe-0")
    count = 20000
    for n in range(5):
        host.spawn(f"c{n}", *writer(f"c{n}", count, n + 1))
    host.spawn("idle", "cat", open_stdin=True)
    host.spawn("tty", "cat", tty=True, open_stdin=True)
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    host.client.hold("idle", [bound.fileno()])
    address = bound.getsockname()
    bound.close()
    attached = host.attach("idle", stdin=True, mux=False)
    old = Path(f"/proc/{keeper}/cmdline").read_bytes()
    for _ in range(3):
        host.client.reexec()
    while Path(f"/proc/{keeper}/cmdline").read_bytes() == old:
        select.select([], [], [], 0.005)
    assert {task["id"] for task in host.client.snapshot()} >= {"idle", "tty"}
    assert (host.pid_of("keeper"), host.pid_of("scribe-0")) == (keeper, scribe)
    attached.sendall(b"hello\n")
    assert read_until(attached, b"\n") == b"hello\n"
    host.exec("idle", "e1", "sh", "-c", "exit 9")
    assert host.exit_of("idle", "e1") == 9 << 8
    host.kill("scribe-0")
    for n in range(5):
        assert host.exit_of(f"c{n}") == (n + 1) << 8
        assert host.log(f"c{n}") == lines_of(f"c{n}", count)
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(address)
    host.client.resize("tty", "", 5, 6)
    host.client.close_stdin("idle", "")
    assert host.exit_of("idle") == 0
    assert host.restarts == 0


def test_a_keeper_of_another_release_becomes_ours(host: Host) -> None:
    """An upgrade: the daemon finds a keeper of the old code, and no container stops."""
    runs, old = Path(host.root, "runs"), Path(host.root, "old")
    keeper = host.pid_of("keeper")
    host.spawn("idle", "cat", open_stdin=True)
    old.touch()
    host.client.reexec()
    while len(runs.read_text().split()) < 2:
        select.select([], [], [], 0.005)
    host.client.close()
    old.unlink()
    client = host.connect()
    assert [task["id"] for task in client.snapshot()] == ["idle"]
    assert len(runs.read_text().split()) == 3
    client.snapshot()
    assert len(runs.read_text().split()) == 3
    assert host.pid_of("keeper") == keeper
    host.client.close_stdin("idle", "")
    assert host.exit_of("idle") == 0
    assert host.restarts == 0


def test_a_start_that_its_caller_was_told_to_have_failed_is_undone(host: Host) -> None:
    """The keeper dies between the start and the answer: nothing runs that nobody knows of."""
    keeper = host.pid_of("keeper")
    failed = threading.Event()

    def start() -> None:
        try:
            host.spawn("c1", "sleep", "1000")
        except Unavailable:
            failed.set()

    os.kill(keeper, signal.SIGSTOP)
    thread = threading.Thread(target=start)
    thread.start()
    while not host.client._keeper._waiting:
        select.select([], [], [], 0.002)
    os.kill(keeper, signal.SIGKILL)
    assert failed.wait(PATIENCE)
    thread.join()
    host.wait(lambda: host.restarts == 1)
    assert host.client.snapshot() == []
    assert host.exits == {}
    host.spawn("c1", "true")
    assert host.exit_of("c1") == 0
