from __future__ import annotations

import fcntl
import os
import signal
import subprocess

from orlop.kernel.pidfd import has_ended


def test_a_zombie_has_ended_and_any_descriptor_will_do() -> None:
    """select(2) refuses descriptors above 1023, of which a daemon with many containers has some."""
    process = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    low = os.pidfd_open(process.pid)
    high = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, 1500)
    assert not has_ended(high)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # dead, not reaped
    assert has_ended(high)
    assert has_ended(low)
    assert process.stdin
    process.stdin.close()
    assert process.wait() == -signal.SIGKILL
    os.close(low)
    os.close(high)
    assert has_ended(high)  # closed meanwhile: reported as ended
