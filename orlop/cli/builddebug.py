"""`build debug`: a shell in the state in which a step failed, or that a finished step left."""

from orlop.cli.failure import Failure
from orlop.cli.options import Options, parse
from orlop.cli.out import err
from orlop.cli.session import Session
from orlop.client.transport import query, quote
from orlop.errors import OrlopError
from orlop.oci.jsonlite import dumps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def debug(session: Session, options: Options) -> int:
    """`build debug [STEP [COMMAND…]]`; STEP: the container of a failed step, or an image ID."""
    words = options.args
    step = words[0] if words else _latest(session)
    command = words[1:] or ["sh"]
    image, config, made = _state(session, step)
    try:
        return _run(session, image, config, command)
    finally:
        if made:
            try:
                session.client.call(
                    "DELETE", f"/images/{quote(image, b':')}" + query({"force": "1"})
                )
            except OrlopError as error:
                err(f"{error.message}\n")


def _latest(session: Session) -> str:
    """The newest container that a build left behind: it stands on an image without a name."""
    filters = dumps({"status": {"exited": True, "created": True}})
    for row in session.client.call(
        "GET", "/containers/json" + query({"all": "1", "filters": filters})
    ):
        found = session.client.call("GET", f"/containers/{quote(str(row['Id']))}/json")
        if found["Config"].get("Hostname") == "build" and found["State"]["ExitCode"]:
            return str(row["Id"])
    raise Failure("no failed step is left; name a step's container or an image")


def _state(session: Session, step: str) -> "tuple[str, dict[str, Any], bool]":
    try:
        found = session.client.call("GET", f"/containers/{quote(step)}/json")
    except OrlopError:
        image = session.client.call("GET", f"/images/{quote(step, b'/:@')}/json")
        return str(image["Id"]), image.get("Config") or {}, False
    made = session.client.call("POST", "/commit" + query({"container": step}), {})
    return str(made["Id"]), found["Config"], True


def _run(session: Session, image: str, config: "dict[str, Any]", command: list[str]) -> int:
    from orlop.cli.out import is_terminal
    from orlop.cli.run import run
    from orlop.cli.words import COMMANDS

    argv = ["--rm", "--interactive", "--entrypoint", command[0]]
    if is_terminal(0) and is_terminal(1):
        argv.append("--tty")
    for entry in config.get("Env") or ():
        argv += ["--env", entry]
    if config.get("WorkingDir"):
        argv += ["--workdir", config["WorkingDir"]]
    if config.get("User"):
        argv += ["--user", config["User"]]
    argv += ["--no-healthcheck", image, *command[1:]]
    spec = COMMANDS["container run"][3]
    options: Options = parse(argv, spec, interspersed=False)
    return run(session, options) or 0
