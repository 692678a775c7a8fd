from __future__ import annotations

import os
import select
import signal
import socket
import stat
import subprocess
import threading
from pathlib import Path

import pytest
from keeper_host import Host, plan_of, read_all, read_until

from orlop.errors import Conflict, InvalidArgument, NotFound, SystemFailure
from orlop.keeper.client import Keeper
from orlop.keeper.replies import LaunchFailed
from orlop.wire import Frames


def test_a_process_runs_logs_and_exits(host: Host) -> None:
    pid, started = host.spawn("c1", "sh", "-c", "echo out; echo err >&2; exit 3")
    assert pid > 1
    assert started > 0
    assert os.waitstatus_to_exitcode(host.exit_of("c1") or 0) == 3
    assert sorted(host.log("c1").splitlines()) == [b"err", b"out"]
    (task,) = host.client.snapshot()
    assert (task["id"], task["state"], task["status"]) == ("c1", "exited", 3 << 8)
    host.client.forget("c1", "")
    assert host.client.snapshot() == []
    host.client.forget("c1", "")
    assert os.listdir(f"{host.root}/containers") == []


def test_a_signal_s_status_is_raw(host: Host) -> None:
    host.spawn("c1", "sleep", "1000")
    host.client.signal("c1", "", signal.SIGKILL)
    assert host.exit_of("c1") == signal.SIGKILL
    with pytest.raises(NotFound):
        host.client.signal("c1", "", signal.SIGKILL)


def test_a_failed_launch_says_where(host: Host) -> None:
    failure = ("mount", 2, "/x", "no such file or directory")
    with pytest.raises(LaunchFailed) as raised:
        host.spawn("c1", "true", fail=failure)
    found = raised.value
    assert (found.stage, found.errno, found.path, found.message) == failure
    with pytest.raises(LaunchFailed) as raised:
        host.spawn("c1", "/no/such/program")
    assert raised.value.errno == 2
    assert host.client.snapshot() == []
    assert os.listdir(f"{host.root}/containers") == []
    host.spawn("c1", "true")
    assert host.exit_of("c1") == 0


def test_failed_host_operations_end_the_launch(host: Host) -> None:
    with pytest.raises(LaunchFailed) as raised:
        host.spawn("c1", "sleep", "1000", host_ops=[(17, "File exists", "vethx")])
    assert (raised.value.stage, raised.value.errno) == ("network", 17)
    assert host.client.snapshot() == []


def test_requests_that_make_no_sense(host: Host) -> None:
    host.spawn("c1", "sleep", "1000")
    with pytest.raises(Conflict):
        host.spawn("c1", "true")
    with pytest.raises(Conflict):
        host.client.forget("c1", "")
    with pytest.raises(NotFound):
        host.client.signal("c2", "", 9)
    with pytest.raises(Conflict):
        host.exec("c2", "e", "true")
    with pytest.raises(Conflict):
        host.client.shutdown()
    for frame in ({"op": "nonsense"}, {"op": "signal"}, {"op": "spawn", "id": "x"}, {}):
        with pytest.raises(InvalidArgument):
            host.client.call(frame)


def test_sockets_and_pid_files(host: Host) -> None:
    for name in ("keeper.sock", "scribe-0.sock"):
        mode = os.stat(f"{host.root}/{name}").st_mode
        assert stat.S_ISSOCK(mode)
        assert stat.S_IMODE(mode) == 0o600
    names = Path("/proc/net/unix").read_text()
    assert f"@{host.root}" not in names
    assert os.getpgid(host.pid_of("keeper")) != os.getpgid(0)
    assert os.readlink(f"/proc/{host.pid_of('keeper')}/cwd") == "/"
    assert b"PYTEST" not in Path(f"/proc/{host.pid_of('keeper')}/environ").read_bytes()


def test_a_process_has_its_three_fds_only(host: Host) -> None:
    """No fd of the keeper or of another container goes into one (S24)."""
    host.spawn("c0", "cat", open_stdin=True)
    host.spawn("c1", "ls", "-l", "/proc/self/fd", open_stdin=True)
    assert host.exit_of("c1") == 0
    lines = host.log("c1").decode().splitlines()
    fds = {line.split(" -> ")[0].split()[-1]: line.split(" -> ")[1] for line in lines[1:]}
    assert set(fds) == {"0", "1", "2", "3"}  # 3: of ls itself
    assert [fds[n].rpartition("/")[2] for n in "012"] == [
        "init-stdin",
        "init-stdout",
        "init-stderr",
    ]


def test_only_keeper_and_scribe_hold_stdin_open(host: Host) -> None:
    """Closing it must reach the process: a copy elsewhere would keep it open."""
    pid, _ = host.spawn("c1", "cat", open_stdin=True)
    host.spawn("c2", "cat", open_stdin=True)
    path = os.readlink(f"/proc/{pid}/fd/0")
    own = {host.pid_of("keeper"), host.pid_of("scribe-0"), pid}
    found = subprocess.run(
        ["sh", "-c", f"ls -l /proc/[0-9]*/fd 2>/dev/null | grep -c ' {path}$'"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert int(found.stdout) == len(own)
    host.client.close_stdin("c1", "")
    assert host.exit_of("c1") == 0


def test_attach_before_the_start_and_half_close(host: Host) -> None:
    sock = host.attach("c1", stdin=True, stdin_once=True, leftover=b"early ")
    sock.sendall(b"late\n")
    sock.shutdown(socket.SHUT_WR)
    host.spawn("c1", "sh", "-c", "cat; echo done >&2", open_stdin=True)
    assert list(Frames().feed(read_all(sock))) == [(1, b"early late\n"), (2, b"done\n")]
    assert host.exit_of("c1") == 0


def test_attach_without_stdin_once_ends_with_its_stdin(host: Host) -> None:
    """As dockerd: the client is done, the process and its stdin go on."""
    host.spawn("c1", "cat", open_stdin=True)
    first = host.attach("c1", stdin=True, mux=False)
    first.sendall(b"one\n")
    assert read_until(first, b"\n") == b"one\n"
    first.shutdown(socket.SHUT_WR)
    assert read_all(first) == b""
    second = host.attach("c1", stdin=True, mux=False)
    second.sendall(b"two\n")
    assert read_until(second, b"\n") == b"two\n"
    second.close()
    assert host.log("c1") == b"one\ntwo\n"


def test_several_clients_get_the_same(host: Host) -> None:
    socks = [host.attach("c1", mux=bool(n % 2)) for n in range(6)]
    host.spawn("c1", "seq", "2000")
    expected = b"".join(b"%d\n" % n for n in range(1, 2001))
    for n, sock in enumerate(socks):
        data = read_all(sock)
        assert (b"".join(p for _, p in Frames().feed(data)) if n % 2 else data) == expected


def test_streams_are_chosen(host: Host) -> None:
    sock = host.attach("c1", stdout=False, mux=False)
    host.spawn("c1", "sh", "-c", "echo out; echo err >&2")
    assert read_all(sock) == b"err\n"


def test_drop_closes_who_waits(host: Host) -> None:
    waiting = host.attach("c1")
    other = host.attach("c2")
    host.client.drop("c1", "")
    assert read_all(waiting) == b""
    assert host.client.scribe_stats()["hubs"] == 1
    other.close()
    host.spawn("c2", "true")
    assert host.exit_of("c2") == 0


def test_a_terminal(host: Host) -> None:
    sock = host.attach("c1", stdin=True, mux=False, detach_keys=b"\x10\x11")
    script = "tty; stty size; read x; echo got $x; stty size; read x"
    host.spawn("c1", "sh", "-c", script, tty=True, open_stdin=True, rows=40, cols=100)
    assert b"40 100\r\n" in read_until(sock, b"40 100\r\n")
    host.client.resize("c1", "", 33, 77)
    sock.sendall(b"hello\n")
    assert b"got hello\r\n33 77\r\n" in read_until(sock, b"33 77\r\n")
    sock.sendall(b"x\x10")
    sock.sendall(b"\x11")
    read_all(sock)
    host.wait(lambda: host.detached == [("c1", "")])
    again = host.attach("c1", stdin=True, mux=False)
    again.sendall(b"\n")
    read_all(again)
    assert host.exit_of("c1") == 0
    assert b"got hello\r\n" in host.log("c1")


def test_the_size_may_come_before_the_process(host: Host) -> None:
    host.spawn("c1", "sh", "-c", "read x; stty size", tty=True, open_stdin=True)
    host.client.resize("c1", "", 11, 22)
    sock = host.attach("c1", stdin=True, mux=False)
    sock.sendall(b"\n")
    assert read_all(sock).endswith(b"11 22\r\n")


def test_exec(host: Host) -> None:
    host.spawn("c1", "sleep", "1000")
    sock = host.attach("c1", "e1", stdin=True, stdin_once=True)
    sock.sendall(b"hi")
    sock.shutdown(socket.SHUT_WR)
    host.exec("c1", "e1", "sh", "-c", "cat; exit 7", open_stdin=True)
    assert list(Frames().feed(read_all(sock))) == [(1, b"hi")]
    assert host.exit_of("c1", "e1") == 7 << 8
    host.exec("c1", "e2", "sh", "-c", "echo nobody reads this", detached=True)
    assert host.exit_of("c1", "e2") == 0
    host.client.forget("c1", "e1")
    host.client.signal("c1", "", 15)
    assert host.exit_of("c1") == 15
    host.client.forget("c1", "")
    assert host.client.snapshot() == []
    assert host.log("c1") == b""


def test_what_a_child_left_behind_holds_nobody_up(host: Host) -> None:
    """Its output is read on, to nowhere: it must not block, nor die of SIGPIPE."""
    host.spawn("c1", "sleep", "1000")
    sock = host.attach("c1", "e1", mux=False)
    marker = f"{host.root}/done"
    script = f"(sleep 2.5; seq 100000; touch {marker}) & echo started"
    host.exec("c1", "e1", "sh", "-c", script)
    assert read_until(sock, b"started\n") == b"started\n"
    assert host.exit_of("c1", "e1") == 0
    assert read_all(sock) == b""
    host.client.forget("c1", "e1")
    watcher = subprocess.run(
        ["timeout", "20", "sh", "-c", f"until test -e {marker}; do :; done"], check=False
    )
    assert watcher.returncode == 0


def test_a_client_that_does_not_read_holds_up_its_container_only(host: Host) -> None:
    slow = host.attach("c1", mux=False)
    host.spawn("c1", "sh", "-c", "seq 1000000; echo end")
    quick = host.attach("c2", mux=False)
    host.spawn("c2", "sh", "-c", "seq 100000")
    assert len(read_all(quick)) == 588895
    assert host.exit_of("c2") == 0
    assert ("c1", "") not in host.exits
    data = read_all(slow)
    assert data.endswith(b"1000000\nend\n")
    assert len(data) == 6888896 + 4
    assert host.exit_of("c1") == 0


def test_a_client_that_dies_lets_its_container_go_on(host: Host) -> None:
    dead = host.attach("c1", mux=False)
    host.spawn("c1", "sh", "-c", "seq 1000000; echo end")
    read_until(dead, b"\n")
    dead.close()
    assert host.exit_of("c1") == 0
    assert host.log("c1").endswith(b"1000000\nend\n")
    assert host.client.scribe_stats()["clients"] == 0


def test_many_at_once(host: Host) -> None:
    def one(n: int) -> None:
        host.spawn(f"c{n}", "sh", "-c", f"echo {n}; exit {n % 50}")

    threads = [threading.Thread(target=one, args=(n,)) for n in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for n in range(60):
        assert host.exit_of(f"c{n}") == (n % 50) << 8
        assert host.log(f"c{n}") == b"%d\n" % n


def test_a_large_plan_travels_in_a_memory_file(host: Host) -> None:
    plan, stdio = plan_of(("true",), {})
    plan["ballast"] = b"x" * 3_000_000
    host.client.spawn("c1", plan, stdio, {"driver": "none"})
    assert host.exit_of("c1") == 0


def test_port_sockets_are_held_until_released(host: Host) -> None:
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    address = bound.getsockname()
    host.spawn("c1", "sleep", "1000", fds=[bound.fileno()])
    bound.close()
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(address)
    host.client.signal("c1", "", 9)
    host.exit_of("c1")
    host.client.forget("c1", "")
    host.client.scribe_stats()
    with socket.socket() as other:
        other.bind(address)


def test_more_ports_than_one_message_takes(host: Host) -> None:
    bound = [socket.socket() for _ in range(600)]
    for one in bound:
        one.bind(("127.0.0.1", 0))
    host.spawn("c1", "sleep", "1000", fds=[one.fileno() for one in bound])
    assert len(os.listdir(f"/proc/{host.pid_of('keeper')}/fd")) > 600
    host.client.signal("c1", "", 9)
    host.exit_of("c1")
    host.client.forget("c1", "")
    assert len(os.listdir(f"/proc/{host.pid_of('keeper')}/fd")) < 50
    for one in bound:
        one.close()


def test_two_daemons_hear_the_same(host: Host) -> None:
    other = Keeper(host.root)
    heard: list[str] = []
    both = threading.Event()
    other.on_exit = lambda id, *_: (heard.append(id), both.set())  # type: ignore[func-returns-value]
    assert other.ensure() == []
    host.spawn("c1", "true")
    assert both.wait(20)
    assert host.exit_of("c1") == 0
    other.close()


def test_shutdown_ends_keeper_and_scribe(host: Host) -> None:
    host.spawn("c1", "sleep", "1000")
    pids = [host.pid_of("keeper"), host.pid_of("scribe-0")]
    pidfds = [os.pidfd_open(pid) for pid in pids]
    assert host.client.shutdown(force=True)
    for pidfd in pidfds:
        assert select.select([pidfd], [], [], 20)[0]
        os.close(pidfd)
    # It started another one to end that, and one more to take that one's place.
    assert not host.client.shutdown()
    assert not Path(host.root, "keeper.pid").exists()


def test_nothing_leaks_over_attach_and_exec(host: Host) -> None:
    """S55: attach-drop, resize and exec leave nothing behind."""
    host.spawn("c1", "cat", tty=True, open_stdin=True)
    names = ("keeper", "scribe-0")

    def fds() -> list[int]:
        host.client.scribe_stats()
        return [len(os.listdir(f"/proc/{host.pid_of(name)}/fd")) for name in names]

    before = fds()
    for n in range(300):
        host.attach("c1", stdin=True, mux=False).close()
        host.client.resize("c1", "", n, n)
    for n in range(30):
        host.exec("c1", f"e{n}", "true")
        host.exit_of("c1", f"e{n}")
        host.client.forget("c1", f"e{n}")
    after = fds()
    assert all(b - a <= 2 for a, b in zip(before, after)), (before, after)


def test_a_keeper_that_cannot_start_says_so(tmp_path: Path) -> None:
    broken = Keeper(tmp_path, command=["/bin/false"])
    broken._starter._patience = 0.0
    with pytest.raises(SystemFailure, match="the keeper does not start"):
        broken.ensure()


def test_an_exec_that_outlives_its_container_s_task_is_not_kept(host: Host) -> None:
    host.spawn("c1", "sleep", "1000")
    host.exec("c1", "e1", "sh", "-c", "read x", open_stdin=True)
    host.client.signal("c1", "", 9)
    host.exit_of("c1")
    host.client.forget("c1", "")
    host.client.signal("c1", "e1", 9)
    assert host.exit_of("c1", "e1") == 9
    assert host.client.snapshot() == []


def test_a_renamed_log_is_opened_anew(host: Host) -> None:
    host.spawn("c1", "cat", open_stdin=True)
    sock = host.attach("c1", stdin=True, mux=False)
    for text in (b"one\n", b"two\n"):
        sock.sendall(text)
        assert read_until(sock, b"\n") == text
        os.rename(host.log_path("c1"), host.log_path("c1") + ".old")
        host.client.log_reopen("c1")
    sock.sendall(b"three\n")
    assert read_until(sock, b"\n") == b"three\n"
    assert host.log("c1") == b"three\n"
