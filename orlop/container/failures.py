"""A failed start or exec as Docker words it: the error and the exit code it stands for.

The docker CLI reads these texts to exit with 126 or 127.
"""

from __future__ import annotations

from orlop.errors import InvalidArgument, OrlopError, SystemFailure

_OCI = (
    "failed to create task for container: failed to create shim task: OCI runtime create failed: "
)
CREATE = f"{_OCI}runc create failed: "
INIT = "unable to start container process: error during container init: "
_HINT = (
    ": Are you trying to mount a directory onto a file (or vice-versa)? "
    "Check if the specified host path exists and is the expected type"
)

NOT_FOUND = 127
NOT_EXECUTABLE = 126
UNKNOWN = 128


def exit_code(message: str) -> int:
    message = message.lower()  # as dockerd: crun says "No such file or directory"
    if "executable file not found" in message or "no such file or directory" in message:
        return NOT_FOUND
    if "permission denied" in message:
        return NOT_EXECUTABLE
    if "not a directory" in message:
        return NOT_FOUND
    return UNKNOWN


def launch_error(message: str, *, own: bool = True) -> tuple[OrlopError, int]:
    """`message` is the runtime's own ("exec: …"), with another one's (not `own`) all that it said.
    Returns Docker's error and exit code."""
    text = (CREATE + INIT if own else _OCI) + message
    code = exit_code(message)
    if message.endswith("not a directory"):
        text += _HINT
    if code == UNKNOWN:
        return SystemFailure(text), code
    return InvalidArgument(text), code


def spec_error(message: str) -> OrlopError:
    """What the runtime refuses before it makes a process: a sysctl, a limit's name."""
    return SystemFailure(CREATE + message)
