"""A config.json that is not what it should be: docker's warnings, and what counts all the same."""

from pathlib import Path

import pytest

from orlop.cli.configfile import repaired
from orlop.cli.session import Session


@pytest.mark.parametrize(
    ("text", "kept", "wrong"),
    [
        ("", {}, ""),
        ("null", {}, ""),
        ('{"a":1} trailing', {"a": 1}, ""),
        ('{"a":1}{"b":2}', {"a": 1}, ""),
        ("{", {}, "unexpected EOF"),
        ("\ufeff{}", {}, "invalid character '\ufeff' looking for beginning of value"),
        ("[]", {}, "json: cannot unmarshal array into Go value of type configfile.ConfigFile"),
        ('"x"', {}, "json: cannot unmarshal string into Go value of type configfile.ConfigFile"),
        (
            '{"psFormat":5,"imagesFormat":"x"}', {"imagesFormat": "x"},
            "json: cannot unmarshal number into Go struct field ConfigFile.psFormat of type string",
        ),
        (
            '{"HttpHeaders":{"A":["b"],"C":"d"}}', {"HttpHeaders": {"C": "d"}},
            "json: cannot unmarshal array into Go struct field ConfigFile.HttpHeaders of type "
            "string",
        ),
    ],
)  # fmt: skip
def test_what_counts_of_a_config_that_is_wrong(
    text: str, kept: dict[str, object], wrong: str
) -> None:
    assert repaired(text.encode()) == (kept, wrong)


def _read(folder: Path, capfd: pytest.CaptureFixture[str]) -> tuple[object, str]:
    session = Session()
    session.settings.config_dir = str(folder)
    return session.config, capfd.readouterr().err


def test_a_directory_for_a_config_is_a_warning(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "config.json"
    path.mkdir()
    assert _read(tmp_path, capfd) == (
        {}, f"WARNING: Error parsing config file ({path}): read {path}: is a directory\n"
    )  # fmt: skip
    assert _read(Path("/dev/null"), capfd) == (
        {}, "WARNING: Error loading config file: open /dev/null/config.json: not a directory\n"
    )  # fmt: skip


def test_a_number_for_a_format_is_not_printed_for_each_row(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.json").write_text('{"psFormat":5}')
    config, said = _read(tmp_path, capfd)
    assert config == {}
    assert "ConfigFile.psFormat of type string" in said
