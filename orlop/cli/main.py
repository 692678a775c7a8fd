"""From words to a command: global options, the command's path, its options, its exit code."""

import posix

from orlop.cli import words
from orlop.cli.failure import Failure
from orlop.cli.options import Options, UsageError, parse
from orlop.cli.out import err, open_streams, out
from orlop.cli.session import Session
from orlop.errors import OrlopError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

VERSION = "0.1.0"
_WITH_COMMAND = ("manifest", "volume")  # how Docker's usage lines happen to be
USE = "[OPTIONS] COMMAND [ARG...]"


def run(argv: list[str]) -> int:
    """Execute one command line; returns its exit code."""
    open_streams()
    session = Session()
    try:
        return _dispatch(session, argv)
    except Failure as e:
        if e.message:
            err(e.message + "\n")
        return e.code
    except OrlopError as e:
        err(e.message + "\n")
        return 1
    except KeyboardInterrupt:
        return 130
    except Exception as e:
        return _unexpected(session, e)


def _unexpected(session: Session, error: Exception) -> int:
    """A fault of ours, or of a server that is no daemon: one line, and where with --debug."""
    kind = type(error).__name__
    err(f"orlop: internal error: {kind}: {error}{'' if session.debug else ' (-D says where)'}\n")
    if session.debug:
        import traceback

        err(traceback.format_exc())
    return 1


def _dispatch(session: Session, argv: list[str]) -> int:
    try:
        top = parse(argv, words.GLOBALS, interspersed=False)
    except UsageError as e:
        raise Failure(
            f"{e.message}\n\nUsage:  orlop {USE}\n\nRun 'orlop --help' for more information", 125
        ) from None
    _globals(session, top)
    if top.help:
        from orlop.cli.help.show import show_root

        out(show_root())
        err("".join(note + "\n" for note in top.notes))
        return 0
    if top.flag("version"):
        out(f"Orlop version {VERSION}\n")
        return 0
    if not top.args:
        from orlop.cli.help.show import show_root

        err(show_root())
        return 0
    return _command(session, top.args)


def _globals(session: Session, top: Options) -> None:
    settings = session.settings
    settings.host = top.all("host")
    settings.context = top.text("context")
    settings.config_dir = top.text("config")
    for name in ("tls", "tlsverify", "tlscacert", "tlscert", "tlskey"):
        if top.changed(name):
            settings.tls[name] = top.values[name]
    session.debug = top.flag("debug")
    level = top.text("log-level", "info")
    if level not in ("debug", "info", "warn", "warning", "error", "fatal", "panic", "trace"):
        raise Failure(f"Unable to parse logging level: {level}")


def find(argv: list[str]) -> tuple[str, str, list[str]]:
    """(path as typed, path in the table, rest). Raises Failure for a word that is no command."""
    first = argv[0]
    if argv[:2] == ["build", "debug"] and not _is_directory("debug"):
        return "build debug", "builder debug", argv[2:]
    if first in words.GROUPS:
        if len(argv) > 1:
            typed = f"{first} {argv[1]}"
            path = words.ALIASES.get(typed, typed)
            if path in words.COMMANDS:
                return path, path, argv[2:]
        return first, "", argv[1:]
    path = words.TOP.get(first, first)
    if path not in words.COMMANDS and "--help" in argv:
        return "", "", ["--help"]
    if path not in words.COMMANDS:
        raise Failure(
            f"orlop: unknown command: orlop {first}\n\nRun 'orlop --help' for more information"
        )
    return first, path, argv[1:]


def _is_directory(path: str) -> bool:
    try:
        return posix.stat(path).st_mode & 0o170000 == 0o040000
    except OSError:
        return False


def _command(session: Session, argv: list[str]) -> int:
    typed, path, rest = find(argv)
    if not typed:
        return _help(session, [], parse([], "", interspersed=False))
    session.path = typed
    if not path:
        return _group(session, typed, rest)
    return execute(session, typed, path, rest)


def execute(session: Session, typed: str, path: str, rest: list[str]) -> int:
    """The command `path` of the table, with its options and arguments still to be parsed."""
    target, arity, fixed, spec = words.COMMANDS[path]
    try:
        options = parse(["--", *rest] if fixed == "all" else rest, spec, interspersed=not fixed)
    except UsageError as e:
        raise Failure(
            f"{e.message}\n\nUsage:  orlop {_use(typed)}\n\n"
            f"Run 'orlop {typed} --help' for more information",
            125,
        ) from None
    if options.help:
        return _help(session, typed.split(), options)
    if b"DOCKER_DEFAULT_PLATFORM" in posix.environ or b"DOCKER_CONTENT_TRUST" in posix.environ:
        from orlop.cli.environment import apply

        apply(path, options)
    for note in options.notes:
        out(note + "\n")
    _check_arity(typed, arity, len(options.args))
    module, _, name = target.partition(":")
    found = __import__("orlop.cli." + module, None, None, [name])
    verb: Callable[[Session, Options], int | None] = getattr(found, name)
    return verb(session, options) or 0


def _group(session: Session, name: str, rest: list[str]) -> int:
    try:
        options = parse(rest, "", interspersed=False)
    except UsageError as e:
        raise Failure(
            f"{e.message}\n\nUsage:  orlop {name}\n\n"
            f"Run 'orlop {name} --help' for more information",
            125,
        ) from None
    if options.help or "--help" in rest:
        return _help(session, [name], options)
    if options.args:
        raise Failure(
            f"orlop: unknown command: orlop {name} {options.args[0]}\n\n"
            f"Usage:  orlop {name}{' COMMAND' if name in _WITH_COMMAND else ''}\n\n"
            f"Run 'orlop {name} --help' for more information"
        )
    from orlop.cli.help.show import show

    err(show([name]))
    return 0


def _help(session: Session, path: list[str], options: Options) -> int:
    from orlop.cli.help.show import show

    for note in options.notes:
        out(note + "\n")
    out(show(path))
    return 0


def _use(typed: str) -> str:
    from orlop.cli.help.show import more_usage, use_line

    return use_line(typed) + more_usage(typed)


def _check_arity(typed: str, arity: str, count: int) -> None:
    low, dash, high = arity.partition("-")
    least = int(low or 0)
    most = int(high) if high else None if dash else least
    if count >= least and (most is None or count <= most):
        return
    word = "Run"
    if most == 0:
        says = "accepts no arguments"
    elif not dash:
        says = f"requires {least} argument{'' if least == 1 else 's'}"
    elif most is None:
        says = f"requires at least {least} argument{'' if least == 1 else 's'}"
        word = "See"  # Docker CLI 28 says See here, and SRun below
    elif not low:
        says = f"requires at most {most} argument{'' if most == 1 else 's'}"
        word = "SRun"
    else:
        says = f"requires at least {least} and at most {most} argument{'' if most == 1 else 's'}"
    raise Failure(
        f"orlop: 'orlop {typed}' {says}\n\nUsage:  orlop {_use(typed)}\n\n"
        f"{word} 'orlop {typed} --help' for more information"
    )
