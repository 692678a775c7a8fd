"""What a container inherits of signals: nothing, whoever started the daemon."""

import subprocess
import sys
from pathlib import Path

from orlop.kernel import process

_REPO = Path(process.__file__).parents[2]
_LOOK = """
import signal, struct
from orlop.kernel import libc, process
def ignored():
    text = open("/proc/self/status").read()
    return text.partition("SigIgn:")[2].split()[0]
for number in (32, 33):  # as posix_spawn of glibc leaves them
    libc.call("rt_sigaction", number, struct.pack("=4Q", 1, 0, 0, 0), 0, 8)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
before = ignored()
process.reset_signals()
print(before, ignored())
"""


def test_signals_of_glibc_are_reset_too() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LOOK], capture_output=True, text=True, cwd=_REPO, check=True
    )
    before, after = done.stdout.split()
    assert int(before, 16) & 0x180000001 == 0x180000001
    assert int(after, 16) == 0
