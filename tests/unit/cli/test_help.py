"""Help, completion and the table of words belong together."""

import importlib
import subprocess
from pathlib import Path

import pytest
from cli_fakes import orlop

from orlop.cli import words
from orlop.cli.completion import commands, script
from orlop.cli.help.show import show, texts, wrap
from orlop.cli.options import flags_of

HIDDEN = {"system dial-stdio"}


@pytest.mark.parametrize("path", sorted(words.COMMANDS))
def test_every_command_is_there_and_explained(path: str) -> None:
    target, _, _, spec = words.COMMANDS[path]
    module, _, name = target.partition(":")
    assert callable(getattr(importlib.import_module("orlop.cli." + module), name))
    if path in HIDDEN:
        return
    text = texts()[path]
    flags = {f.name for f in flags_of(spec)}
    explained = {name for name, _, _ in text.flags} - {"help"}
    assert explained <= flags
    assert show(path.split()).startswith(f"Usage:  orlop {path}")


@pytest.mark.parametrize("short", sorted(words.TOP))
def test_short_forms_show_their_own_usage(short: str) -> None:
    assert show([short]).startswith(f"Usage:  orlop {short}")
    assert words.TOP[short] in words.COMMANDS


def bash(line: str, tmp_path: Path) -> list[str]:
    """What tab offers at the end of `line`."""
    stub = tmp_path / "orlop"
    stub.write_text(
        '#!/bin/sh\ncase "$1" in ps) echo web db;; images) echo busybox:latest;; esac\n'
    )
    stub.chmod(0o755)
    typed = line.split(" ")
    program = (
        script("bash")
        + f"COMP_WORDS=({' '.join(repr(w) for w in typed)}); COMP_CWORD={len(typed) - 1}\n"
        + '_orlop; printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run(
        ["bash", "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
    )
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "offers"),
    [
        ("orlop com", ["commit", "completion", "compose"]),
        ("orlop image ch", ["chainid"]),
        ("orlop run --mem", ["--memory", "--memory-reservation", "--memory-swap",
                             "--memory-swappiness"]),
        ("orlop stop --t", ["--timeout"]),
        ("orlop stop ", ["web", "db"]),
        ("orlop container logs w", ["web"]),
        ("orlop run b", ["busybox:latest"]),
        ("orlop layers ", ["show"]),
    ],
)  # fmt: skip
def test_bash_completes(line: str, offers: list[str], tmp_path: Path) -> None:
    assert bash(line, tmp_path) == offers


def test_scripts_for_the_other_shells_name_every_command() -> None:
    for shell in ("zsh", "fish"):
        text = script(shell)
        for path in commands():
            assert path.split()[-1] in text
        assert "use --timeout instead" not in text


def test_wrap_breaks_where_pflag_does() -> None:
    text = "one two three four five six seven eight nine ten eleven twelve"
    assert wrap(10, 50, text) == (
        "one two three four five six seven\n          eight nine ten eleven twelve"
    )
    assert wrap(40, 50, "a b") == "\n                a b"


@pytest.mark.parametrize(
    ("args", "code", "begins"),
    [
        ([], 0, "Usage:  orlop [OPTIONS] COMMAND"),
        (["nosuch"], 1, "orlop: unknown command: orlop nosuch\n\nRun 'orlop --help'"),
        (
            ["image", "nosuch"],
            1,
            "orlop: unknown command: orlop image nosuch\n\nUsage:  orlop image",
        ),
        (["run"], 1, "orlop: 'orlop run' requires at least 1 argument\n\nUsage:  orlop run "),
        (["ps", "x"], 1, "orlop: 'orlop ps' accepts no arguments\n\nUsage:  orlop ps [OPTIONS]"),
        (["tag", "x"], 1, "orlop: 'orlop tag' requires 2 arguments\n\n"),
        (["images", "a", "b"], 1, "orlop: 'orlop images' requires at most 1 argument\n\n"),
        (["run", "--foo"], 125, "unknown flag: --foo\n\nUsage:  orlop run [OPTIONS] IMAGE"),
        (["-x"], 125, "unknown shorthand flag: 'x' in -x\n\nUsage:  orlop [OPTIONS] COMMAND"),
        (["help", "nosuch"], 1, "unknown help topic: nosuch"),
        (["help", "container", "nosuch"], 1, "unknown help topic: nosuch"),
        (["help", "container", "ls", "more"], 1, "unknown help topic: more"),
        (["help", "ps", "more"], 1, "unknown help topic: more"),
        (
            ["cp", "--nosuch"],
            125,
            "unknown flag: --nosuch\n\nUsage:  orlop cp [OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\n"
            "\torlop cp [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH\n",
        ),
        (
            ["system", "dial-stdio", "x"],
            1,
            "orlop: 'orlop system dial-stdio' accepts no arguments\n\n",
        ),
        (["-l", "loud", "ps"], 1, "Unable to parse logging level: loud"),
    ],
)
def test_errors_of_words(
    args: list[str], code: int, begins: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = orlop(monkeypatch, args, {})
    assert (done.code, done.stdout) == (code, "")
    assert done.stderr.startswith(begins)


def test_the_map_names_only_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    done = orlop(monkeypatch, ["help", "--map"], {})
    assert done.code == 0
    for word in ("pull", "commit", "layers show", "overlay demo", "unpause"):
        assert word in done.stdout


def test_help_of_an_unknown_word_of_a_group_is_the_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    done = orlop(monkeypatch, ["container", "nosuch", "--help"], {})
    assert (done.code, done.stderr) == (0, "")
    assert done.stdout.startswith("Usage:  orlop container COMMAND\n")


def test_the_note_on_a_short_h_goes_to_stderr(monkeypatch: pytest.MonkeyPatch) -> None:
    done = orlop(monkeypatch, ["-h"], {})
    assert done.stdout.startswith("Usage:  orlop [OPTIONS] COMMAND\n")
    assert done.stderr == "Flag shorthand -h has been deprecated, use --help\n"


def test_a_fault_of_ours_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """As when the server on the other side is no daemon."""
    done = orlop(monkeypatch, ["volume", "ls"], {"/volumes": "text"})
    assert done.code == 1
    assert done.stderr.startswith("orlop: internal error: AttributeError: ")
    assert done.stderr.endswith("(-D says where)\n")
    debugged = orlop(monkeypatch, ["-D", "volume", "ls"], {"/volumes": "text"})
    assert "Traceback (most recent call last)" in debugged.stderr
