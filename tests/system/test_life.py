"""What outlives the daemon: health checks, restart policies, and what a stop means to them."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from select import select
from typing import Any

import pytest
from daemon import Daemon

pytestmark = pytest.mark.root


def until(check: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + 30
    while not check():
        assert time.monotonic() < deadline, what
        select([], [], [], 0.05)


def state(daemon: Daemon, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        daemon.docker("inspect", "-f", "{{json .State}}", name).stdout
    )
    return found


def run(daemon: Daemon, name: str, *flags: str, script: str = "sleep 600") -> None:
    daemon.docker("run", "-d", "--name", name, *flags, "busybox", "sh", "-c", script)


def machine_down(daemon: Daemon) -> None:
    """Everything dies at once, as when the power goes."""
    ids = daemon.docker("ps", "-q", "--no-trunc").stdout.split()
    pids = [state(daemon, id)["Pid"] for id in ids]
    daemon.kill()
    victims = [daemon.pid("keeper"), daemon.pid("scribe-0"), *pids]
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    until(lambda: not any(_alive(pid) for pid in victims), "everything is dead")


def _alive(pid: int) -> bool:
    try:
        return ") Z" not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def test_health_checks_go_on_under_the_next_daemon(own_orlopd: Daemon) -> None:
    run(own_orlopd, "h1", "--health-cmd", "test ! -e /sick", "--health-interval", "200ms",
        "--health-retries", "2")  # fmt: skip
    until(lambda: state(own_orlopd, "h1")["Health"]["Status"] == "healthy", "healthy")
    own_orlopd.kill()
    own_orlopd.start()
    kept = state(own_orlopd, "h1")["Health"]
    assert kept["Status"] == "healthy"
    last = kept["Log"][-1]["Start"]
    until(lambda: state(own_orlopd, "h1")["Health"]["Log"][-1]["Start"] > last, "the next check")
    own_orlopd.docker("exec", "h1", "touch", "/sick")
    until(lambda: state(own_orlopd, "h1")["Health"]["Status"] == "unhealthy", "unhealthy")
    assert "h1" in own_orlopd.docker("ps", "--filter", "health=unhealthy").stdout
    # while the daemon is away nobody looks; what it finds counts afresh
    own_orlopd.kill()
    own_orlopd.start()
    own_orlopd.docker("exec", "h1", "rm", "/sick")
    until(lambda: state(own_orlopd, "h1")["Health"]["Status"] == "healthy", "healthy again")


def test_a_probe_that_hangs_is_killed(own_orlopd: Daemon) -> None:
    run(own_orlopd, "h2", "--health-cmd", "sleep 54321", "--health-interval", "200ms",
        "--health-timeout", "300ms", "--health-retries", "1")  # fmt: skip
    until(lambda: state(own_orlopd, "h2")["Health"]["FailingStreak"] >= 3, "three failures")
    probes = own_orlopd.docker("top", "h2", "-o", "pid,args").stdout.count("sleep 54321")
    assert probes <= 2  # the one that runs now, as sh and as sleep
    log = state(own_orlopd, "h2")["Health"]["Log"]
    assert log[0]["Output"] == "Health check exceeded timeout (300ms)"
    assert log[0]["ExitCode"] == -1


POLICIES = ("no", "on-failure", "unless-stopped", "always")


def test_policies_over_a_killed_daemon_and_a_dead_machine(own_orlopd: Daemon) -> None:
    for policy in POLICIES:
        run(own_orlopd, f"up-{policy}", "--restart", policy)
        run(
            own_orlopd,
            f"down-{policy}",
            "--restart",
            policy,
            script="trap 'exit 0' TERM; sleep 600 & wait",
        )
        own_orlopd.docker("stop", "-t", "1", f"down-{policy}")
    pids = {p: state(own_orlopd, f"up-{p}")["Pid"] for p in POLICIES}
    own_orlopd.kill()
    own_orlopd.start()
    assert {p: state(own_orlopd, f"up-{p}")["Pid"] for p in POLICIES} == pids
    until(lambda: state(own_orlopd, "down-always")["Running"], "always means always")
    for policy in ("no", "on-failure", "unless-stopped"):  # on-failure: it left with 0
        assert state(own_orlopd, f"down-{policy}")["Status"] == "exited"
    own_orlopd.docker("stop", "-t", "0", "down-always")
    machine_down(own_orlopd)
    own_orlopd.start()
    for name in ("up-unless-stopped", "up-always", "down-always"):
        until(lambda name=name: state(own_orlopd, name)["Status"] == "running", name)
    gone = state(own_orlopd, "up-no")
    assert (gone["Status"], gone["ExitCode"]) == ("exited", 255)
    assert gone["Error"]
    assert state(own_orlopd, "down-unless-stopped")["Status"] == "exited"
    assert state(own_orlopd, "down-no")["Status"] == "exited"


def test_a_stop_between_two_lives_holds_over_a_restart(own_orlopd: Daemon) -> None:
    run(own_orlopd, "b1", "--restart", "unless-stopped", script="exit 1")
    until(
        lambda: int(own_orlopd.docker("inspect", "-f", "{{.RestartCount}}", "b1").stdout) >= 4,
        "restarts",
    )
    own_orlopd.docker("stop", "b1")
    assert state(own_orlopd, "b1")["Status"] == "exited"
    own_orlopd.kill()
    own_orlopd.start()
    assert state(own_orlopd, "b1")["Status"] == "exited"


def test_the_wait_doubles_and_the_daemon_s_death_does_not_end_it(own_orlopd: Daemon) -> None:
    run(own_orlopd, "b2", "--restart", "always", script="exit 1")
    own_orlopd.kill()
    own_orlopd.start()
    until(
        lambda: int(own_orlopd.docker("inspect", "-f", "{{.RestartCount}}", "b2").stdout) >= 5,
        "restarts go on",
    )
    until(lambda: state(own_orlopd, "b2")["Restarting"], "between two lives")
    assert "Restarting (1)" in own_orlopd.docker("ps", "--filter", "name=b2").stdout
    own_orlopd.docker("update", "--restart", "no", "b2")
    until(lambda: state(own_orlopd, "b2")["Status"] == "exited", "an update ends it")


def test_execs_are_listed_and_killed(own_orlopd: Daemon) -> None:
    run(own_orlopd, "execs")
    own_orlopd.docker("exec", "-d", "execs", "sleep", "4321")
    asked = ("exec", "ls", "--no-trunc", "--format", "{{.ID}} {{.Command}}", "execs")
    ident, _, command = own_orlopd.orlop(*asked).stdout.strip().partition(" ")
    assert command == "sleep 4321"
    assert own_orlopd.orlop("exec", "ls", "-q").stdout == ident[:12] + "\n"
    assert own_orlopd.orlop("exec", "kill", ident[:12]).stdout == ident[:12] + "\n"
    until(lambda: own_orlopd.orlop("exec", "ls", "-q", "execs").stdout == "", "no exec")
    again = own_orlopd.orlop("exec", "kill", ident, check=False)
    assert again.returncode == 1
    assert again.stderr.startswith("Error response from daemon: ")
    assert again.stderr.count("Error response") == 1
