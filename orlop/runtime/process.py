"""Become the container's process: limits, identity, capabilities, seccomp; then find and execute.

The steps run after the root switch: no import, no encoding lookup, nothing of the host's.
"""

from __future__ import annotations

import os
import stat

from orlop.kernel import process, seccomp

_EACCES = 13
_EISDIR = 21
_ENOENT = 2
_EPERM = 1
_ROOT_ID = 0
_PASSWD_LIMIT = 1 << 20

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn


class Failure(Exception):
    """A step that failed; becomes the (stage, errno, path, message) frame."""

    def __init__(self, stage: str, number: int, path: str, message: str) -> None:
        super().__init__(stage, number, path, message)
        self.frame = (stage, number, path, message)


def limit(plan: dict[str, Any]) -> list[str]:
    """Apply resource limits, scheduling and personality; the notes of what was clamped."""
    notes = []
    for kind, soft, hard in plan["rlimits"]:
        note = process.set_rlimit(kind, soft, hard)
        if note:
            notes.append(note)
    if plan["io_priority"] is not None:
        process.set_io_priority(plan["io_priority"])
    if plan["scheduler"] is not None:
        try:
            process.set_scheduler(*plan["scheduler"])
        except OSError as error:
            if error.errno != _EPERM:
                raise
            notes.append("scheduler: refused; a real-time one needs cpu.realtimeRuntime")
    if plan["memory_policy"] is not None:
        process.set_memory_policy(*plan["memory_policy"])
    if plan["personality"] is not None:
        process.set_personality(plan["personality"])
    return notes


def own_stdio(uid: int) -> None:
    """Give the stdio to the user, or /dev/stdout cannot be reopened by it."""
    if uid == _ROOT_ID:
        return
    for fd in (0, 1, 2):
        found = os.fstat(fd)
        if found.st_uid == uid or found.st_rdev == os.makedev(1, 3):
            continue
        try:
            os.fchown(fd, uid, -1)
        except OSError:
            pass  # a read-only or foreign file: the program may still not need it


def restrict(plan: dict[str, Any]) -> int:
    """Bounding set, ids, capabilities, no_new_privs and seccomp, in the order that works.

    The fd of the filter's listener, -1 without one.

    Without no_new_privs loading the filter needs CAP_SYS_ADMIN, so it comes first; with it, last.
    """
    listener = -1
    if plan["no_new_privs"]:
        process.set_no_new_privs()
    elif plan["seccomp"] is not None:
        listener = seccomp.load(plan["seccomp"], plan["seccomp_flags"])
    caps = plan["capabilities"]
    if caps is not None:
        process.limit_bounding_set(caps["bounding"])
    process.set_keepcaps(True)
    if plan["set_groups"]:
        os.setgroups(plan["groups"])
    os.setresgid(plan["gid"], plan["gid"], plan["gid"])
    os.setresuid(plan["uid"], plan["uid"], plan["uid"])
    process.set_keepcaps(False)
    if caps is not None:
        process.set_capabilities(caps["effective"], caps["permitted"], caps["inheritable"])
        process.set_ambient(caps["ambient"])
    # A change of ids made us dumpable again where fs.suid_dumpable says so.
    process.set_dumpable(False)
    if plan["no_new_privs"] and plan["seccomp"] is not None:
        listener = seccomp.load(plan["seccomp"], plan["seccomp_flags"])
    return listener


def enter_directory(path: str) -> bool:
    """chdir as the privileged user first, as runc does; False asks to try again as the user.

    Looked at here, before a seccomp profile may forbid getcwd(2).
    """
    try:
        os.chdir(path)
    except OSError:
        return False
    _must_be_inside(path)
    return True


def verify_directory(path: str, entered: bool) -> None:
    """Be in `path`, and inside the container's root, if `enter_directory` could not."""
    if not entered:
        try:
            os.chdir(path)
        except OSError as error:
            raise Failure("cwd", error.errno or 0, path, error.strerror or "") from None
        _must_be_inside(path)


def _must_be_inside(path: str) -> None:
    """The directory we are in is below our root (CVE-2024-21626)."""
    try:
        inside = os.getcwd().startswith("/")
    except OSError:
        inside = False
    if not inside:
        raise Failure(
            "cwd",
            _ENOENT,
            path,
            "current working directory is outside of container mount namespace root",
        )


def find_program(name: str, environment: dict[str, str]) -> str:
    """The file to execute, by Go's exec.LookPath rules (Docker's messages come from them)."""
    if "/" in name:
        _check_program(name, name)
        return name
    for directory in environment.get("PATH", "").split(":"):
        candidate = f"{directory or '.'}/{name}"
        try:
            _check_program(name, candidate)
        except Failure:
            continue
        return candidate
    raise Failure("lookup", _ENOENT, name, "executable file not found in $PATH")


def _check_program(name: str, path: str) -> None:
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        text = (error.strerror or "").lower()
        raise Failure("lookup", error.errno or 0, name, f"stat {path}: {text}") from None
    if stat.S_ISDIR(mode):
        raise Failure("lookup", _EISDIR, name, "is a directory")
    # two system calls: a seccomp profile may be older than the second (faccessat2)
    if not os.access(path, os.X_OK) and not os.access(path, os.X_OK, effective_ids=True):
        raise Failure("lookup", _EACCES, name, "permission denied")


def environment_of(plan: dict[str, Any]) -> dict[str, str]:
    """The last value of a name wins, as with runc."""
    pairs = (entry.partition("=") for entry in plan["env"])
    found = {name: value for name, separator, value in pairs if separator and name}
    if plan.get("find_home") and "HOME" not in found:
        found["HOME"] = _home_of(plan["uid"])
    return found


def _home_of(uid: int) -> str:
    """The home of `uid` in the image's passwd; "/" when that does not tell."""
    try:
        fd = os.open("/etc/passwd", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return "/"
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return "/"
        text = os.read(fd, _PASSWD_LIMIT)
    except OSError:
        return "/"
    finally:
        os.close(fd)
    wanted = b"%d" % uid
    for line in text.split(b"\n"):
        fields = line.split(b":")
        if len(fields) > 5 and fields[2] == wanted and fields[5][:1] == b"/":
            return os.fsdecode(fields[5])
    return "/"


def execute(path: str, argv: list[str], environment: dict[str, str]) -> NoReturn:
    """execve; when the kernel refuses a file that was found, say so on stderr and leave with 255.

    That is what Docker shows for a script without an interpreter line.
    """
    try:
        os.execve(path, argv, environment)
    except OSError as error:
        os.write(2, os.fsencode(f"exec {path}: {(error.strerror or '').lower()}\n"))
    finally:
        os._exit(255)
