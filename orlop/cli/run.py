"""`run` and `create`: make a container, and follow it until it ends.

The order is Docker's: create, attach, wait, start. So no output is lost and no exit is missed.
"""

import posix
from time import monotonic

from orlop.cli import reference
from orlop.cli.failure import Failure
from orlop.cli.options import Options
from orlop.cli.out import err, is_terminal, out
from orlop.cli.request import build
from orlop.cli.session import Session
from orlop.client.transport import ApiError, Response, query
from orlop.errors import OrlopError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]


def with_help(message: str, command: str, code: int = 125) -> Failure:
    return Failure(f"orlop: {message}\n\nRun 'orlop {command} --help' for more information", code)


def status_failure(error: OrlopError) -> Failure:
    """127 for a program that is not there, 126 for one that cannot run, else 125."""
    text = error.message
    code = 125
    if "executable file not found" in text or "no such file or directory" in text:
        code = 127
    elif "permission denied" in text or "is a directory" in text:
        code = 126
    return with_help(text, "run", code)


_SOON = 10.0  # seconds
_WINDOWS = ("cpu-count", "cpu-percent", "io-maxbandwidth", "io-maxiops")


def _check_support(session: Session, options: Options) -> None:
    """Flags that mean nothing here, in Docker's words. Raises Failure."""
    wrong = [
        f'"--{name}" is only supported on a Docker daemon running on windows, but the Docker '
        "daemon is running on linux"
        for name in _WINDOWS
        if options.changed(name)
    ]
    if wrong:
        raise Failure("\n".join(wrong))
    if options.changed("disable-content-trust"):
        from orlop.cli.trust import refuse_trust

        refuse_trust(options)


def _prepare(session: Session, options: Options, command: str) -> "tuple[Json, Json, Json]":
    _check_support(session, options)
    pull = options.text("pull", "missing")
    try:
        if pull not in ("always", "missing", "never", ""):
            raise ValueError(
                f'invalid pull option: \'{pull}\': must be one of "always", "missing" or "never"'
            )
        _merge_proxies(session, options)
        return build(options, options.args[0], options.args[1:])
    except ValueError as e:
        raise with_help(str(e), command) from None


def _merge_proxies(session: Session, options: Options) -> None:
    """Variables given twice count once; proxies of the CLI's config are added."""
    given = options.values.get("env")
    proxies = session.config.get("proxies")
    if not given and not proxies:
        return
    merged: dict[str, str] = {}
    for entry in given or ():
        merged[entry.partition("=")[0]] = entry
    if isinstance(proxies, dict):
        chosen = proxies.get(session.client.host) or proxies.get("default") or {}
        for key, name in (
            ("httpProxy", "HTTP_PROXY"),
            ("httpsProxy", "HTTPS_PROXY"),
            ("ftpProxy", "FTP_PROXY"),
            ("noProxy", "NO_PROXY"),
            ("allProxy", "ALL_PROXY"),
        ):
            value = chosen.get(key)
            for variable in (name, name.lower()) if value else ():
                merged.setdefault(variable, f"{variable}={value}")
    options.values["env"] = list(merged.values())


class _CidFile:
    """--cidfile: must not be there before, and stays only if a container was made."""

    __slots__ = ("_fd", "_path", "_written")

    def __init__(self, path: str) -> None:
        self._path = path
        self._fd = -1
        self._written = False
        if not path:
            return
        try:
            posix.stat(path)
        except OSError:
            pass
        else:
            raise Failure(
                "container ID file found, make sure the other container isn't running "
                f"or delete {path}"
            )
        try:
            flags = posix.O_WRONLY | posix.O_CREAT | posix.O_TRUNC | posix.O_CLOEXEC
            self._fd = posix.open(path, flags, 0o666)
        except OSError as e:
            reason = (e.strerror or "").lower()
            raise Failure(
                f"failed to create the container ID file: open {path}: {reason}"
            ) from None

    def write(self, ident: str) -> None:
        if self._fd >= 0:
            posix.write(self._fd, ident.encode())
            self._written = True

    def close(self) -> None:
        if self._fd >= 0:
            posix.close(self._fd)
            if not self._written:
                posix.unlink(self._path)


def create_container(
    session: Session, options: Options, config: "Json", host: "Json", networking: "Json"
) -> str:
    """The ID of the new container; pulls the image when it is missing. Raises OrlopError."""
    cidfile = _CidFile(host["ContainerIDFile"])
    try:
        try:
            name = reference.check(config["Image"])
        except ValueError as e:
            raise Failure(str(e)) from None
        secrets = None
        if options.flag("use-api-socket"):
            from orlop.cli.apisocket import share

            secrets = share(session, config, host)
        if options.text("pull") == "always":
            _pull(session, options, config["Image"])
        host["ConsoleSize"] = list(_console())
        answer = _post_create(session, options, config, host, networking, name)
        ident = str(answer["Id"])
        for warning in [*(answer.get("Warnings") or ()), *_dns_warnings(host)]:
            err(f"WARNING: {warning}\n")
        cidfile.write(ident)
        if secrets is not None:
            secrets.copy_into(ident)
        return ident
    finally:
        cidfile.close()


def _post_create(
    session: Session, options: Options, config: "Json", host: "Json", networking: "Json", name: str
) -> "Json":
    if options.text("platform"):
        from orlop.cli.platform import parse

        try:
            parse(options.text("platform"))
        except Failure as e:
            raise Failure("error parsing specified platform: " + e.message) from None
    body = {**config, "HostConfig": host, "NetworkingConfig": networking}
    path = "/containers/create" + query(
        {"name": options.text("name"), "platform": options.text("platform")}
    )
    client = session.client
    try:
        answer: Json = client.call("POST", path, body)
        return answer
    except ApiError as e:
        if e.status != 404 or not name or options.text("pull", "missing") not in ("missing", ""):
            raise
    if not options.flag("quiet"):
        err(f"Unable to find image '{name}' locally\n")
    _pull(session, options, config["Image"])
    answer = client.call("POST", path, body)
    return answer


def _pull(session: Session, options: Options, image: str) -> None:
    from orlop.cli.pull import pull_for_run

    pull_for_run(session, image, options.text("platform"), options.flag("quiet"))


def _console() -> tuple[int, int]:
    try:
        found = posix.get_terminal_size(1)
    except (OSError, ValueError):
        return 0, 0
    return found.lines, found.columns


def _dns_warnings(host: "Json") -> list[str]:
    for address in host["Dns"]:
        if address.startswith("127.") or address == "::1":
            return [f"Localhost DNS ({address}) may fail in containers."]
    return []


def create(session: Session, options: Options) -> None:
    config, host, networking = _prepare(session, options, "create")
    out(create_container(session, options, config, host, networking) + "\n")


def run(session: Session, options: Options) -> int:
    config, host, networking = _prepare(session, options, "run")
    if options.flag("detach"):
        if options.changed("attach"):
            raise Failure("conflicting options: cannot specify both --attach and --detach")
        for key in ("AttachStdin", "AttachStdout", "AttachStderr", "StdinOnce"):
            config[key] = False
    elif config["AttachStdin"] and config["Tty"] and not is_terminal(0):
        raise Failure("the input device is not a TTY")
    try:
        ident = create_container(session, options, config, host, networking)
    except OrlopError as e:
        raise status_failure(e) from None
    if not (config["AttachStdin"] or config["AttachStdout"] or config["AttachStderr"]):
        try:
            _start_detached(session, ident, options.flag("rm"))
        finally:  # whoever reads it may be gone: the container runs all the same
            out(ident + "\n")
        return 0
    from orlop.cli.follow import Follow

    follow = Follow(session, ident, config, options.text("detach-keys"))
    follow.proxy = options.flag("sig-proxy", True)
    follow.attach()
    follow.wait("removed" if options.flag("rm") else "next-exit")
    try:
        session.client.call("POST", f"/containers/{ident}/start")
    except OrlopError as e:
        follow.abandon(options.flag("rm"))
        raise status_failure(e) from None
    began = monotonic()
    code = follow.until_exit()
    if code == 0 and not follow.detached and is_terminal(2):
        _explain([*(config["Entrypoint"] or ()), *(config["Cmd"] or ())], monotonic() - began)
    return code


def _explain(words: list[str], seconds: float) -> None:
    """To a person who wonders why it is over already."""
    if words and seconds < _SOON:
        from orlop.cli.hint import hint

        err(hint(words, seconds))


def _start_detached(session: Session, ident: str, remove: bool) -> None:
    client = session.client
    waiting: Response | None = None
    if remove:
        # a failed start removes it: say so only when it is gone
        waiting = client.open("POST", f"/containers/{ident}/wait?condition=removed")
    try:
        client.call("POST", f"/containers/{ident}/start")
    except OrlopError as e:
        if waiting is not None:
            try:
                waiting.read()
            except (OrlopError, OSError):
                pass
        raise status_failure(e) from None
