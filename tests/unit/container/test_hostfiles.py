from __future__ import annotations

import os
from pathlib import Path

from orlop.container import connect, hostfiles

HUGE = 1 << 40  # bytes, all of them a hole


def test_files_that_a_container_filled_are_left_alone(tmp_path: Path) -> None:
    path = hostfiles.write_resolv_conf(tmp_path, b"nameserver 1.1.1.1\n")
    hosts = hostfiles.write_hosts(tmp_path, b"127.0.0.1\tlocalhost\n")
    for each in (path, hosts):
        os.truncate(each, HUGE)
    hostfiles.write_resolv_conf(tmp_path, b"nameserver 2.2.2.2\n")
    connect._edit_hosts(str(hosts), add=["10.0.0.2\tbox"])
    assert path.stat().st_size == hosts.stat().st_size == HUGE


def test_lines_come_and_go_in_place(tmp_path: Path) -> None:
    hosts = hostfiles.write_hosts(tmp_path, b"127.0.0.1\tlocalhost\n")
    same = hosts.stat().st_ino
    connect._edit_hosts(str(hosts), add=["10.0.0.2\tbox"])
    assert hosts.read_text() == "127.0.0.1\tlocalhost\n10.0.0.2\tbox\n"
    connect._edit_hosts(str(hosts), drop=["10.0.0.2\tbox"])
    assert hosts.read_text() == "127.0.0.1\tlocalhost\n"
    assert hosts.stat().st_ino == same
