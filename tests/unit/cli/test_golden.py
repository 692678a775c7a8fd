"""What the lists and `info`, `version`, `port` print: docker/cli's golden files and format cases.

Not run: `image ls` as a tree (another release's columns; ours are compared with the docker CLI in
tests/compat), and what only an experimental release prints.
"""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from cli_fakes import orlop, with_times
from vectors import ROOT, load, params

from orlop.cli import df, images, network, ps, stats, volume
from orlop.cli.failure import Failure
from orlop.cli.listing import Row, render, show
from orlop.text import ellipsis, short_id

FORMATS = "cli/golden/format.json"
GOLDEN = ROOT / "cli/golden"
# the columns of a later release
_LATER = ("list-command-", "tree-command-")
# CLI plugins, which ours has not; the JSON of a later release
_OTHER_CLIENT = ("docker-info-plugins-warnings",)


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def _answers(command: list[str], case: dict[str, Any]) -> dict[str, Any]:
    items = with_times(case.get("items"))
    data = with_times(case.get("data"))
    return {
        r"/containers/json": items,
        r"/containers/[^/]+/json": {"NetworkSettings": {"Ports": case.get("ports")}},
        r"/images/json": items,
        r"/images/.*/history": items,
        r"/volumes": {"Volumes": items},
        r"/networks": items,
        r"/system/df": data,
        r"/images/search": items,
    }


def _cases() -> list[Any]:
    found = []
    for path in sorted(GOLDEN.rglob("*.input.json")):
        name = str(path.relative_to(GOLDEN)).removesuffix(".input.json")
        case = json.loads(path.read_text())
        elsewhere = case["command"][0] == "version" or case["command"][:2] == ["system", "info"]
        if not name.startswith(_LATER) and not elsewhere:
            found.append(pytest.param(path, case, id=name))
    return found


@pytest.mark.parametrize(("path", "case"), _cases())
def test_golden_file(path: Path, case: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    command = case["command"]
    if command[0] == "history":
        command = ["image", *command]
    done = orlop(monkeypatch, command, _answers(command, case), case.get("config"))
    wanted = path.with_name(path.name.replace(".input.json", ".golden")).read_text()
    assert done.stdout.rstrip("\n") == wanted.rstrip("\n")
    assert done.code == 0


def _info_cases() -> list[Any]:
    found = []
    for path in sorted(GOLDEN.glob("docker-info-*.input.json")):
        name = path.name.removesuffix(".input.json")
        if name not in _OTHER_CLIENT and not name.endswith(".json"):
            found.append(pytest.param(path, json.loads(path.read_text()), id=name))
    return found


@pytest.mark.parametrize(("path", "case"), _info_cases())
def test_info(path: Path, case: dict[str, Any]) -> None:
    from orlop.cli.info import pretty

    data = case["data"]
    text, _, errors = pretty(data.get("client"), data.get("info"))
    wanted = path.with_name(path.name.replace(".input.json", ".golden")).read_text()
    # what follows is printed from 28.3 on
    wanted = wanted.partition("\n Firewall Backend")[0]
    assert text.rstrip("\n") == wanted.rstrip("\n")
    assert errors == (["invalid empty security option"] if "badsec" in path.name else [])


def test_version(monkeypatch: pytest.MonkeyPatch) -> None:
    case = load("cli/golden/TestVersionFormat/default.input.json")
    server = dict(case["data"]["Server"])
    server["ApiVersion"] = server.pop("APIVersion")
    done = orlop(monkeypatch, ["version"], {"/version": server})
    wanted = (GOLDEN / "TestVersionFormat/default.golden").read_text()
    # the client differs, of the server every line is the same
    assert done.stdout.partition("\nServer:")[2] == wanted.partition("\nServer:")[2]


def _rows(command: str, case: dict[str, Any], items: Any) -> list[Row]:
    trunc = not case.get("no_trunc")
    if command == "container ls":
        return [ps.Container(i, trunc) for i in items]
    if command == "image ls":
        digests = case.get("digests", False)
        paired = digests or "{{.Digest}}" in case.get("format", "")
        return [r for i in items for r in images.rows_of(i, trunc, paired, digests)]
    if command == "image history":
        return [images.History(i, trunc, case.get("human", False)) for i in items]
    if command == "volume ls":
        return [volume.Volume(i) for i in items]
    if command == "network ls":
        return [network.Network(i, trunc) for i in items]
    if command == "search":
        return [images.Result(i, trunc) for i in items]
    return [stats.Stat(i, trunc, case["os"] == "windows") for i in items]


def _output(case: dict[str, Any], capture: list[str]) -> None:
    command, format_ = case["command"], case["format"]
    items = with_times(case["items"])
    quiet = case.get("quiet", False)
    if command == "system df":
        if not case["verbose"]:
            show(df.summary(items), df._HEADERS, tuple(df._HEADERS), df.summary_format(format_))
        elif format_ == "table":
            df._verbose(items)
        else:
            capture.append(df.render_verbose(items, format_))
        return
    rows = _rows(command, case, items)
    if command == "container ls":
        size = case.get("size", False)
        wanted = ps.final_format(format_, quiet, size)
        show(rows, ps.HEADERS, (*ps.COLUMNS, "Size") if size else ps.COLUMNS, wanted)
    elif command == "image ls":
        digests = case["digests"]
        wanted = images.final_format(format_, quiet, digests)
        show(rows, images.HEADERS, images.columns(digests), wanted)
    elif command == "image history":
        wanted = "" if format_ == "table" else format_
        show(rows, images._HISTORY, tuple(k for k in images._HISTORY if k != "CreatedAt"), wanted)
    elif command == "volume ls":
        wanted = volume.final_format(format_, quiet)
        show(rows, volume.HEADERS, ("Driver", "Name"), wanted)
    elif command == "network ls":
        wanted = network.final_format(format_, quiet)
        show(rows, network.HEADERS, ("ID", "Name", "Driver", "Scope"), wanted)
    elif command == "search":
        show(rows, images._SEARCH, tuple(images._SEARCH), "" if format_ == "table" else format_)
    else:
        headers = dict(stats.HEADERS)
        if case["os"] == "windows":
            headers["MemUsage"] = "PRIV WORKING SET"
        capture.append(render(rows, headers, format_))


@pytest.mark.parametrize(
    "case",
    [p for p in params(FORMATS, "kind", "output") if p.values[0]["command"] != "system info"],
)
def test_output(case: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    capture: list[str] = []
    for module in ("orlop.cli.listing", "orlop.cli.df"):
        monkeypatch.setattr(f"{module}.out", capture.append)
    if "error" in case:
        with pytest.raises(Failure) as e:
            _output(case, capture)
        assert e.value.message == case["error"]
        return
    _output(case, capture)
    assert "".join(capture) == case["output"]


@pytest.mark.parametrize("case", params(FORMATS, "kind", "field"))
def test_field(case: dict[str, Any]) -> None:
    item = with_times(case["item"])
    command, field = case["command"], case["field"]
    if command == "image ls":
        row: Row = images.Image(
            item,
            case.get("repo", ""),
            case.get("tag", ""),
            case.get("digest", ""),
            not case["no_trunc"],
        )
    else:
        row = _rows(command, case, [item])[0]
    value = str(getattr(row, field)())
    wanted = case["value"]
    if "{CREATED_AT}" in wanted:
        moment = time.gmtime(item["Created"])
        wanted = time.strftime("%Y-%m-%d %H:%M:%S +0000 UTC", moment)
    # labels come from a Go map, in any order
    assert sorted(value.split(",")) == sorted(wanted.split(","))


@pytest.mark.parametrize("case", params(FORMATS, "kind", "json"))
def test_json_lines(case: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    text = render(_rows(case["command"], case, case["items"]), volume.HEADERS, case["format"])
    assert [json.loads(line) for line in text.splitlines()] == case["objects"]


@pytest.mark.parametrize("case", params(FORMATS, "kind", "ports"))
def test_ports(case: dict[str, Any]) -> None:
    found = ps.display_ports(case["ports"])
    if any(p["IP"].startswith("9.") for p in case["ports"]):
        # 28.2.2 sorts addresses as text, the release of the cases by value
        assert sorted(found.split(", ")) == sorted(case["text"].split(", "))
    else:
        assert found == case["text"]


@pytest.mark.parametrize("case", params(FORMATS, "kind", "ellipsis"))
def test_ellipsis(case: dict[str, Any]) -> None:
    assert ellipsis(case["text"], case["width"]) == case["result"]


@pytest.mark.parametrize("case", params(FORMATS, "kind", "truncate_id"))
def test_short_id(case: dict[str, Any]) -> None:
    assert short_id(case["id"]) == case["expected"]


@pytest.mark.parametrize("case", params(FORMATS, "kind", "needs_server"))
def test_needs_server(case: dict[str, Any]) -> None:
    from orlop.cli.info import needs_server

    assert needs_server(case["format"]) is case["needs_server"]
