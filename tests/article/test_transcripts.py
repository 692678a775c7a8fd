"""The transcripts about containers: rows C1 to C24 of the article, with both command lines."""

from __future__ import annotations

import os
import re
import signal
import subprocess

import pytest
from clis import Cli
from daemon import Daemon

pytestmark = pytest.mark.root
HEX64 = re.compile(r"[0-9a-f]{64}")
PING = "i=0; while :; do echo 64 bytes from here: seq=$i; i=$((i+1)); usleep 50000; done"


def heed_interrupts() -> None:
    """A suite that runs in the background has SIGINT ignored, and children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def interrupt(process: subprocess.Popen[bytes]) -> None:
    """^C, and again if need be, as a person would."""
    for _ in range(10):
        process.send_signal(signal.SIGINT)
        try:
            process.wait(3)
            break
        except subprocess.TimeoutExpired:
            continue
    assert process.stdout
    process.stdout.close()
    assert process.returncode is not None


def columns(text: str) -> list[list[str]]:
    return [re.split(r" {2,}", line.strip()) for line in text.splitlines()]


def test_c1_c6_a_shell_without_stdin_exits_at_once(cli: Cli) -> None:
    assert cli("run", "--name", "b1", "busybox", "sh") == ""
    assert columns(cli("ps"))[0] == [
        "CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES",
    ]  # fmt: skip
    assert len(columns(cli("ps"))) == 1
    row = columns(cli("ps", "-a"))[1]
    assert row[1:3] == ["busybox", '"sh"']
    assert re.match(r"Exited \(0\) .* ago", row[4])
    assert row[-1] == "b1"


def test_c2_run_detached_prints_the_id(cli: Cli) -> None:
    id = cli("run", "-d", "busybox", "sleep", "1000").strip()
    assert HEX64.fullmatch(id)
    row = columns(cli("ps"))[1]
    assert row[0] == id[:12]
    assert re.match(r"Up ", row[4])


def test_c3_ids_long_short_and_prefix(cli: Cli) -> None:
    id = cli("create", "--name", "b1", "busybox").strip()
    assert columns(cli("ps", "-a", "--no-trunc"))[1][0] == id
    assert cli("ps", "-aq").strip() == id[:12]
    for ref in (id, id[:12], id[:5], "b1"):
        assert cli("inspect", "-f", "{{.Id}}", ref).strip() == id


def test_c4_names(cli: Cli) -> None:
    cli("create", "busybox")
    assert re.fullmatch(r"[a-z]+_[a-z]+\d?", columns(cli("ps", "-a"))[1][-1])
    cli("create", "--name", "b1", "busybox")
    twice = cli.run("create", "--name", "b1", "busybox", check=False)
    assert twice.returncode == 1
    assert re.search(
        r'Conflict. The container name "/b1" is already in use by container "[0-9a-f]{64}". You '
        r"have to remove \(or rename\) that container to be able to reuse that name.",
        twice.stderr,
    )


def test_c5_rm_prints_what_it_was_given(cli: Cli) -> None:
    cli("create", "--name", "b1", "busybox")
    assert cli("rm", "b1") == "b1\n"
    ids = [cli("create", "busybox").strip()[:12] for _ in range(3)]
    assert set(cli("ps", "-aq").split()) == set(ids)
    assert cli("rm", *ids).split() == ids
    assert columns(cli("ps", "-a")) == [
        ["CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES"]
    ]


def test_c7_interactive_shell_and_detach(cli: Cli) -> None:
    terminal = cli.terminal("run", "--name", "b2", "-it", "busybox", "sh")
    terminal.expect("/ # ")
    terminal.type("echo $((40+2))\r")
    terminal.expect("42")
    terminal.type("\x10\x11")
    rest, code = terminal.close()
    assert code == 0
    assert re.match(r"Up", columns(cli("ps"))[1][4]), rest
    again = cli.terminal("attach", "b2")
    again.type("\r")
    again.expect("/ # ")
    again.type("\x10\x11")
    rest, code = again.close()
    assert "read escape sequence" in rest
    assert code == 1


def test_c7_stdin_through_a_pipe(cli: Cli) -> None:
    assert cli("run", "--rm", "-i", "busybox", "cat", input="test\n") == "test\n"
    no_tty = cli.run("run", "--rm", "-it", "busybox", "cat", input="x", check=False)
    assert no_tty.returncode == 1
    assert "the input device is not a TTY" in no_tty.stderr


def test_c9_published_port(cli: Cli) -> None:
    serve = "while :; do printf 'HTTP/1.0 200 OK\\r\\n\\r\\nhello' | nc -l -p 80; done"
    cli("run", "-d", "--name", "web", "-p", "127.0.0.1::80", "busybox", "sh", "-c", serve)
    address = cli("port", "web", "80").strip()
    assert re.fullmatch(r"127\.0\.0\.1:\d+", address)
    assert f"{address}->80/tcp" in cli("ps")
    page = subprocess.run(
        ["curl", "-s", "--retry", "20", "--retry-connrefused", "--retry-delay", "0",
         "--retry-all-errors", "--max-time", "10", f"http://{address}/"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert page.stdout == "hello"


def test_c10_exit_codes(cli: Cli) -> None:
    def code(*args: str) -> int:
        return cli.run("run", "--rm", *args, check=False).returncode

    assert code("busybox", "sh", "-c", "exit 7") == 7
    assert code("--nosuchflag", "busybox") == 125
    assert code("busybox", "/etc") == 126
    assert code("busybox", "nosuch") == 127
    # PID 1 of a namespace cannot kill itself; a signal from outside is 128+n
    assert code("busybox", "sh", "-c", "kill -9 $$") == 0


def test_c11_interrupt_is_passed_on(cli: Cli) -> None:
    script = "trap 'echo caught; exit 9' INT; echo ready; while :; do usleep 10000; done"
    command = ["docker"] if cli.name == "docker" else cli.daemon.orlop_command
    process = subprocess.Popen(
        [*command, "run", "--name", "b3", "busybox", "sh", "-c", script],
        stdout=subprocess.PIPE,
        env={**cli.daemon.environment, "PATH": os.environ["PATH"]},
        preexec_fn=heed_interrupts,
    )
    assert process.stdout
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == b"caught\n"
    assert process.wait(20) == 9
    process.stdout.close()


def test_c12_c14_detached_then_attached_then_logs(cli: Cli) -> None:
    id = cli("run", "--name", "b4", "-it", "-d", "busybox", "sh", "-c", PING).strip()
    assert HEX64.fullmatch(id)
    terminal = cli.terminal("attach", "b4")
    terminal.expect("64 bytes from here")
    terminal.expect("64 bytes from here")
    terminal.type("\x10\x11")
    rest, code = terminal.close()
    assert "read escape sequence" in rest
    assert code == 1
    logs = cli("logs", "b4").splitlines()
    assert logs[:2] == ["64 bytes from here: seq=0", "64 bytes from here: seq=1"]


def test_c8_a_server_in_the_background_ends_with_pid_1(orlopd: Daemon) -> None:
    """Said to a person at a terminal only, so that output stays Docker's elsewhere."""
    words = ("run", "--rm", "busybox", "sh", "-c", "sleep 1000 &")
    terminal = orlopd.terminal("orlop", *words)
    rest, code = terminal.close()
    assert code == 0
    assert "`sleep 1000 &` leaves its program in the background" in rest
    assert orlopd.orlop(*words).stderr == ""


def test_c15_to_c19_the_life_of_a_container(cli: Cli) -> None:
    cli("run", "-d", "--name", "b1", "busybox", "sh", "-c", "echo x > /kept; exec sleep 1000")

    def state() -> str:
        return cli("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "b1").strip()

    assert cli("pause", "b1") == "b1\n"
    assert "(Paused)" in cli("ps")
    assert cli("unpause", "b1") == "b1\n"
    assert state() == "running 0"
    assert cli("stop", "-t", "0", "b1") == "b1\n"
    assert state() == "exited 137"
    assert cli("start", "b1") == "b1\n"
    assert cli("exec", "b1", "cat", "/kept") == "x\n"
    assert cli("kill", "b1") == "b1\n"
    assert cli("wait", "b1") == "137\n"
    cli("start", "b1")
    refused = cli.run("rm", "b1", check=False)
    assert refused.returncode == 1
    assert (
        'cannot remove container "b1": container is running: stop the container before removing '
        "or force remove" in refused.stderr
    )
    assert cli("rm", "-f", "b1") == "b1\n"


def test_c21_an_exec_outlives_its_client(cli: Cli) -> None:
    cli("run", "-it", "-d", "--name", "b1", "busybox", "sh")
    command = ["docker"] if cli.name == "docker" else cli.daemon.orlop_command
    process = subprocess.Popen(
        [*command, "exec", "b1", "sh", "-c", PING],
        stdout=subprocess.PIPE,
        env={**cli.daemon.environment, "PATH": os.environ["PATH"]},
        preexec_fn=heed_interrupts,
    )
    assert process.stdout
    assert process.stdout.readline().startswith(b"64 bytes")
    interrupt(process)
    assert "usleep" in cli("exec", "b1", "ps", "-ef")
    terminal = cli.terminal("attach", "b1")
    terminal.type("\rps -ef\r")
    terminal.expect("sh -c i=0")
    terminal.type("\x10\x11")
    terminal.close()


def test_c22_exec_with_a_terminal(cli: Cli) -> None:
    cli("run", "-d", "--name", "b1", "busybox", "sleep", "1000")
    terminal = cli.terminal("exec", "-it", "b1", "sh")
    terminal.expect("/ # ")
    terminal.type("tty; exit 5\r")
    terminal.expect("/dev/pts/")
    _, code = terminal.close()
    assert code == 5


def test_c23_header_without_rows(cli: Cli) -> None:
    assert cli("ps", "-a").startswith("CONTAINER ID")


def test_s1_the_kernel_is_the_hosts(cli: Cli) -> None:
    ours = subprocess.run(["uname", "-r"], capture_output=True, text=True).stdout
    assert cli("run", "--rm", "busybox", "uname", "-r") == ours


def test_s2_two_containers_of_one_image(cli: Cli) -> None:
    cli("run", "--name", "aa", "busybox", "sh", "-c", "echo changed > /etc/passwd")
    assert "root" in cli("run", "--rm", "--name", "bb", "busybox", "cat", "/etc/passwd")


def test_s4_the_storage_driver(cli: Cli) -> None:
    done = cli.run("info")
    assert " Storage Driver: overlay2\n" in done.stdout
    for row in ("Backing Filesystem", "Supports d_type", "Using metacopy", "Native Overlay Diff"):
        assert f"\n  {row}: " in done.stdout


def test_i4_i5_images_and_rmi(cli: Cli, hub: Daemon) -> None:
    run = hub.docker if cli.name == "docker" else hub.orlop
    lines = run("pull", "busybox:1.31.1").stdout.splitlines()
    assert lines[0] == "1.31.1: Pulling from library/busybox"
    assert lines[-1] == "docker.io/library/busybox:1.31.1"
    head, *rows = columns(run("images").stdout)
    assert head == ["REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE"]
    assert ["busybox", "1.31.1"] in [r[:2] for r in rows]
    removed = run("rmi", "busybox:1.31.1").stdout.splitlines()
    assert [re.sub(r"[0-9a-f]{64}", "X", line) for line in removed] == [
        "Untagged: busybox:1.31.1",
        "Untagged: busybox@sha256:X",
        "Deleted: sha256:X",
        "Deleted: sha256:X",
    ]


def test_i6_an_image_in_use(cli: Cli) -> None:
    cli("create", "--name", "maker", "busybox")
    cli("commit", "maker", "used:1")
    cli("tag", "used:1", "used:2")
    cli("create", "--name", "user", "used:1")
    # another name of the image stays, so losing this one is allowed
    assert cli("rmi", "used:2") == "Untagged: used:2\n"
    blocked = cli.run("rmi", "used:1", check=False)
    assert blocked.returncode == 1
    assert re.search(
        r'conflict: unable to remove repository reference "used:1" \(must force\) - container '
        r"[0-9a-f]{12} is using its referenced image [0-9a-f]{12}",
        blocked.stderr,
    )
    cli("rm", "user", "maker")
    cli("rmi", "used:1")
