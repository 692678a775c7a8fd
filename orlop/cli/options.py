"""The table-driven option parser, with the rules of Go's pflag.

`--name value`, `--name=value`, `-n value`, `-nvalue`, clusters `-it`, `--` ends options; a boolean
takes its value only with `=`. Kinds other than the plain ones are parsed in `values`.
"""

from orlop.cli.failure import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_TRUE = ("1", "t", "T", "TRUE", "true", "True")
_FALSE = ("0", "f", "F", "FALSE", "false", "False")


class UsageError(Failure):
    """A flag that is not known or not valid."""

    def __init__(self, message: str) -> None:
        super().__init__(message, 125)


class Flag:
    __slots__ = ("deprecated", "kind", "name", "short", "store")

    def __init__(self, token: str) -> None:
        token, _, note = token.partition("!")
        token, _, store = token.partition(">")
        token, _, kind = token.partition(":")
        self.name, _, self.short = token.partition("/")
        self.store = store or self.name
        self.kind = kind or "bool"
        self.deprecated = note.replace("_", " ")

    @property
    def label(self) -> str:
        return f"-{self.short}, --{self.name}" if self.short else f"--{self.name}"


class Options:
    """Values by name of the flags that were given."""

    __slots__ = ("args", "help", "notes", "values")

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.args: list[str] = []
        self.notes: list[str] = []  # deprecations to print
        self.help = False

    def changed(self, name: str) -> bool:
        return name in self.values

    def flag(self, name: str, default: bool = False) -> bool:
        return bool(self.values.get(name, default))

    def text(self, name: str, default: str = "") -> str:
        return str(self.values.get(name, default))

    def number(self, name: str, default: int = 0) -> int:
        return int(self.values.get(name, default))

    def all(self, name: str) -> "list[Any]":
        found: list[Any] = self.values.get(name, [])
        return found

    def map(self, name: str) -> dict[str, str]:
        found: dict[str, str] = self.values.get(name, {})
        return found


def flags_of(spec: str) -> list[Flag]:
    # a note may hold blanks: it runs to the end of the table's text
    head, mark, note = spec.partition("!")
    tokens = head.split()
    if mark:
        tokens[-1] += "!" + note.replace(" ", "_")
    return [Flag(t) for t in tokens]


def parse(argv: list[str], spec: str, interspersed: bool) -> Options:
    """Parse `argv` by the table text `spec`. Raises UsageError."""
    flags = flags_of(spec)
    longs = {f.name: f for f in flags}
    shorts = {f.short: f for f in flags if f.short}
    options = Options()
    rest = list(argv)
    while rest:
        word = rest.pop(0)
        if word == "--":
            options.args += rest
            break
        if len(word) < 2 or word[0] != "-":
            options.args.append(word)
            if not interspersed:
                options.args += rest
                break
            continue
        if word.startswith("--"):
            _long(word, rest, longs, options)
        else:
            _cluster(word, rest, shorts, options)
        if options.help:
            break
    return options


def _long(word: str, rest: list[str], longs: dict[str, Flag], options: Options) -> None:
    name, equals, value = word[2:].partition("=")
    if not name or name[0] in "-=":
        raise UsageError(f"bad flag syntax: {word}")
    flag = longs.get(name)
    if flag is None:
        if name == "help":
            options.help = not equals or _boolean(value) is not False
            return
        raise UsageError(f"unknown flag: --{name}")
    if flag.deprecated:
        options.notes.append(f"Flag --{flag.name} has been deprecated, {flag.deprecated}")
    if not equals:
        if flag.kind == "bool":
            value = "true"
        elif rest:
            value = rest.pop(0)
        else:
            raise UsageError(f"flag needs an argument: --{name}")
    store(options, flag, value)


def _cluster(word: str, rest: list[str], shorts: dict[str, Flag], options: Options) -> None:
    letters = word[1:]
    while letters:
        letter, letters = letters[0], letters[1:]
        flag = shorts.get(letter)
        if flag is None:
            if letter == "h":
                options.help = True
                options.notes.append("Flag shorthand -h has been deprecated, use --help")
                return
            raise UsageError(f"unknown shorthand flag: {_quoted(letter)} in -{letter}{letters}")
        if letters.startswith("="):
            store(options, flag, letters[1:])
            return
        if flag.kind == "bool":
            store(options, flag, "true")
        elif letters:
            store(options, flag, letters)
            return
        elif rest:
            store(options, flag, rest.pop(0))
        else:
            raise UsageError(f"flag needs an argument: {_quoted(letter)} in -{letter}")


def _quoted(letter: str) -> str:
    return "'\\''" if letter == "'" else f"'{letter}'"


def _boolean(value: str) -> bool | None:
    return True if value in _TRUE else False if value in _FALSE else None


def store(options: Options, flag: Flag, value: str) -> None:
    """Check `value` and keep it. Raises UsageError with pflag's words."""
    values, name, kind = options.values, flag.store, flag.kind
    if kind == "string":
        values[name] = value
    elif kind == "bool":
        found = _boolean(value)
        if found is None:
            raise UsageError(
                f'invalid argument "{value}" for "{flag.label}" flag: '
                f'strconv.ParseBool: parsing "{value}": invalid syntax'
            )
        values[name] = found
    elif kind == "list":
        values.setdefault(name, []).append(value)
    else:
        from orlop.cli.values import PARSERS

        try:
            PARSERS[kind](values, name, value)
        except ValueError as e:
            from orlop.text import go_quote

            raise UsageError(
                f'invalid argument {go_quote(value)} for "{flag.label}" flag: {e}'
            ) from None
