"""Credentials in config.json and in helpers, as the docker CLI keeps them."""

import base64
import json
from pathlib import Path

import pytest

from orlop.cli.credentials import erase, find, header, save
from orlop.cli.failure import Failure
from orlop.cli.session import Session

GOOD = {"username": "u", "password": "p"}
HELPER = """#!/bin/sh
cd "{folder}"
text=$(cat)
echo "$1 $text" >> log
case $1 in
store) echo "$text" > kept;;
get) grep -qs "\\"$text\\"" kept && exec cat kept; echo credentials not found; exit 1;;
erase) rm -f kept;;
esac
"""


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    for name, text in (
        ("kept", HELPER.format(folder=tmp_path)),
        ("locked", "#!/bin/sh\ncat >/dev/null; echo locked; echo why >&2; exit 3\n"),
        ("junk", "#!/bin/sh\ncat >/dev/null; echo no JSON\n"),
    ):
        program = tmp_path / f"docker-credential-{name}"
        program.write_text(text)
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    made = Session()
    made.settings.config_dir = str(tmp_path / "config")
    return made


def _config(session: Session, **values: object) -> None:
    folder = Path(session.config_dir)
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(values))
    session._config = None


def _written(session: Session) -> dict[str, object]:
    found: dict[str, object] = json.loads((Path(session.config_dir) / "config.json").read_text())
    return found


def test_the_warning_comes_once_for_the_same_credentials(session: Session) -> None:
    assert save(session, "r:1", GOOD)
    assert not save(session, "r:1", GOOD)
    assert save(session, "r:1", {**GOOD, "password": "other"})


def test_a_helper_stores_gives_and_erases(session: Session, tmp_path: Path) -> None:
    _config(session, credsStore="kept")
    assert not save(session, "r:1", GOOD)
    assert list(_written(session)) == ["auths", "credsStore"]
    assert _written(session)["auths"] == {"r:1": {}}
    assert find(session, "r:1") == {**GOOD, "serveraddress": "r:1"}
    (Path(session.config_dir) / "config.json").write_text('{"credsStore":"kept"}')
    session._config = None
    erase(session, ["r:1", "https://r:1"])  # although config.json does not name them
    log = (tmp_path / "log").read_text().splitlines()
    assert [line.split(" ")[0] for line in log] == ["store", "get", "erase", "erase"]
    assert find(session, "r:1") == {}


@pytest.mark.parametrize(
    ("helper", "why"),
    [
        ("locked", "exit status 3, out: `locked`"),
        ("none", 'exec: "docker-credential-none": executable file not found in $PATH, out: ``'),
    ],
)
def test_a_helper_that_fails(
    session: Session, helper: str, why: str, capfd: pytest.CaptureFixture[str]
) -> None:
    _config(session, credsStore=helper)
    with pytest.raises(Failure) as storing:
        save(session, "r:1", GOOD)
    assert storing.value.message == f"error storing credentials - err: {why}"
    with pytest.raises(Failure) as getting:
        header(session, "r:1", strict=True)
    assert getting.value.message == f"error getting credentials - err: {why}"
    # pull and push go on without, as docker's; what the helper said is seen
    assert base64.b64decode(header(session, "r:1")[1]) == b"{}"
    erase(session, ["r:1"])
    assert ("why" in capfd.readouterr().err) == (helper == "locked")


def test_a_helper_that_speaks_no_json_is_no_traceback(session: Session) -> None:
    _config(session, credsStore="junk")
    with pytest.raises(Failure, match="no JSON"):
        find(session, "r:1")


@pytest.mark.parametrize("auth", ["!!!", base64.b64encode(b"no colon").decode(), 5])
def test_an_auth_that_cannot_be_read_is_a_warning(
    session: Session, auth: object, capfd: pytest.CaptureFixture[str]
) -> None:
    _config(session, auths={"r:1": {"auth": auth}})
    assert find(session, "r:1") == {}
    assert "Invalid auth configuration file" in capfd.readouterr().err


def test_auths_of_another_type_are_none(session: Session) -> None:
    _config(session, auths=[])
    assert find(session, "r:1") == {}
    assert save(session, "r:1", GOOD)
    assert find(session, "r:1") == {**GOOD, "serveraddress": "r:1"}
