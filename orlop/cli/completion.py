"""`completion bash|zsh|fish`: scripts made from the table that also drives parsing and help."""

from orlop.cli import words
from orlop.cli.failure import Failure
from orlop.cli.options import Options
from orlop.cli.out import out
from orlop.cli.session import Session

# What the words after a command name: looked up in the running daemon.
_CONTAINERS = frozenset(
    "attach commit cp diff exec export inspect kill logs pause port rename restart rm start stats "
    "stop top unpause update wait".split()
)
_IMAGES = frozenset("chainid create history push rmi run save tag".split())


def completion(session: Session, options: Options) -> None:
    shell = options.args[0]
    if shell not in ("bash", "zsh", "fish"):
        raise Failure(f"no completion for {shell!r}: bash, zsh or fish")
    out({"bash": bash, "zsh": zsh, "fish": fish}[shell]())


def commands() -> dict[str, list[str]]:
    """Every command as typed, with its flags."""
    found: dict[str, list[str]] = {}
    for path, (_, _, _, spec) in words.COMMANDS.items():
        found[path] = _flags(spec)
    for short, path in words.TOP.items():
        found[short] = found[path]
    for alias, path in words.ALIASES.items():
        found[alias] = found[path]
    return found


def _flags(spec: str) -> list[str]:
    flags = ["--help"]
    for word in spec.split():
        names = word.split(":", 1)[0].split("/")
        flags += [f"--{names[0]}", *(f"-{short}" for short in names[1:])]
    return flags


def _first() -> list[str]:
    return sorted({path.split(" ", 1)[0] for path in commands()} | set(words.GROUPS))


def _objects(path: str) -> str:
    last = path.rpartition(" ")[2]
    if path.startswith("container ") or path in _CONTAINERS or last in _CONTAINERS:
        return "container"
    if path.startswith("image ") or last in _IMAGES:
        return "image"
    return {"volume": "volume", "network": "network"}.get(path.partition(" ")[0], "")


_ASK = {
    "container": "orlop ps -a --format '{{.Names}}'",
    "image": "orlop images --format '{{.Repository}}:{{.Tag}}'",
    "volume": "orlop volume ls -q",
    "network": "orlop network ls --format '{{.Name}}'",
}


def bash() -> str:
    groups = sorted(words.GROUPS)
    lines = ["# bash completion for orlop", "_orlop() {"]
    lines += [
        "    local cur=${COMP_WORDS[COMP_CWORD]} cmd=${COMP_WORDS[1]} flags= kind=",
        "    if [ $COMP_CWORD -eq 1 ]; then",
        f"        COMPREPLY=($(compgen -W '{' '.join(_first())}' -- \"$cur\")); return",
        "    fi",
        f'    case " {" ".join(groups)} " in *" $cmd "*)',
        "        if [ $COMP_CWORD -eq 2 ]; then case $cmd in",
    ]
    for group in groups:
        second = sorted(p.split(" ", 1)[1] for p in commands() if p.startswith(group + " "))
        lines.append(
            f"            {group}) COMPREPLY=($(compgen -W '{' '.join(second)}' -- \"$cur\")) ;;"
        )
    lines += ["        esac; return; fi", '        cmd="$cmd ${COMP_WORDS[2]}" ;;', "    esac"]
    lines.append('    case "$cmd" in')
    for path, flags in sorted(commands().items()):
        lines.append(f"        '{path}') flags='{' '.join(flags)}' kind={_objects(path)} ;;")
    lines += [
        "    esac",
        '    case $cur in -*) COMPREPLY=($(compgen -W "$flags" -- "$cur")); return ;; esac',
    ]
    lines.append("    case $kind in")
    lines += [
        f'        {kind}) COMPREPLY=($(compgen -W "$({ask} 2>/dev/null)" -- "$cur")) ;;'
        for kind, ask in _ASK.items()
    ]
    lines += [
        '        *) COMPREPLY=($(compgen -f -- "$cur")) ;;',
        "    esac",
        "}",
        "complete -F _orlop orlop",
        "",
    ]
    return "\n".join(lines)


def zsh() -> str:
    """zsh runs the bash script through its own emulation of `complete`."""
    body = bash().split("\n", 1)[1]
    return (
        "#compdef orlop\n# zsh completion for orlop\n"
        "autoload -U +X bashcompinit && bashcompinit\n" + body
    )


def fish() -> str:
    lines = ["# fish completion for orlop", "complete -c orlop -f"]
    for word in _first():
        lines.append(f"complete -c orlop -n __fish_use_subcommand -a {word}")
    for path, flags in sorted(commands().items()):
        seen = " ".join(f"; and __fish_seen_subcommand_from {w}" for w in path.split())[5:]
        for flag in flags:
            if flag.startswith("--"):
                lines.append(f"complete -c orlop -n '{seen.strip()}' -l {flag[2:]}")
        kind = _objects(path)
        if kind:
            ask = _ASK[kind].replace("'", '"')
            lines.append(f"complete -c orlop -n '{seen.strip()}' -a '({ask} 2>/dev/null)'")
    return "\n".join(lines) + "\n"
