"""Both command lines under a pseudo-terminal: detach keys, ctrl-c, window size, exit codes."""

from __future__ import annotations

import fcntl
import os
import signal
import struct
import termios
from collections.abc import Iterator

import pytest
from daemon import Daemon
from terminal import Terminal

pytestmark = pytest.mark.root

BOTH = pytest.mark.parametrize("cli", ["docker", "orlop"])
DETACH = "\x10\x11"
PROMPT = "# "
_TIOCGPTN = 0x80045430  # ioctl_tty(2)


@pytest.fixture
def name(orlopd: Daemon, cli: str, request: pytest.FixtureRequest) -> Iterator[str]:
    found = f"tty-{cli}-{request.node.originalname[5:35].replace('_', '-')}"
    yield found
    orlopd.docker("rm", "-fv", found, check=False)


def running(daemon: Daemon, name: str) -> bool:
    return daemon.docker("inspect", "-f", "{{.State.Running}}", name).stdout == "true\n"


def _number(master: int) -> int:
    """Of the terminal's other side (os.ptsname came with Python 3.13)."""
    found: int = struct.unpack("I", fcntl.ioctl(master, _TIOCGPTN, b"\0" * 4))[0]
    return found


def resize(terminal: Terminal, rows: int, columns: int) -> None:
    fcntl.ioctl(terminal.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


@BOTH
def test_the_code_of_a_shell(orlopd: Daemon, cli: str, name: str) -> None:
    terminal = orlopd.terminal(cli, "run", "-it", "--rm", "--name", name, "busybox", "sh")
    terminal.expect(PROMPT)
    terminal.type("exit 3\n")
    assert terminal.close()[1] == 3


@BOTH
def test_detach_from_run_says_nothing_and_succeeds(orlopd: Daemon, cli: str, name: str) -> None:
    terminal = orlopd.terminal(cli, "run", "-it", "--name", name, "busybox", "sh")
    terminal.expect(PROMPT)
    terminal.type("\x10")
    terminal.type("\x11")
    text, code = terminal.close()
    assert code == 0
    assert "read escape sequence" not in text
    assert running(orlopd, name)


@BOTH
def test_detach_from_attach_says_so_and_fails(orlopd: Daemon, cli: str, name: str) -> None:
    orlopd.docker("run", "-dit", "--name", name, "busybox", "sh")
    terminal = orlopd.terminal(cli, "attach", name)
    terminal.type("echo a$((1+1))\n")
    terminal.expect("a2")
    terminal.type(DETACH)
    text, code = terminal.close()
    assert text.endswith("read escape sequence\r\n")
    assert code == 1
    assert running(orlopd, name)


@BOTH
def test_detach_from_exec(orlopd: Daemon, cli: str, name: str) -> None:
    orlopd.docker("run", "-d", "--name", name, "busybox", "sleep", "600")
    terminal = orlopd.terminal(cli, "exec", "-it", name, "sh")
    terminal.expect(PROMPT)
    terminal.type(DETACH)
    text, code = terminal.close()
    assert text.endswith("read escape sequence\r\n")
    assert code == 1


@BOTH
def test_own_detach_keys(orlopd: Daemon, cli: str, name: str) -> None:
    terminal = orlopd.terminal(
        cli, "run", "-it", "--detach-keys", "ctrl-a,d", "--name", name, "busybox", "sh"
    )
    terminal.expect(PROMPT)
    terminal.type(DETACH)
    terminal.type("\x01d")
    assert terminal.close()[1] == 0
    assert running(orlopd, name)


@BOTH
def test_start_attached(orlopd: Daemon, cli: str, name: str) -> None:
    orlopd.docker("create", "-it", "--name", name, "busybox", "sh")
    terminal = orlopd.terminal(cli, "start", "-ai", name)
    terminal.expect(PROMPT)
    terminal.type("exit 6\n")
    assert terminal.close()[1] == 6


@BOTH
@pytest.mark.parametrize("how", ["run", "exec"])
def test_the_size_follows_the_window(orlopd: Daemon, cli: str, name: str, how: str) -> None:
    if how == "exec":
        orlopd.docker("run", "-d", "--name", name, "busybox", "sleep", "600")
        terminal = orlopd.terminal(cli, "exec", "-it", name, "sh")
    else:
        terminal = orlopd.terminal(cli, "run", "-it", "--rm", "--name", name, "busybox", "sh")
    terminal.expect(PROMPT)
    resize(terminal, 20, 77)
    # the shell gets SIGWINCH some time later: ask until it has come
    terminal.type('until [ "$(stty size)" = "20 77" ]; do sleep 0.05; done; echo size is so\n')
    terminal.expect("\nsize is so")
    terminal.type("exit\n")
    assert terminal.close()[1] == 0


@BOTH
def test_ctrl_c_is_the_programs_with_a_terminal(orlopd: Daemon, cli: str, name: str) -> None:
    terminal = orlopd.terminal(cli, "run", "-it", "--rm", "--name", name, "busybox", "sh")
    terminal.expect(PROMPT)
    terminal.type("sh -c 'echo go; exec sleep 600'\n")  # it is in the foreground when it speaks
    terminal.expect("\ngo")
    terminal.type("\x03")
    terminal.expect(PROMPT)
    terminal.type("exit\n")
    assert terminal.close()[1] == 130


@BOTH
def test_ctrl_c_is_forwarded_without_one(orlopd: Daemon, cli: str, name: str) -> None:
    terminal = orlopd.terminal(
        cli, "run", "--rm", "--name", name, "busybox", "sh", "-c",
        "trap 'echo got; exit 9' INT; echo ready; while :; do sleep 0.1; done",
    )  # fmt: skip
    terminal.expect("ready")
    terminal.type("\x03")
    text, code = terminal.close()
    assert "got" in text
    assert code == 9


@BOTH
def test_the_third_ctrl_c_ends_the_client(orlopd: Daemon, cli: str, name: str) -> None:
    """A program that ignores the signal runs on."""
    terminal = orlopd.terminal(
        cli, "run", "--name", name, "busybox", "sh", "-c",
        "trap 'echo caught' INT; echo ready; while :; do sleep 0.1; done",
    )  # fmt: skip
    terminal.expect("ready")
    for _ in range(2):
        terminal.type("\x03")
        terminal.expect("caught")
    terminal.type("\x03")
    text, code = terminal.close()
    assert text.endswith("\r\ngot 3 SIGTERM/SIGINTs, forcefully exiting\r\n")
    assert code == 1
    assert running(orlopd, name)


@BOTH
def test_sigterm_is_forwarded_by_attach(orlopd: Daemon, cli: str, name: str) -> None:
    orlopd.docker(
        "run", "-d", "--name", name, "busybox", "sh", "-c",
        "trap 'echo term; exit 7' TERM; while :; do echo ready; sleep 0.1; done",
    )  # fmt: skip
    terminal = orlopd.terminal(cli, "attach", name)
    terminal.expect("ready")
    os.kill(terminal.pid, signal.SIGTERM)
    text, code = terminal.close()
    assert "term" in text
    assert code == 7


def test_ctrl_c_without_proxy_ends_us_and_not_the_container(orlopd: Daemon) -> None:
    """Docker's CLI wants three; one is what its users expect."""
    name = "tty-noproxy"
    terminal = orlopd.terminal(
        "orlop", "run", "--sig-proxy=false", "--name", name, "busybox", "sh", "-c",
        "echo ready; sleep 600",
    )  # fmt: skip
    try:
        terminal.expect("ready")
        terminal.type("\x03")
        assert terminal.close()[1] == 130
        assert running(orlopd, name)
    finally:
        orlopd.docker("rm", "-f", name)


@BOTH
def test_ctrl_c_leaves_what_exec_started(orlopd: Daemon, cli: str, name: str) -> None:
    orlopd.docker("run", "-d", "--name", name, "busybox", "sleep", "600")
    terminal = orlopd.terminal(cli, "exec", name, "sh", "-c", "echo ready; exec sleep 599")
    terminal.expect("ready")
    terminal.type("\x03")
    assert terminal.close()[1] == 0
    assert "sleep 599" in orlopd.docker("exec", name, "ps").stdout


@BOTH
def test_killed_from_elsewhere(orlopd: Daemon, cli: str, name: str) -> None:
    terminal = orlopd.terminal(cli, "run", "-it", "--name", name, "busybox", "sh")
    terminal.expect(PROMPT)
    orlopd.docker("kill", name)
    assert terminal.close()[1] == 137


@BOTH
@pytest.mark.parametrize(
    ("args", "ends", "code"),
    [
        (
            ["save", "busybox"],
            "cowardly refusing to save to a terminal. Use the -o flag or redirect\r\n",
            1,
        ),
        (["load"], "requested load from stdin, but stdin is empty\r\n", 1),
    ],
)
def test_terminals_are_no_archives(
    orlopd: Daemon, cli: str, args: list[str], ends: str, code: int
) -> None:
    text, found = orlopd.terminal(cli, *args).close()
    assert text == ends
    assert found == code


@pytest.mark.parametrize(
    ("cli", "answer", "echo"),
    # docker asks before it is ready for ctrl-c, so an early one ends it by the signal
    [("docker", "n\n", "n\r\n"), ("orlop", "n\n", "n\r\n"), ("orlop", "\x03", "^C\r\n")],
)
def test_a_question(orlopd: Daemon, cli: str, answer: str, echo: str) -> None:
    terminal = orlopd.terminal(cli, "container", "prune")
    terminal.expect("Are you sure you want to continue? [y/N] ")
    terminal.type(answer)
    assert terminal.close() == (echo, 0)


def test_the_terminal_is_as_before(orlopd: Daemon) -> None:
    """Raw mode ends with us, also when the container is killed."""
    name = "tty-restored"
    terminal = orlopd.terminal("orlop", "run", "-it", "--name", name, "busybox", "sh")
    before = termios.tcgetattr(terminal.fd)
    terminal.expect(PROMPT)
    raw = termios.tcgetattr(terminal.fd)
    assert not raw[3] & (termios.ECHO | termios.ICANON)
    orlopd.docker("rm", "-f", name)
    while terminal.read(20):
        after = termios.tcgetattr(terminal.fd)
        if after[3] & termios.ECHO:
            assert after[3] == before[3]
            break
    terminal.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_client_that_is_ended_gives_the_terminal_back(orlopd: Daemon, number: int) -> None:
    """An `exec -it` that was sent SIGTERM left the shell without echo."""
    name = f"tty-ended-{number}"
    orlopd.docker("run", "-d", "--name", name, "busybox", "sleep", "300")
    terminal = orlopd.terminal("orlop", "exec", "-it", name, "sh")
    before = termios.tcgetattr(terminal.fd)
    terminal.expect(PROMPT)
    assert not termios.tcgetattr(terminal.fd)[3] & termios.ECHO
    keep = os.open(f"/dev/pts/{_number(terminal.fd)}", os.O_RDWR | os.O_NOCTTY)
    os.kill(terminal.pid, number)
    assert os.waitstatus_to_exitcode(os.waitpid(terminal.pid, 0)[1]) == 128 + number
    assert termios.tcgetattr(keep)[3] == before[3]
    os.close(keep)
    os.close(terminal.fd)
    orlopd.docker("rm", "-f", name)


@BOTH
@pytest.mark.parametrize(("words", "question"), [((), "Username: "), (("-u", "me"), "Password: ")])
def test_ctrl_c_at_a_login_is_no_failure(
    orlopd: Daemon, cli: str, words: tuple[str, ...], question: str
) -> None:
    terminal = orlopd.terminal(cli, "login", *words, "127.0.0.1:1")
    terminal.expect(question)
    terminal.type("\x03")
    text, code = terminal.close()
    assert (text.removeprefix("^C"), code) == ("\r\n", 0)


@BOTH
def test_a_login_without_a_name_or_password(orlopd: Daemon, cli: str) -> None:
    for words, said in (((), "Non-null Username Required"), (("-u", "me"), "Password Required")):
        terminal = orlopd.terminal(cli, "login", *words, "127.0.0.1:1")
        terminal.expect(": ")
        terminal.type("\n")
        text, code = terminal.close()
        assert (text.strip(), code) == (f"Error: {said}", 1)


def test_a_login_that_is_ended_shows_again_what_is_typed(orlopd: Daemon) -> None:
    shell = Terminal(
        ["sh", "-c", f"{' '.join(orlopd.orlop_command)} login -u me 127.0.0.1:1; stty -a; cat"],
        orlopd.environment,
    )
    shell.expect("Password: ")
    children = f"/proc/{shell.pid}/task/{shell.pid}/children"
    with open(children) as found:
        os.kill(int(found.read().split()[0]), signal.SIGTERM)
    assert " echo " in shell.expect("extproc")  # stty's last flag
    shell.type("\x04")
    shell.close()


def test_ctrl_c_ends_an_attach_whose_daemon_is_gone(own_orlopd: Daemon) -> None:
    """The output comes from the scribe, which goes on; the signal had no way, and none ended it."""
    own_orlopd.docker(
        "run", "-d", "--name", "left", "busybox", "sh", "-c",
        "while :; do echo here; sleep 0.1; done",
    )  # fmt: skip
    terminal = own_orlopd.terminal("orlop", "attach", "left")
    terminal.expect("here")
    own_orlopd.kill()
    terminal.expect("here")
    terminal.type("\x03")
    text, code = terminal.close()
    assert "Is the orlop daemon running?" in text
    assert code == 1
