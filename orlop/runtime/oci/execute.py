"""`exec ID [COMMAND]`: another process in a container."""

from __future__ import annotations

import os

from orlop.errors import Conflict, InvalidArgument
from orlop.kernel import process as kernel
from orlop.runtime import exec as execs
from orlop.runtime.cgroup.layout import relative_path
from orlop.runtime.oci import config, console, filters
from orlop.runtime.oci.birth import preserved, wait, write_pid
from orlop.runtime.oci.foreground import Signals, stay
from orlop.runtime.oci.planning import keep_available
from orlop.runtime.oci.store import PAUSED, STOPPED, Record, check_id
from orlop.runtime.plan import exec_namespaces, make_exec_plan, mappings
from orlop.runtime.process import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from orlop.runtime.oci.command import Command

    Json = dict[str, Any]


def execute(command: Command) -> int:
    if not command.words:
        raise InvalidArgument('"exec" requires a container ID')
    record = command.store.get(check_id(command.words[0]))
    found = record.status()
    if found == STOPPED:
        raise Conflict("cannot exec in a stopped container")
    if found == PAUSED and not command.options.get("ignore-paused"):
        raise Conflict("cannot exec in a paused container (use --ignore-paused to override)")
    spec = record.config()
    process = _process(command, spec)
    detached = bool(command.options.get("detach"))
    sock = None
    if command.options.get("console-socket"):
        sock = console.connect(command.options["console-socket"])
    elif process.get("terminal") and detached:
        raise InvalidArgument(
            "cannot allocate tty if runc will detach without setting console socket"
        )
    signals = None if detached else Signals()
    if signals is not None and not command.options.get("no-subreaper"):
        kernel.set_subreaper()
    plan = _plan(command, record, spec, process)
    target = record.open_process()
    command.before_fork()
    pending = execs.begin(plan, record.pid, target, (0, 1, 2), preserved(command, plan["process"]))
    word = wait(pending)
    for note in pending.notes:
        command.log.note(note)
    if word != "running":
        raise Failure(*(pending.failure or ("process", 0, "", "the process died in its set-up")))
    pending.close()
    master = pending.master
    if sock is not None and master is not None:
        console.hand_over(sock, master)
        master = None
    if command.options.get("pid-file"):
        write_pid(command.options["pid-file"], pending.pid)
    if signals is None:
        return 0
    return stay(pending.pidfd, signals, master)


def _process(command: Command, spec: Json) -> Json:
    """As the file says, or the container's own with what the options change."""
    options = command.options
    if options.get("process"):
        return config.process(config.read_file(options["process"]))
    found: Json = {**spec["process"], "args": command.words[1:]}
    if not found["args"]:
        raise InvalidArgument("process args cannot be empty")
    found["terminal"] = bool(options.get("tty"))
    found["env"] = [*(found.get("env") or ()), *options.get("env", ())]
    if options.get("cwd"):
        found["cwd"] = options["cwd"]
    if options.get("user"):
        found["user"] = {**(found.get("user") or {}), **user_of(options["user"])}
    groups = [_number(text, "additional-gids") for text in options.get("additional-gids", ())]
    if groups:
        user = dict(found.get("user") or {})
        user["additionalGids"] = [*(user.get("additionalGids") or ()), *groups]
        found["user"] = user
    if options.get("process-label"):
        found["selinuxLabel"] = options["process-label"]
    if options.get("apparmor"):
        found["apparmorProfile"] = options["apparmor"]
    if options.get("no-new-privs"):
        found["noNewPrivileges"] = True
    if options.get("cap"):
        found["capabilities"] = _with(found.get("capabilities") or {}, options["cap"])
    config.check_process(found)
    return found


def user_of(text: str) -> Json:
    """--user UID[:GID], decimal. Raises InvalidArgument."""
    uid, colon, gid = text.partition(":")
    return {"uid": _number(uid, "user"), **({"gid": _number(gid, "user")} if colon else {})}


def _number(text: str, what: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 10 or int(text) > 0xFFFFFFFF:
        raise InvalidArgument(f"{what}: {text!r} is not a numeric ID")
    return int(text)


def _with(sets: Json, names: list[str]) -> Json:
    wanted = [n.upper() if n.upper().startswith("CAP_") else f"CAP_{n.upper()}" for n in names]
    more = ("bounding", "effective", "permitted")
    return {**sets, **{kind: [*(sets.get(kind) or ()), *wanted] for kind in more}}


def _plan(command: Command, record: Record, spec: Json, process: Json) -> Json:
    linux = spec.get("linux") or {}
    program, flags = filters.program(linux.get("seccomp"))
    plan = make_exec_plan(
        process,
        _cgroups(command, record),
        namespaces=exec_namespaces(linux.get("namespaces") or ())
        | exec_namespaces([{"type": "mount"}]),
        seccomp=program,
        seccomp_flags=flags,
        keyring=record.own["keyring"],
        user_namespace=_mappings(linux),
    )
    plan["process"]["find_home"] = True
    keep_available(plan["process"])
    return plan


def _mappings(linux: Json) -> Json | None:
    if not any(entry["type"] == "user" for entry in linux.get("namespaces") or ()):
        return None
    return {
        "uids": mappings(linux.get("uidMappings")),
        "gids": mappings(linux.get("gidMappings")),
    }


def _cgroups(command: Command, record: Record) -> list[str]:
    """The container's, or `--cgroup [CONTROLLER:]PATH` below them."""
    own: list[str] = list(record.own["cgroups"])
    for text in command.options.get("cgroup", ()):
        controllers, colon, path = text.rpartition(":")
        wanted = relative_path(path, "") if path.strip("/") else ""
        names = set(controllers.split(",")) if colon else None
        for at, directory in enumerate(own):
            top = os.path.basename(directory[: -len(record.own["cgroup"]) - 1])
            if names is None or top in names:
                below = f"{directory}/{wanted}" if wanted else directory
                if not os.path.isdir(below):
                    raise InvalidArgument(f"exec: cgroup {below} does not exist")
                own[at] = below
    return own
