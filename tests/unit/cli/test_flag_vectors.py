"""Values of the flags of `run` and others: docker/cli's cases, option text to API JSON.

The cases come from a later release than 28.2.2, whose texts are ours; `_TEXT_DIFFERS` lists what
that release says differently. Kinds that are not run here: service_port, daemon_host's and
capabilities' own functions belong to the daemon or to a swarm.
"""

import base64
import os
from pathlib import Path
from typing import Any

import pytest
from vectors import load, params

from orlop.cli import attachments, devices, ports, values, words
from orlop.cli.failure import Failure
from orlop.cli.options import parse
from orlop.cli.request import build
from orlop.cli.units import duration_text, parse_duration, parse_ulimit
from orlop.client import host
from orlop.errors import InvalidArgument

OPTS = "cli/cli_opts.json"
# beginnings of error texts that 28.2.2 has otherwise
_TEXT_DIFFERS = (
    "--env-file: ",
    "invalid range format for --expose: ",
    "value is empty",
    "invalid value for 'src'",
    "invalid value for 'readonly'",
    "invalid value for 'bind-create-src'",
    "invalid value for 'volume-nocopy'",
)
_SPEC = words.COMMANDS["container run"][3]
# what 28.2.2 takes and the later release refuses
_ACCEPTED = ("type=volume,src=,target=/foo",)


def _same_error(found: str, wanted: Any) -> None:
    if wanted is not True and not str(wanted).startswith(_TEXT_DIFFERS):
        assert found == wanted


def _fill(value: Any) -> Any:
    """Put this directory in place of the cases' marks."""
    if isinstance(value, str):
        here = os.getcwd()
        return value.replace("{CWD}", here).replace("{PARENT_OF_CWD}", os.path.dirname(here))
    if isinstance(value, dict):
        return {k: _fill(v) for k, v in value.items()}
    return value


def _nothing(value: Any) -> bool:
    return value in (None, "", 0, False, [], {}, -1)


_DEFAULT = build(parse(["img"], _SPEC, False), "img", [])


def _built(args: list[str]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    options = parse(args, _SPEC, False)
    image, *command = options.args or [""]
    return build(options, image, command)


def _files(case: dict[str, Any]) -> None:
    for name, content in case.get("files", {}).items():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content.get("text", "").encode() or base64.b64decode(content.get("base64", ""))
        path.write_bytes(data)


@pytest.mark.parametrize("case", params(OPTS, "kind", "run"))
def test_run(case: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _files(case)
    if "error" in case:
        with pytest.raises((ValueError, Failure)) as e:
            _built(case["args"])
        text = e.value.message if isinstance(e.value, Failure) else str(e.value)
        _same_error(text, case["error"])
        return
    config, hostconfig, networking = _built(case["args"])
    for found, default, wanted, spare in (
        (config, _DEFAULT[0], case["config"], {"Image", "Cmd", "MacAddress", "StdinOnce"}),
        (hostconfig, _DEFAULT[1], case["host_config"], {"NetworkMode"}),
    ):
        for key, value in found.items():
            if value != default.get(key) and key not in spare and key not in wanted:
                pytest.fail(f"{key} = {value!r} is not expected")
        for key, value in wanted.items():
            got = found.get(key)
            if isinstance(value, dict):
                got = {k: v for k, v in got.items() if k in value or not _nothing(v)}
            assert got == value, key
    endpoints = {
        name: {k: v for k, v in settings.items() if not _nothing(v)}
        for name, settings in networking["EndpointsConfig"].items()
    }
    assert endpoints == case["endpoints"]


@pytest.mark.parametrize("case", params(OPTS, "kind", "device"))
def test_device(case: dict[str, Any]) -> None:
    if case["ok"]:
        devices.validate_device(case["value"])
        return
    with pytest.raises(ValueError) as e:
        devices.validate_device(case["value"])
    assert str(e.value) == case["error"]


@pytest.mark.parametrize("case", params(OPTS, "kind", "publish_long"))
def test_publish_long(case: dict[str, Any]) -> None:
    if "error" in case:
        with pytest.raises(ValueError) as e:
            ports.standard_notation(case["values"])
        assert str(e.value) == case["error"]
    else:
        assert ports.standard_notation(case["values"]) == case["result"]


@pytest.mark.parametrize("case", params(OPTS, "kind", "security_opt_systempaths"))
def test_security(case: dict[str, Any]) -> None:
    found = devices.security(case["values"])
    assert found == (case["security_opt"], case["masked_paths"], case["readonly_paths"])


@pytest.mark.parametrize("case", params(OPTS, "kind", "ps_size"))
def test_ps_size(case: dict[str, Any]) -> None:
    from orlop.cli.ps import size_requested

    args = [] if case["size_flag"] is None else [f"--size={case['size_flag']}"]
    options = parse(args, words.COMMANDS["container ls"][3], True)
    assert size_requested(options, case["format"]) is case["size_requested"]


@pytest.mark.parametrize("case", params(OPTS, "kind", "duration"))
def test_duration(case: dict[str, Any]) -> None:
    assert parse_duration(case["value"]) == case["result_ns"]
    assert duration_text(case["result_ns"]) == case["string"]


_SIMPLE = {
    "attach": values.validate_attach,
    "add_host": values.validate_host,
    "ip": values.validate_ip,
    "label": values.validate_label,
    "link": lambda v: dict(zip(("name", "alias"), values.parse_link(v))),
    "cpus": values.parse_cpus,
    "device_bps": values.parse_bps,
    "device_iops": values.parse_iops,
    "blkio_weight_device": values.parse_weight,
    "gpus": lambda v: [attachments.gpus(v)],
    "network": lambda v: [attachments.network(v)],
    "mount": attachments.mount,
}


@pytest.mark.parametrize("case", params(OPTS, "kind", *_SIMPLE))
def test_value(case: dict[str, Any]) -> None:
    check = _SIMPLE[case["kind"]]
    if case["value"] in _ACCEPTED:
        check(case["value"])
        return
    if "error" in case or "error_contains" in case:
        with pytest.raises(ValueError) as e:
            check(case["value"])
        if "error_contains" in case:
            assert case["error_contains"] in str(e.value)
        else:
            _same_error(str(e.value), case["error"])
        return
    result = check(case["value"])
    if "result" in case:
        assert result == _fill(case["result"])


@pytest.mark.parametrize("case", params(OPTS, "kind", "ulimit"))
def test_ulimit(case: dict[str, Any]) -> None:
    if "error" in case:
        with pytest.raises(ValueError) as e:
            parse_ulimit(case["value"])
        assert str(e.value) == case["error"]
        return
    wanted = case["result"]
    assert parse_ulimit(case["value"]) == (wanted["Name"], wanted["Soft"], wanted["Hard"])


@pytest.mark.parametrize("case", params(OPTS, "kind", "dns_search"))
def test_dns_search(case: dict[str, Any]) -> None:
    if case["ok"]:
        values.validate_dns_search(case["value"])
    else:
        with pytest.raises(ValueError, match="not a valid domain"):
            values.validate_dns_search(case["value"])


@pytest.mark.parametrize("case", params(OPTS, "kind", "env"))
def test_env(case: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    known = {k.encode(): v.encode() for k, v in (case.get("environ") or {}).items()}
    monkeypatch.setattr(values.posix, "environ", known)
    if "error" in case:
        with pytest.raises(ValueError) as e:
            values.validate_env(case["value"])
        _same_error(str(e.value), case["error"])
    else:
        assert values.validate_env(case["value"]) == case["result"]


def test_env_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values.posix, "environ", {b"KNOWN": b"here"})
    file = tmp_path / "env"
    file.write_text("# comment\n\n  A=1\nKNOWN\nGONE\nB=x=y\n")
    config, _, _ = _built(["--env-file", str(file), "-e", "KNOWN", "-e", "GONE2", "img"])
    assert config["Env"] == ["A=1", "KNOWN=here", "B=x=y", "KNOWN=here", "GONE2"]


@pytest.mark.parametrize(
    ("text", "message"),
    [("=x\n", "no variable name on line '=x'"), ("a b=c\n", "variable 'a b' contains whitespaces")],
)
def test_bad_env_file(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text(text)
    with pytest.raises(ValueError) as e:
        _built(["--env-file", str(file), "img"])
    assert str(e.value) == f"invalid env file ({file}): {message}"


@pytest.mark.parametrize("case", params(OPTS, "kind", "daemon_host", "host"))
def test_host(case: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "default_socket", lambda: "/var/run/docker.sock")
    if "error" in case:
        with pytest.raises(InvalidArgument) as e:
            host.parse_host(case["value"], bool(case.get("tls")))
        _same_error(e.value.message, case["error"])
    else:
        assert host.parse_host(case["value"], bool(case.get("tls"))) == case["result"]


@pytest.mark.parametrize("case", params(OPTS, "kind", "tcp_addr"))
def test_tcp_address(case: dict[str, Any]) -> None:
    if "error" in case:
        with pytest.raises(InvalidArgument) as e:
            host.parse_tcp(case["value"], case["default"])
        _same_error(e.value.message, case["error"])
    else:
        assert host.parse_tcp(case["value"], case["default"]) == case["result"]


@pytest.mark.parametrize("case", params(OPTS, "kind", "proto_addr"))
def test_simple_address(case: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument) as e:
        host.parse_simple(case["proto"], case["value"], case["default"])
    assert e.value.message == case["error"]


def test_every_kind_is_run_or_named() -> None:
    run = {"run", "device", "publish_long", "security_opt_systempaths", "ps_size", "duration",
           "ulimit", "dns_search", "env", "daemon_host", "host", "tcp_addr",
           "proto_addr", *_SIMPLE}  # fmt: skip
    # not the CLI's: a swarm's ports, capability names (the daemon's), the build's positive duration
    elsewhere = {"service_port", "capability", "capabilities", "positive_duration", "ulimit_list"}
    assert {c["kind"] for c in load(OPTS)} <= run | elsewhere
