from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from orlop.config import Config
from orlop.daemon import flags, hardened, reload, settings
from orlop.errors import InvalidArgument


def load(*argv: str) -> Any:
    return settings.load(flags.parse(list(argv)))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "daemon.json"


def write(file: Path, **keys: Any) -> str:
    file.write_text(json.dumps({k.replace("_", "-"): v for k, v in keys.items()}))
    return f"--config-file={file}"


def test_flags_in_every_form(file: Path) -> None:
    config = load(
        write(file), "-D", "-H", "unix:///a", "--host=tcp://127.0.0.1:1", "-Gstaff", "--icc=false",
        "--dns", "1.1.1.1", "--dns=8.8.8.8", "--log-opt", "max-size=1m", "--log-opt=max-file=2",
        "--default-ulimit", "nofile=1024:2048", "--default-ulimit=core=0", "--mtu=1400",
        "--default-address-pool", "base=10.0.0.0/8,size=24", "--default-shm-size=32m",
        "--add-runtime", "x=/bin/x", "--registry-mirror=http://m", "--insecure-registry=r:5000",
        "--live-restore", "--iptables=0", "-l", "warn",
        "--exec-opt", "native.cgroupdriver=cgroupfs",
    )  # fmt: skip
    assert config.debug
    assert config.hosts == ("unix:///a", "tcp://127.0.0.1:1")
    assert config.group == "staff"
    assert not config.icc
    assert not config.iptables
    assert config.dns == ("1.1.1.1", "8.8.8.8")
    assert config.log_opts == {"max-size": "1m", "max-file": "2"}
    assert config.default_ulimits == {"nofile": (1024, 2048), "core": (0, 0)}
    assert config.default_address_pools == (("10.0.0.0/8", 24),)
    assert config.default_shm_size == 32 << 20
    assert config.runtimes == {"x": ("/bin/x",)}
    assert config.mtu == 1400


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (["--nosuch"], "unknown flag: --nosuch"),
        (["-Z"], "unknown shorthand flag: 'Z' in -Z"),
        (["--mtu"], "flag needs an argument: --mtu"),
        (
            ["--mtu=x"],
            'invalid argument "x" for "--mtu" flag: strconv.ParseInt: parsing "x": invalid syntax',
        ),
        (
            ["--debug=maybe"],
            'invalid argument "maybe" for "-D, --debug" flag: '
            'strconv.ParseBool: parsing "maybe": invalid syntax',
        ),
        (["words"], '"orlopd" accepts no arguments.\n\nUnexpected: words'),
    ],
)
def test_bad_flags(argv: list[str], text: str) -> None:
    with pytest.raises(InvalidArgument) as found:
        flags.parse(argv)
    assert found.value.message == text


def test_flags_of_dockerd_that_mean_nothing_here_are_taken(file: Path) -> None:
    load(write(file), "--containerd", "/run/c.sock", "--experimental", "--ip6tables=false")
    load(write(file, features={"x": True}, experimental=True, **{"userns-remap": ""}))


def test_conflicts_are_named_as_dockerd_does(file: Path) -> None:
    with pytest.raises(InvalidArgument) as found:
        load(write(file, debug=False, labels=["a=b"]), "-D", "--label", "c=d")
    assert found.value.message == (
        f"unable to configure the Docker daemon with file {file}: the following directives are "
        "specified both as a flag and in the configuration file: "
        "debug: (from flag: true, from file: false), labels: (from flag: [c=d], from file: [a=b])"
    )


def test_unknown_keys_and_wrong_types(file: Path) -> None:
    with pytest.raises(InvalidArgument, match="don't match any configuration option: nosuch"):
        load(write(file, nosuch=1))
    for keys in ({"debug": "yes"}, {"mtu": "x"}, {"dns": "1.1.1.1"}, {"log_opts": ["a"]}):
        with pytest.raises(
            InvalidArgument, match="cannot unmarshal|invalid value for configuration option"
        ):
            load(write(file, **keys))


@pytest.mark.parametrize("text", ["{", "[]", '"x"', "[" * 100_000])
def test_damaged_files(file: Path, text: str) -> None:
    file.write_text(text)
    with pytest.raises(InvalidArgument, match="unable to configure the Docker daemon with file"):
        load(f"--config-file={file}")


def test_missing_and_empty_files(file: Path) -> None:
    with pytest.raises(InvalidArgument, match="no such file or directory"):
        load(f"--config-file={file}")
    file.write_text(" \n")
    load(f"--config-file={file}")


@pytest.mark.parametrize(
    "argv",
    [
        ["--log-level=loud"],
        ["--label=x"],
        ["--exec-opt=a=b"],
        ["--exec-opt=native.cgroupdriver=x"],
        ["--default-runtime=nosuch"],
        ["--tlsverify"],
        ["--max-concurrent-downloads=-1"],
    ],
)
def test_values_that_make_no_sense(file: Path, argv: list[str]) -> None:
    with pytest.raises(InvalidArgument):
        load(write(file), *argv)


def test_usage_names_every_flag() -> None:
    text = flags.usage()
    assert all(f"--{row[0]}" in text for row in flags.TABLE)


def test_proxies_of_the_file_and_of_flags(file: Path) -> None:
    file.write_text('{"proxies": {"http-proxy": "http://p:1", "no-proxy": "a,b"}}')
    config = load(f"--config-file={file}", "--https-proxy=http://q:2")
    assert (config.http_proxy, config.https_proxy, config.no_proxy) == (
        "http://p:1", "http://q:2", "a,b",
    )  # fmt: skip
    file.write_text('{"proxies": {"ftp-proxy": "x"}}')
    with pytest.raises(InvalidArgument, match="proxies"):
        load(f"--config-file={file}")


ANSWERS = json.loads((Path(__file__).parent / "answers.json").read_text())


@pytest.mark.parametrize("case", ANSWERS, ids=lambda c: " ".join((*c["argv"], c["file"]))[:60])
def test_the_same_answers_as_dockerd(file: Path, case: dict[str, Any]) -> None:
    """`dockerd --validate` of 28.5.2 was given the same."""
    file.write_text(case["file"])
    try:
        load(f"--config-file={file}", *case["argv"])
        code, said = 0, "configuration OK"
    except InvalidArgument as error:
        code, said = 1, error.message
    assert (code, said.replace(str(file), "FILE")) == (case["code"], case["said"])


def test_authorization_plugins_are_refused_not_ignored(file: Path) -> None:
    """dockerd asks them about every request; here nobody would."""
    file.write_text('{"authorization-plugins":["x"]}')
    with pytest.raises(InvalidArgument, match="authorization plugins are not supported"):
        load(f"--config-file={file}")
    with pytest.raises(InvalidArgument, match="unknown flag: --authorization-plugin"):
        load("--authorization-plugin=x")
    file.write_text('{"authorization-plugins":[]}')  # the control: none is what we have
    load(f"--config-file={file}")


def test_what_reload_tells() -> None:
    config = Config(labels=("a=b",), runtimes={"x": ("/x",)}, registry_mirrors=("https://m",))
    told = reload.attributes(config)
    assert told.pop("name")
    assert told == {
        "debug": "false",
        "default-ipc-mode": "private",
        "default-runtime": "runc",
        "default-shm-size": "67108864",
        "features": "map[]",
        "insecure-registries": "[]",
        "labels": '["a=b"]',
        "live-restore": "true",
        "max-concurrent-downloads": "3",
        "max-concurrent-uploads": "5",
        "max-download-attempts": "5",
        "registry-mirrors": '["https://m"]',
        "runtimes": "runc:{runc} x:{/x}",
        "shutdown-timeout": "15",
    }


@pytest.mark.parametrize("flag", ["--data-root", "--exec-root"])
def test_an_empty_root_is_not_the_current_directory(file: Path, flag: str) -> None:
    """`--data-root ""`, as from an unset variable, laid it out in the current directory."""
    with pytest.raises(InvalidArgument, match="invalid value"):
        load(write(file), flag, "")


def test_roots_are_absolute(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keeper and scribe work in / and get the paths as they are."""
    monkeypatch.chdir(tmp_path)
    config = load(write(file), "--data-root=a/../data", "--exec-root", "run")
    assert (config.data_root, config.exec_root) == (tmp_path / "data", tmp_path / "run")


def test_hardened_is_what_the_file_beside_the_unit_spells_out(file: Path) -> None:
    found = load(write(file), "--hardened")
    assert found.hardened
    assert all(getattr(found, name) == value for name, value in hardened.PRESET.items())
    contrib = Path(__file__).parents[3] / "contrib" / "daemon-hardened.json"
    spelled = load(f"--config-file={contrib}")
    assert dataclasses.replace(spelled, hardened=True) == found
    assert load(write(file, hardened=True)) == found
    assert load(write(file), "--hardened=false") == load(write(file))


@pytest.mark.parametrize(
    ("words", "name", "value"),
    [
        (["--icc"], "icc", True),
        (["--no-new-privileges=false"], "no_new_privileges", False),
        (["--default-pids-limit=-1"], "default_pids_limit", -1),
        (["--default-userns-mode=host"], "default_userns_mode", "host"),
        (["--userns-remap=bob"], "default_userns_mode", ""),
        (["--seccomp-profile=builtin"], "seccomp_profile", "builtin"),
        (["--log-opt=max-size=1g"], "log_opts", {"max-size": "1g"}),
        (["--log-driver=local"], "log_opts", hardened.LOG_OPTS),
        (["--log-driver=syslog"], "log_opts", {}),
    ],
)
def test_what_is_said_besides_hardened_wins(
    file: Path, words: list[str], name: str, value: object
) -> None:
    assert getattr(load(write(file), "--hardened", *words), name) == value
    assert load(write(file, icc=True), "--hardened").icc is True


def test_default_user_namespace_is_a_word_we_know(file: Path) -> None:
    with pytest.raises(InvalidArgument, match="invalid default user namespace mode"):
        load(write(file), "--default-userns-mode=private")
    assert load(write(file), "--default-userns-mode=auto:size=5000").default_userns_mode
