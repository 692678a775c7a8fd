"""References, tables, times and other small parts of the CLI."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from cli_fakes import orlop
from vectors import load

from orlop.cli import reference, timestamp
from orlop.cli.attachments import mount
from orlop.cli.csv import fields
from orlop.cli.failure import Failure
from orlop.cli.listing import go_time, natural
from orlop.cli.platform import parse as parse_platform
from orlop.cli.table import align, table
from orlop.cli.volumes import split
from orlop.text import go_quote

REFERENCES = load("references/references.json")


@pytest.mark.parametrize("case", [c for c in REFERENCES if c["kind"] in ("normalized", "pull")])
def test_reference(case: dict[str, Any]) -> None:
    if not case["ok"]:
        with pytest.raises(ValueError):
            reference.parse(case["input"])
        return
    found = reference.parse(case["input"])
    for key in ("domain", "path", "tag"):
        if key in case:
            assert getattr(found, key) == case[key], key
    if "familiar" in case:
        assert found.familiar == case["familiar"]
    if case["kind"] == "normalized" and "normalized" in case:
        assert str(found) == case["normalized"]
    if case["kind"] == "pull" and "@" not in case["input"]:
        assert str(found.tagged()) == case["normalized"]


@pytest.mark.parametrize("case", [c for c in REFERENCES if c["kind"] == "any"])
def test_any_reference(case: dict[str, Any]) -> None:
    if not case["ok"]:
        with pytest.raises(ValueError):
            reference.parse_any(case["input"])
        return
    found = reference.parse_any(case["input"])
    assert (found is None) is case["is_digest"]
    if found is not None:
        assert str(found) == case["normalized"]


def test_columns_are_runs_of_lines() -> None:
    # the middle line has no cell, so the widths above and below it are apart
    text = "a\tb\nlonger cell\tb\nplain\nx\ty\n"
    assert align(text, 4, 2) == "a            b\nlonger cell  b\nplain\nx   y\n"


def test_wide_characters_take_two_columns() -> None:
    assert table(["N", "X"], [["你好世界你好", "y"]]) == ("N              X\n你好世界你好   y\n")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", '"plain"'),
        ('a"b\\', '"a\\"b\\\\"'),
        ("tab\tnl\n\x01", '"tab\\tnl\\n\\x01"'),
        ("ünï…", '"ünï…"'),
        ("\u2028", '"\\u2028"'),
        ("\udcff", '"\\xff"'),
    ],
)
def test_go_quote(text: str, shown: str) -> None:
    assert go_quote(text) == shown


def test_natural_order() -> None:
    names = ["net10", "net9", "Net1", "net", "9", "10"]
    assert sorted(names, key=natural) == ["9", "10", "Net1", "net", "net9", "net10"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2026-11-24T09:23:22.470356731Z", "2026-11-24 09:23:22.470356731 +0000 UTC"),
        ("2026-11-24T09:23:22.500Z", "2026-11-24 09:23:22.5 +0000 UTC"),
        ("2026-11-24T09:23:22+05:30", "2026-11-24 09:23:22 +0530 +0530"),
    ],
)
def test_go_time(text: str, shown: str) -> None:
    assert go_time(text) == shown


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1136073845", "1136073845"),
        ("1136073845.000000001", "1136073845.000000001"),
        ("2006-01-02T15:04:05Z", "1136214245.000000000"),
        ("2006-01-02T15:04:05.5+01:00", "1136210645.500000000"),
        ("2006-01-02", "1136160000.000000000"),
        ("2006-01-02T15", "1136214000.000000000"),
    ],
)
def test_timestamp(text: str, seconds: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    assert timestamp.parse(text) == seconds


def test_timestamp_ago() -> None:
    assert abs(float(timestamp.parse("10m")) - (time.time() - 600)) < 5


@pytest.mark.parametrize("text", ["x", "2006-13-01", "10:00", "2006-01-02T25:00:00Z"])
def test_timestamp_refuses(text: str) -> None:
    with pytest.raises(Failure, match="failed to parse value as time or duration"):
        timestamp.parse(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("linux/amd64", {"os": "linux", "architecture": "amd64"}),
        ("arm64", {"os": "linux", "architecture": "arm64"}),
        ("linux/arm64/v8", {"os": "linux", "architecture": "arm64"}),
        ("linux/arm", {"os": "linux", "architecture": "arm", "variant": "v7"}),
        ("linux/x86_64", {"os": "linux", "architecture": "amd64"}),
        ("aarch64", {"os": "linux", "architecture": "arm64"}),
    ],
)
def test_platform(text: str, found: dict[str, str]) -> None:
    assert parse_platform(text) == found


@pytest.mark.parametrize("text", ["a/b/c/d", "nosuch", "linux/$", ""])
def test_platform_refuses(text: str) -> None:
    with pytest.raises(Failure):
        parse_platform(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [("a,b", ["a", "b"]), ('a,"b,c"', ["a", "b,c"]), ('"a""b"', ['a"b']), ("a,", ["a", ""])],
)
def test_csv(text: str, found: list[str]) -> None:
    assert fields(text) == found


@pytest.mark.parametrize("text", ["", 'a"b', '"a', '"a"b'])
def test_csv_refuses(text: str) -> None:
    with pytest.raises(ValueError):
        fields(text)


def test_volumes() -> None:
    binds, volumes = split(["/a:/b", "/c", "name:/d:ro", "/c", "./x:/y"])
    assert volumes == {"/c": {}}
    assert binds == ["/a:/b", "name:/d:ro", f"{os.getcwd()}/x:/y"]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (":/b", "invalid spec: :/b: empty section between colons"),
        ("/a::ro", "invalid spec: /a::ro: empty section between colons"),
        ("/a:/b:ro:x", "invalid spec: /a:/b:ro:x: too many colons"),
    ],
)
def test_bad_volume(spec: str, message: str) -> None:
    with pytest.raises(ValueError) as e:
        split([spec])
    assert str(e.value) == message


def test_config_keeps_what_we_do_not_know(tmp_path: Path) -> None:
    from orlop.cli.credentials import erase, find, save
    from orlop.cli.session import Session

    session = Session()
    session.settings.config_dir = str(tmp_path / "c")
    (tmp_path / "c").mkdir()
    (tmp_path / "c/config.json").write_text('{"psFormat":"x","plugins":{"a":{"b":"c"}}}')
    auth = {"username": "u", "password": "p:w", "serveraddress": "r.example:5000"}
    assert save(session, "r.example:5000", auth)
    assert find(session, "r.example:5000") == auth
    config = json.loads((tmp_path / "c/config.json").read_text())
    assert config["plugins"] == {"a": {"b": "c"}}
    assert (tmp_path / "c/config.json").stat().st_mode & 0o777 == 0o600
    erase(session, ["r.example:5000"])
    assert find(session, "r.example:5000") == {}


def test_credential_helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from orlop.cli.credentials import find
    from orlop.cli.session import Session

    helper = tmp_path / "docker-credential-fake"
    helper.write_text(
        '#!/bin/sh\nread server\ncase "$1 $server" in\n'
        '"get good") echo \'{"Username":"u","Secret":"s"}\';;\n'
        '"get token") echo \'{"Username":"<token>","Secret":"t"}\';;\n'
        '"get none") echo "credentials not found in native keychain"; exit 1;;\n'
        "*) echo broken; exit 3;;\nesac\n"
    )
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    session = Session()
    session._config = {"credHelpers": {"good": "fake"}, "credsStore": "fake"}
    assert find(session, "good")["password"] == "s"
    assert find(session, "token") == {"identitytoken": "t", "serveraddress": "token"}
    assert find(session, "none") == {}
    with pytest.raises(Failure, match="exit status 3, out: `broken`"):
        find(session, "bad")


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        ([], f"{'EXEC ID':<15}{'CONTAINER':<15}{'COMMAND':<10}PID\n"
             f"{'e' * 12:<15}{'c' * 12:<15}{'sleep 5':<10}7\n"),
        (["-q"], "e" * 12 + "\n"),
        (["--format", "{{.PID}} {{.Command}}"], "7 sleep 5\n"),
    ],
)  # fmt: skip
def test_exec_ls(more: list[str], wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It called itself without an end; `--format` was taken and not heeded."""
    row = {"ID": "e" * 64, "ContainerID": "c" * 64, "Pid": 7,
           "ProcessConfig": {"entrypoint": "sleep", "arguments": ["5"]}}  # fmt: skip
    ran = orlop(monkeypatch, ["exec", "ls", *more, "c"], {"/orlop/containers/c/exec": [row]})
    assert ran.stdout == wanted
    none = orlop(monkeypatch, ["exec", "ls", "-q", "c"], {"/orlop/containers/c/exec": []})
    assert none.stdout == ""


def test_a_volume_label_without_a_value_is_kept() -> None:
    made = mount("type=volume,src=v,dst=/x,volume-label=a,volume-label=b=c")
    assert made["VolumeOptions"] == {"Labels": {"a": "", "b": "c"}}


def test_labels_move_no_cursor_and_write_no_clipboard() -> None:
    hostile = "a\x1b[2Jb\x1b]52;c;eA==\x07c\x9b1Ad\x7fe\rf"
    shown = table(["NAME"], [[hostile]])
    assert shown == "NAME\na?[2Jb?]52;c;eA==?c?1Ad?e?f\n"
    assert not set(shown) & {chr(n) for n in range(0x20) if chr(n) != "\n"}
    # the control: it is what a terminal obeys, and letters of any script stay
    assert "\x1b" in hostile
    assert table(["NAME"], [["é日本"]]) == "NAME\né日本\n"
