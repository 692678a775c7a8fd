"""Real containers with devices that a vendor's file describes, hook included."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from daemon import Daemon
from mappedd import MappedDaemon

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def daemon() -> Iterator[MappedDaemon]:
    with closing(MappedDaemon()) as made:
        directory = made.base / "cdi"
        directory.mkdir()
        made.flags.append(f"--cdi-spec-dir={directory}")
        hook = directory / "hook.sh"
        hook.write_text(f"#!/bin/sh\ncat > {made.base}/state\nmkdir -p /run/hooked\n")
        hook.chmod(0o755)
        edits = {
            "env": ["FOUND=yes"],
            "deviceNodes": [{"path": "/dev/other", "hostPath": "/dev/full"}],
            "mounts": [{"hostPath": "/etc/hostname", "containerPath": "/name", "options": ["ro"]}],
            "hooks": [{"hookName": "createContainer", "path": str(hook)}],
        }
        (directory / "test.json").write_text(json.dumps({
            "cdiVersion": "0.6.0", "kind": "un.example/dev",
            "devices": [{"name": "full", "containerEdits": edits}],
        }))  # fmt: skip
        made.start()
        made.orlop("bootstrap", "busybox")
        yield made


SCRIPT = "echo $FOUND; stat -c %t:%T /dev/other; cat /name; echo x > /dev/other"


@pytest.mark.parametrize("mode", ["host", "auto"])
def test_a_described_device(daemon: MappedDaemon, mode: str) -> None:
    (daemon.base / "state").unlink(missing_ok=True)
    (daemon.base / "state").touch(mode=0o666)
    (daemon.base / "state").chmod(0o666)
    daemon.base.chmod(0o755)
    words = ("run", "--rm", f"--userns={mode}", "--device=un.example/dev=full", "busybox")
    done = daemon.orlop(*words, "sh", "-c", SCRIPT, check=False)
    name = Path("/etc/hostname").read_text().strip()
    assert done.stdout.split() == ["yes", "1:7", name]
    assert "No space left" in done.stderr
    state = json.loads((daemon.base / "state").read_text())
    assert (state["status"], state["pid"] > 1) == ("creating", True)


def test_info_lists_them_and_others_are_refused(daemon: MappedDaemon) -> None:
    shown = daemon.docker("info", "-f", "{{json .DiscoveredDevices}}").stdout
    assert json.loads(shown) == [{"Source": "cdi", "ID": "un.example/dev=full"}]
    done = _refused(daemon, "--device=un.example/dev=nosuch")
    assert "CDI device injection failed: unresolvable CDI devices un.example/dev=nosuch" in done
    done = _refused(daemon, "--gpus=all")
    assert 'could not select device driver "" with capabilities: [[gpu]]' in done


def _refused(daemon: Daemon, flag: str) -> str:
    done = daemon.docker("run", "--rm", flag, "busybox", "true", check=False)
    assert done.returncode == 125
    return done.stderr
