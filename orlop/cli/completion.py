"""`completion bash|zsh|fish`: scripts made from the table that also drives parsing and help.

Words and flags are in the script; names of containers, images, volumes and networks are asked for
when the tab key is struck.
"""

from orlop.cli import words
from orlop.cli.failure import Failure
from orlop.cli.options import Flag, Options, flags_of
from orlop.cli.out import out
from orlop.cli.session import Session

_CONTAINERS = frozenset(
    "attach commit cp diff exec export inspect kill logs pause port rename restart rm start stats "
    "stop top unpause update wait".split()
)
_IMAGES = frozenset("chainid create history push rmi run save tag".split())
_HIDDEN = ("system dial-stdio",)
_ASK = {
    "container": "orlop ps -a --format '{{.Names}}'",
    "image": "orlop images --format '{{.Repository}}:{{.Tag}}'",
    "volume": "orlop volume ls -q",
    "network": "orlop network ls --format '{{.Name}}'",
}


def completion(session: Session, options: Options) -> None:
    shell = options.args[0]
    if shell not in _SCRIPTS:
        raise Failure(f"no completion for {shell}: bash, zsh or fish")
    out(script(shell))


def script(shell: str) -> str:
    return _SCRIPTS[shell]()


def commands() -> dict[str, list[Flag]]:
    """Every command as it can be typed, with its flags."""
    found = {
        path: [f for f in flags_of(spec) if not f.deprecated and f.store == f.name]
        for path, (_, _, _, spec) in words.COMMANDS.items()
        if path not in _HIDDEN
    }
    for short, path in (*words.TOP.items(), *words.ALIASES.items()):
        found[short] = found[path]
    return found


def _first() -> list[str]:
    return sorted({path.split(" ", 1)[0] for path in commands()} | set(words.GROUPS))


def _second(group: str) -> list[str]:
    return sorted(p.split(" ", 1)[1] for p in commands() if p.startswith(group + " "))


def _objects(path: str) -> str:
    """What the arguments of a command name."""
    noun, _, verb = path.rpartition(" ")
    if noun in ("volume", "network", "image"):
        return noun
    if verb in _IMAGES:
        return "image"
    return "container" if verb in _CONTAINERS or noun == "container" else ""


def _short(path: str) -> str:
    from orlop.cli.help.show import texts

    return texts()[words.TOP.get(path, words.ALIASES.get(path, path))].short


def _described(path: str) -> list[tuple[Flag, str]]:
    """Flags with the first line of their help."""
    from orlop.cli.help.show import texts

    text = texts()[words.TOP.get(path, words.ALIASES.get(path, path))]
    lines = {name: said.split("\n")[0] for name, _, said in text.flags}
    return [(f, lines.get(f.name, "")) for f in commands()[path]]


def _spellings(flags: list[Flag]) -> list[str]:
    return ["--help", *(s for f in flags for s in (f"--{f.name}", f.short and f"-{f.short}") if s)]


def bash() -> str:
    groups = " ".join(sorted(words.GROUPS))
    lines = [
        "# bash completion for orlop",
        "_orlop() {",
        "    local cur=${COMP_WORDS[COMP_CWORD]} cmd=${COMP_WORDS[1]} flags= kind=",
        "    # bash splits words at colons: an image's tag would be a word of its own",
        "    COMPREPLY=()",
        "    if [ $COMP_CWORD -eq 1 ]; then",
        f"        COMPREPLY=($(compgen -W '{' '.join(_first())}' -- \"$cur\")); return",
        "    fi",
        f'    case " {groups} " in *" $cmd "*)',
        "        if [ $COMP_CWORD -eq 2 ]; then case $cmd in",
    ]
    for group in sorted(words.GROUPS):
        second = " ".join(_second(group))
        lines.append(f"            {group}) COMPREPLY=($(compgen -W '{second}' -- \"$cur\")) ;;")
    lines += ["        esac; return; fi", '        cmd="$cmd ${COMP_WORDS[2]}" ;;', "    esac"]
    lines.append('    case "$cmd" in')
    for path, flags in sorted(commands().items()):
        spelled = " ".join(_spellings(flags))
        lines.append(f"        '{path}') flags='{spelled}' kind={_objects(path)} ;;")
    lines += [
        "    esac",
        '    case $cur in -*) COMPREPLY=($(compgen -W "$flags" -- "$cur")); return ;; esac',
        "    case $kind in",
    ]
    lines += [
        f'        {kind}) COMPREPLY=($(compgen -W "$({ask} 2>/dev/null)" -- "$cur")) ;;'
        for kind, ask in _ASK.items()
    ]
    lines += [
        '        *) COMPREPLY=($(compgen -f -- "$cur")) ;;',
        "    esac",
        '    type __ltrim_colon_completions >/dev/null 2>&1 && __ltrim_colon_completions "$cur"',
        "}",
        "complete -o default -F _orlop orlop",
        "",
    ]
    return "\n".join(lines)


def _zsh_text(text: str) -> str:
    return text.replace("'", "'\\''").replace("[", "\\[").replace("]", "\\]").replace(":", "\\:")


def zsh() -> str:
    lines = ["#compdef orlop", "# zsh completion for orlop", "_orlop_names() {"]
    lines += ['    local -a found; found=(${(f)"$(eval $1 2>/dev/null)"})']
    lines += ["    compadd -a found", "}", "_orlop() {", "    local cmd=$words[2]"]
    lines.append("    if (( CURRENT == 2 )); then")
    lines.append("        local -a first; first=(")
    lines += [f"            '{_zsh_text(w)}:{_zsh_text(_first_text(w))}'" for w in _first()]
    lines += ["        ); _describe command first; return", "    fi", "    case $cmd in"]
    for group in sorted(words.GROUPS):
        second = " ".join(_second(group))
        lines.append(f"        {group}) if (( CURRENT == 3 )); then compadd {second}; return; fi")
        lines.append('            cmd="$cmd $words[3]"; shift words; (( CURRENT-- )) ;;')
    lines += ["    esac", "    shift words; (( CURRENT-- ))", '    case "$cmd" in']
    for path in sorted(commands()):
        lines.append(f"        '{path}') _arguments -S \\")
        for flag, said in _described(path):
            value = "" if flag.kind == "bool" else "=:value:_default"
            lines.append(f"            '--{flag.name}{value}[{_zsh_text(said)}]' \\")
            if flag.short:
                value = "" if flag.kind == "bool" else "+:value:_default"
                lines.append(f"            '-{flag.short}{value}[{_zsh_text(said)}]' \\")
        kind = _objects(path)
        ask = _ASK[kind].replace("'", '"') if kind else ""
        rest = f'_orlop_names "{_zsh_escaped(ask)}"' if kind else "_default"
        lines.append(f"            '*::argument:{{{rest}}}' ;;")
    lines += ["    esac", "}", '_orlop "$@"', ""]
    return "\n".join(lines)


def _zsh_escaped(text: str) -> str:
    return text.replace('"', '\\"')


def _first_text(word: str) -> str:
    from orlop.cli.help.ours import GROUPS

    return GROUPS[word] if word in GROUPS else _short(word)


def _fish_text(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


def fish() -> str:
    lines = ["# fish completion for orlop", "complete -c orlop -f"]
    for word in _first():
        said = _fish_text(_first_text(word))
        lines.append(f"complete -c orlop -n __fish_use_subcommand -a {word} -d '{said}'")
    for group in sorted(words.GROUPS):
        rest = _second(group)
        unless = f"__fish_seen_subcommand_from {group}; and not __fish_seen_subcommand_from "
        for verb in rest:
            said = _fish_text(_short(f"{group} {verb}"))
            lines.append(f"complete -c orlop -n '{unless}{' '.join(rest)}' -a {verb} -d '{said}'")
    for path in sorted(commands()):
        seen = "; and ".join(f"__fish_seen_subcommand_from {w}" for w in path.split())
        if " " not in path:
            seen += "; and not __fish_seen_subcommand_from " + " ".join(sorted(words.GROUPS))
        for flag, said in _described(path):
            short = f" -s {flag.short}" if flag.short else ""
            value = "" if flag.kind == "bool" else " -r"
            lines.append(
                f"complete -c orlop -n '{seen}' -l {flag.name}{short}{value} "
                f"-d '{_fish_text(said)}'"
            )
        kind = _objects(path)
        if kind:
            ask = _ASK[kind].replace("'", '"')
            lines.append(f"complete -c orlop -n '{seen}' -a '({ask} 2>/dev/null)'")
    return "\n".join(lines) + "\n"


_SCRIPTS = {"bash": bash, "zsh": zsh, "fish": fish}
