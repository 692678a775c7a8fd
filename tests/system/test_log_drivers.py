"""Log drivers on a daemon of the test's own, with servers on loopback."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from daemon import Daemon, with_busybox
from fakes.logservers import Datagrams, Fluent, Streams, certificate

pytestmark = pytest.mark.root

SAY = "echo one; sleep 0.1; echo two >&2"


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with with_busybox(Daemon(name="logs")) as made:
        yield made


def run(daemon: Daemon, script: str, *flags: str) -> str:
    """Run and remove; what it printed."""
    return daemon.docker("run", "--rm", *flags, "busybox", "sh", "-c", script).stdout


def options(**given: str) -> list[str]:
    return [w for k, v in given.items() for w in ("--log-opt", f"{k.replace('_', '-')}={v}")]


def until(check: object, what: str) -> None:
    """Poll what no event tells."""
    deadline = time.monotonic() + 20
    while not check():  # type: ignore[operator]
        assert time.monotonic() < deadline, what
        select.select([], [], [], 0.02)


@pytest.mark.parametrize(
    ("form", "head"),
    [
        ("", r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d tagged\[\d+\]: "),
        ("rfc3164", r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d {host} tagged\[\d+\]: "),
        (
            "rfc5424",
            r"1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d) {host} tagged \d+ tagged - ",
        ),
        ("rfc5424micro", r"1 \S+T\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\S+) {host} tagged \d+ tagged - "),
    ],
)
def test_syslog_over_udp(daemon: Daemon, form: str, head: str) -> None:
    server = Datagrams()
    flags = options(
        syslog_address=f"udp://{server.address}", syslog_facility="local3", tag="tagged",
        **({"syslog_format": form} if form else {}),
    )  # fmt: skip
    assert run(daemon, SAY, "--log-driver", "syslog", *flags) == "one\n"
    head = head.replace("{host}", re.escape(socket.gethostname()))
    assert re.fullmatch(f"<158>{head}one\n", server.next().decode())
    assert re.fullmatch(f"<155>{head}two\n", server.next().decode())
    server.close()


def test_syslog_over_tls_in_frames(daemon: Daemon, tmp_path: Path) -> None:
    ca, context = certificate(tmp_path)
    server = Streams(context=context)
    address = f"tcp+tls://{server.address}"
    flags = options(syslog_address=address, syslog_format="rfc5424", syslog_tls_ca_cert=str(ca))
    run(daemon, "echo one", "--log-driver", "syslog", *flags)
    line = server.next().decode()
    size, _, message = line.partition(" ")
    assert int(size) == len(message.encode())
    assert message.endswith("- one\n")
    refused = daemon.docker(
        "run", "--rm", "--log-driver", "syslog", *options(syslog_address=address),
        "busybox", "true", check=False,
    )  # fmt: skip
    assert refused.returncode == 125
    assert "x509: certificate signed by unknown authority" in refused.stderr
    server.close()


def test_a_dead_syslog_server_loses_nothing_and_delays_nobody(daemon: Daemon) -> None:
    server = Streams()
    flags = ["--log-driver", "syslog", *options(syslog_address=f"tcp://{server.address}")]
    script = (
        "echo line 0; until [ -e /go ]; do sleep 0.05; done; "
        "i=1; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done; cat"
    )
    daemon.docker("run", "-di", "--name", "dead1", *flags, "busybox", "sh", "-c", script)
    assert server.next().endswith(b": line 0\n")
    server.drop()
    begun = time.monotonic()
    assert run(daemon, "echo hi") == "hi\n"
    assert time.monotonic() - begun < 5
    daemon.docker("exec", "dead1", "touch", "/go")
    until(lambda: len(daemon.docker("logs", "dead1").stdout.splitlines()) == 2000, "logs")
    again = Streams(server.port)
    for number in range(1, 2000):
        assert again.next().endswith(b": line %d\n" % number)
    daemon.docker("rm", "-f", "dead1")
    again.close()


def test_records_go_on_where_a_killed_courier_stopped(daemon: Daemon) -> None:
    server = Fluent()
    flags = ["--log-driver", "fluentd", *options(fluentd_address=server.address, tag="t")]
    script = "while read line; do echo $line; done"
    daemon.docker("run", "-di", "--name", "courier1", *flags, "busybox", "sh", "-c", script)
    attached = subprocess.Popen(
        ["docker", "attach", "courier1"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env={**os.environ, **daemon.environment},
    )
    feed = attached.stdin
    assert feed is not None
    try:
        for number in range(3):
            feed.write(b"line %d\n" % number)
            feed.flush()
            got = server.next()[2]["log"]
            if got == f"line {number - 1}":  # what a killed courier had in hand comes again
                got = server.next()[2]["log"]
            assert got == f"line {number}"
            victim = daemon.pid("courier")
            os.kill(victim, signal.SIGKILL)
            until(lambda pid=victim: not os.path.exists(f"/proc/{pid}") or _zombie(pid), "courier")
            # the daemon starts another one with the next job
            run(daemon, "true", *flags)
    finally:
        feed.close()
        daemon.docker("rm", "-f", "courier1")
        attached.wait(20)
    server.close()


def _zombie(pid: int) -> bool:
    return ") Z" in Path(f"/proc/{pid}/stat").read_text()


def test_fluentd(daemon: Daemon) -> None:
    server = Fluent()
    flags = options(
        fluentd_address=server.address, tag="a.{{.Name}}", labels="x", env="Y",
        fluentd_sub_second_precision="true", fluentd_request_ack="true",
    )  # fmt: skip
    run(
        daemon, SAY + "; head -c 20000 /dev/zero | tr '\\0' z; echo",
        "--name", "fl1", "-l", "x=1", "-e", "Y=2", "--log-driver", "fluentd", *flags,
    )  # fmt: skip
    tag, when, record = server.next()
    assert tag == "a.fl1"
    assert abs(when[0] + when[1] / 1e9 - time.time()) < 60
    assert re.fullmatch("[0-9a-f]{64}", record.pop("container_id"))
    assert record == {
        "container_name": "/fl1", "source": "stdout", "log": "one", "x": "1", "Y": "2",
    }  # fmt: skip
    found = [server.next()[2] for _ in range(3)]
    assert [r["log"] for r in found if "partial_id" not in r] == ["two"]
    pieces = [r for r in found if "partial_id" in r]
    assert [(len(r["log"]), r["partial_ordinal"], r["partial_last"]) for r in pieces] == [
        (16384, "1", "false"), (3616, "2", "true"),
    ]  # fmt: skip
    assert pieces[0]["partial_id"] == pieces[1]["partial_id"]
    server.close()


def test_async_fluentd_starts_without_a_server(daemon: Daemon) -> None:
    free = socket.create_server(("127.0.0.1", 0))
    port = free.getsockname()[1]
    free.close()
    flags = options(fluentd_address=f"127.0.0.1:{port}", fluentd_async="true", tag="late")
    daemon.docker(
        "run", "--name", "late1", "--log-driver", "fluentd", *flags, "busybox", "echo", "x"
    )
    assert daemon.docker("logs", "late1").stdout == "x\n"
    server = Fluent(port)
    assert server.next()[2]["log"] == "x"
    until(lambda: not list((daemon.data_root / "orlop/courier").glob("*.json")), "the job goes")
    daemon.docker("rm", "late1")
    server.close()


def test_gelf(daemon: Daemon) -> None:
    server = Datagrams()
    flags = options(gelf_address=f"udp://{server.address}", gelf_compression_type="none", tag="g")
    script = "echo one; head -c 5000 /dev/zero | tr '\\0' z; echo"
    run(daemon, script, "--name", "gelf1", "--log-driver", "gelf", *flags)
    first, second = server.gelf(), server.gelf()
    assert first["short_message"] == "one"
    assert (first["version"], first["level"], first["_tag"]) == ("1.1", 6, "g")
    assert first["_container_name"] == "gelf1"
    assert first["_command"].startswith("sh -c echo one")
    assert second["short_message"] == "z" * 5000
    run(daemon, "echo packed", "--log-driver", "gelf", *flags[:2])
    assert server.gelf()["short_message"] == "packed"
    server.close()


def test_without_a_cache_nothing_stays(daemon: Daemon) -> None:
    server = Datagrams()
    flags = options(syslog_address=f"udp://{server.address}", cache_disabled="true")
    daemon.docker("run", "--name", "nc1", "--log-driver", "syslog", *flags, "busybox", "echo", "x")
    assert server.next().endswith(b": x\n")
    refused = daemon.docker("logs", "nc1", check=False)
    assert "configured logging driver does not support reading" in refused.stderr
    until(lambda: not os.listdir(daemon.exec_root / "spool"), "the spool goes")
    assert not list((daemon.data_root / "containers").glob("*/container-cached.log"))
    daemon.docker("rm", "nc1")
    server.close()


def test_local_rotates_and_is_read_back(daemon: Daemon) -> None:
    flags = options(max_size="20k", max_file="3")
    script = "i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done"
    daemon.docker(
        "run", "--name", "local1", "--log-driver", "local", *flags, "busybox", "sh", "-c", script
    )
    lines = daemon.docker("logs", "local1").stdout.splitlines()
    assert lines == [f"line {n}" for n in range(3000 - len(lines), 3000)]
    assert len(lines) > 500
    assert daemon.docker("logs", "--tail", "7", "local1").stdout.splitlines() == lines[-7:]
    id = daemon.docker("inspect", "-f", "{{.Id}}", "local1").stdout.strip()
    files = sorted(os.listdir(daemon.data_root / "containers" / id / "local-logs"))
    assert [f.removesuffix(".gz") for f in files] == [
        "container.log", "container.log.1", "container.log.2",
    ]  # fmt: skip
    daemon.docker("rm", "local1")


def test_local_over_a_killed_scribe(daemon: Daemon) -> None:
    script = "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done; echo end"
    daemon.docker(
        "run", "-d", "--name", "local2", "--log-driver", "local", "busybox", "sh", "-c", script
    )
    follow = subprocess.Popen(
        ["docker", "logs", "-f", "local2"],
        stdout=subprocess.PIPE,
        env={**os.environ, **daemon.environment},
    )
    assert follow.stdout is not None
    lines = []
    for line in follow.stdout:
        lines.append(line)
        if len(lines) in (500, 11000):
            victim = daemon.pid("scribe-0")
            os.kill(victim, signal.SIGKILL)
            until(lambda pid=victim: daemon.pid("scribe-0") != pid, "the next scribe")
    follow.stdout.close()
    follow.wait(20)
    assert lines == [b"line %d\n" % n for n in range(20000)] + [b"end\n"]
    assert daemon.docker("logs", "local2").stdout.encode() == b"".join(lines)
    daemon.docker("rm", "-f", "local2")


def test_the_job_outlives_the_daemon(own_orlopd: Daemon) -> None:
    server = Streams()
    flags = ["--log-driver", "syslog", *options(syslog_address=f"tcp://{server.address}")]
    own_orlopd.docker(
        "run", "-d", "--name", "over", *flags, "busybox", "sh", "-c",
        "i=0; while [ $i -lt 30 ]; do echo line $i; i=$((i+1)); sleep 0.1; done",
    )  # fmt: skip
    assert server.next().endswith(b": line 0\n")
    own_orlopd.kill()
    id_file = next((own_orlopd.data_root / "orlop/courier").glob("*.json"))
    for number in range(1, 30):  # without a daemon
        assert server.next().endswith(b": line %d\n" % number)
    assert not json.loads(id_file.read_text())["ended"]
    own_orlopd.start()
    own_orlopd.docker("wait", "over")
    until(lambda: not id_file.exists(), "the job goes")
    server.close()
