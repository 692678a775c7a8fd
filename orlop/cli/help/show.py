"""Print help with the layout of the Docker CLI (cobra's usage template, pflag's wrapping).

A text is a block: usage, short description, then `  name type: text` for every flag, continued on
lines that begin with `    |`. `+` is a second usage line, `>` lines are the long description.
@FORMAT and @INSPECT stand for the two texts many commands share.
"""

import posix
import sys

from orlop.cli import words
from orlop.cli.failure import Failure
from orlop.cli.options import Flag, Options, flags_of
from orlop.cli.out import is_terminal, out
from orlop.cli.session import Session

_REFER = (
    "Refer to https://docs.docker.com/go/formatting/ for more information about formatting "
    "output with templates"
)
_FORMAT = (
    "Format output using a custom template:\n"
    "'table':            Print output in table format with column headers (default)\n"
    "'table TEMPLATE':   Print output in table format using the given Go template\n"
    "'json':             Print in JSON format\n"
    "'TEMPLATE':         Print output using the given Go template.\n" + _REFER
)
_INSPECT = (
    "Format output using a custom template:\n"
    "'json':             Print in JSON format\n"
    "'TEMPLATE':         Print output using the given Go template.\n" + _REFER
)
_COMMON = (
    "run", "exec", "ps", "build", "pull", "push", "images", "login", "logout", "search", "version",
    "info",
)  # fmt: skip
_OURS = ("bootstrap", "chainid", "completion", "compose", "help", "tags")
_HIDDEN = {"system dial-stdio", "exec ls", "exec kill"}
_FILES = ("container", "context", "run", "image", "network", "system", "ours")


class Text:
    """One command's help."""

    __slots__ = ("flags", "long", "more", "short", "usage")

    def __init__(self, block: str) -> None:
        lines = block.split("\n")
        self.usage = lines.pop(0)
        self.more = [lines.pop(0)[1:]] if lines[0].startswith("+") else []
        self.short = lines.pop(0)
        long = [x[1:] for x in lines if x.startswith(">")]
        # a description that begins with an empty line goes on from the short one
        self.long = [self.short, *long] if not long or not long[0] else long
        self.flags: list[tuple[str, str, str]] = []  # name, type, text
        for line in lines[len(long) :]:
            if line.startswith("    |"):
                name, kind, text = self.flags[-1]
                self.flags[-1] = (name, kind, text + "\n" + line[5:])
                continue
            head, _, text = line.strip().partition(": ")
            name, _, kind = head.partition(" ")
            text = {"@FORMAT": _FORMAT, "@INSPECT": _INSPECT}.get(text, text)
            self.flags.append((name, kind, text))


def texts() -> dict[str, Text]:
    """Help by path in the table."""
    found: dict[str, Text] = {}
    for file in _FILES:
        module = __import__("orlop.cli.help." + file, None, None, ["TEXT"])
        for block in module.TEXT.strip("\n").split("\n\n"):
            text = Text(block)
            found[_path_of(text.usage)] = text
    create = Text(
        "\n".join(["container create [OPTIONS] IMAGE [COMMAND] [ARG...]", "Create a new container"])
    )
    run_only = ("detach", "detach-keys", "sig-proxy")
    create.flags = [
        (n, k, _PULL if n == "pull" else t)
        for n, k, t in found["container run"].flags
        if n not in run_only
    ]
    found["container create"] = create
    return found


_PULL = 'Pull image before creating ("always", "|missing", "never") (default "missing")'


def _path_of(usage: str) -> str:
    parts = usage.split(" ")
    two = " ".join(parts[:2])
    return two if two in words.COMMANDS else parts[0]


def _canonical(typed: str) -> str:
    return words.TOP.get(typed, words.ALIASES.get(typed, typed))


def use_line(typed: str) -> str:
    """`run [OPTIONS] IMAGE…` with the words as typed."""
    path = _canonical(typed)
    usage = texts()[path].usage if path in texts() else path
    return typed + usage[len(_path_of(usage)) :]


def more_usage(typed: str) -> str:
    """Its second usage line, with its line feed; "" for most."""
    text = texts().get(_canonical(typed))
    return "".join("\n" + line for line in text.more) if text else ""


def show(argv: list[str]) -> str:
    """Help of the command named by `argv`, of a group, or of the program."""
    if not argv:
        return show_root()
    typed = " ".join(argv[:2])
    if argv[0] in words.GROUPS:
        path = words.ALIASES.get(typed, typed)
        if path not in words.COMMANDS:
            _nothing_more(argv[1:])
            return _show_group(argv[0])
        _nothing_more(argv[2:])
        return _show_command(path, path)
    if _canonical(typed) in words.COMMANDS:
        _nothing_more(argv[2:])
        return _show_command(typed, _canonical(typed))
    path = _canonical(argv[0])
    _nothing_more(argv if path not in words.COMMANDS else argv[1:])
    return _show_command(argv[0], path)


def _nothing_more(rest: list[str]) -> None:
    if rest:
        raise Failure(f"unknown help topic: {' '.join(rest)}")


def _show_command(typed: str, path: str) -> str:
    text = texts()[path]
    lines = [f"Usage:  orlop {use_line(typed)}", *text.more, "", *text.long]
    names = [path]
    names += [a for a, p in words.ALIASES.items() if p == path and a != "image rmi"]
    names += [a for a, p in words.TOP.items() if p == path]
    if len(names) > 1:
        lines += ["", "Aliases:", "  " + ", ".join("orlop " + n for n in names)]
    if text.flags:
        flags = {f.name: f for f in flags_of(words.COMMANDS[path][3])}
        lines += ["", "Options:", usages(text.flags, flags, width() - 1)]
    return "\n".join(lines) + "\n"


def _show_group(name: str) -> str:
    from orlop.cli.help.ours import GROUPS

    found = texts()
    lines = [f"Usage:  orlop {name} COMMAND", "", GROUPS[name], "", "Commands:"]
    subs = sorted(
        p.split(" ")[1] for p in words.COMMANDS if p.startswith(name + " ") and p not in _HIDDEN
    )
    pad = max(11, max(len(s) for s in subs))
    lines += [f"  {s:<{pad}} {found[f'{name} {s}'].short}" for s in subs]
    lines += ["", f"Run 'orlop {name} COMMAND --help' for more information on a command."]
    return "\n".join(lines) + "\n"


def show_root() -> str:
    from orlop.cli.help.ours import GROUPS

    found = texts()

    def row(name: str, short: str) -> str:
        return f"  {name:<11} {short}"

    def rows(names: "list[str] | tuple[str, ...]") -> list[str]:
        return [row(n, found[_canonical(n)].short) for n in names]

    rest = sorted(
        n
        for n in (*words.TOP, *(p for p in words.COMMANDS if " " not in p))
        if n not in _COMMON and n not in _OURS
    )
    lines = ["Usage:  orlop [OPTIONS] COMMAND", "", "A self-sufficient runtime for containers", ""]
    lines += ["Common Commands:", *rows(_COMMON), "", "Management Commands:"]
    lines += [row(n, GROUPS[n]) for n in sorted(GROUPS)]
    lines += ["", "Commands:", *rows(rest), "", "Beside Docker's:", *rows(_OURS), ""]
    lines += [
        "Global Options:",
        usages(_global_flags(), {f.name: f for f in flags_of(words.GLOBALS)}, width() - 1),
    ]
    lines += ["", "Run 'orlop COMMAND --help' for more information on a command."]
    return "\n".join(lines) + "\n"


def _global_flags() -> list[tuple[str, str, str]]:
    base = Session().config_dir
    return [
        ("config", "string", f'Location of client config files (default "{base}")'),
        ("context", "string", "Name of the context to use to connect to the daemon "
         "(overrides DOCKER_HOST env var)"),
        ("debug", "", "Enable debug mode"),
        ("host", "list", "Daemon socket to connect to"),
        ("log-level", "string", 'Set the logging level ("debug", "info", "warn", "error", "fatal") '
         '(default "info")'),
        ("tls", "", "Use TLS; implied by --tlsverify"),
        ("tlscacert", "string", f'Trust certs signed only by this CA (default "{base}/ca.pem")'),
        ("tlscert", "string", f'Path to TLS certificate file (default "{base}/cert.pem")'),
        ("tlskey", "string", f'Path to TLS key file (default "{base}/key.pem")'),
        ("tlsverify", "", "Use TLS and verify the remote"),
        ("version", "", "Print version information and quit"),
    ]  # fmt: skip


def width() -> int:
    try:
        return posix.get_terminal_size(0).columns or 80
    except (OSError, ValueError):
        return 80


def usages(flags: list[tuple[str, str, str]], table: dict[str, Flag], columns: int) -> str:
    """The flags in two columns, wrapped at `columns` (pflag: FlagUsagesWrapped)."""
    heads = []
    for name, kind, _ in flags:
        short = table[name].short if name in table else ""
        head = f"  -{short}, --{name}" if short else f"      --{name}"
        heads.append(head + (" " + kind if kind else ""))
    widest = max(len(h) for h in heads) + 1
    return "\n".join(
        f"{head:<{widest}}  {wrap(widest + 2, columns, text)}"
        for head, (_, _, text) in zip(heads, flags)
    )


def wrap(indent: int, columns: int, text: str) -> str:
    """Break `text` for a column that begins at `indent`; a line may run over by 5 at its end."""
    room, out_ = columns - indent, ""
    if room < 24:
        indent = 16
        room = columns - indent
        out_ = "\n" + " " * indent
    if room < 24:
        return text.replace("\n", out_)
    room -= 5
    newline = "\n" + " " * indent
    line, text = _cut(room, text)
    out_ += line.replace("\n", newline)
    while text:
        line, text = _cut(room, text)
        out_ += newline + line.replace("\n", newline)
    return out_


def _cut(room: int, text: str) -> tuple[str, str]:
    if room + 5 > len(text):
        return text, ""
    head = text[:room]
    blank = max(head.rfind(" "), head.rfind("\t"), head.rfind("\n"))
    if blank <= 0:
        return text, ""
    line = head.rfind("\n")
    if 0 < line < blank:
        return text[:line], text[line + 1 :]
    return text[:blank], text[blank + 1 :]


def help_(session: Session, options: Options) -> int:
    """`help [COMMAND]`, and the map of all commands."""
    if options.flag("map"):
        from orlop.cli.help.map import draw

        out(draw(is_terminal(1)))
        return 0
    out(show(options.args))
    return 0


if __name__ == "__main__":
    sys.stdout.write(show(sys.argv[1:]))
