"""The option parser: pflag's rules and words."""

import pytest

from orlop.cli.options import UsageError, parse

SPEC = (
    "all/a interactive/i tty/t name:string publish/p:list memory/m:bytes last/n:int "
    "net:list>network time:int>timeout!use --timeout instead"
)


def test_forms() -> None:
    found = parse(
        ["-it", "--name", "x", "--name=y", "-p80", "-p", "81", "-p=82", "-m=1k", "img", "-a"],
        SPEC,
        interspersed=False,
    )
    assert found.values == {
        "interactive": True,
        "tty": True,
        "name": "y",
        "publish": ["80", "81", "82"],
        "memory": 1024,
    }
    assert found.args == ["img", "-a"]


def test_interspersed_and_end_of_options() -> None:
    found = parse(["x", "-a", "--", "-t"], SPEC, interspersed=True)
    assert found.flag("all")
    assert found.args == ["x", "-t"]


def test_a_dash_is_an_argument() -> None:
    assert parse(["-", "-a"], SPEC, interspersed=True).args == ["-"]


def test_stored_under_another_name_with_a_note() -> None:
    found = parse(["--time", "3", "--net", "n"], SPEC, interspersed=True)
    assert found.number("timeout") == 3
    assert found.all("network") == ["n"]
    assert found.notes == ["Flag --time has been deprecated, use --timeout instead"]


def test_changed_to_the_default() -> None:
    found = parse(["--all=false", "--name="], SPEC, interspersed=True)
    assert found.changed("all")
    assert not found.flag("all", True)
    assert found.changed("name")
    assert found.text("name", "default") == ""


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--foo"], "unknown flag: --foo"),
        (["-x"], "unknown shorthand flag: 'x' in -x"),
        (["-itx"], "unknown shorthand flag: 'x' in -x"),
        (["--name"], "flag needs an argument: --name"),
        (["-tp"], "flag needs an argument: 'p' in -p"),
        (["--=x"], "bad flag syntax: --=x"),
        (["---x"], "bad flag syntax: ---x"),
        (
            ["--all=foo"],
            'invalid argument "foo" for "-a, --all" flag: '
            'strconv.ParseBool: parsing "foo": invalid syntax',
        ),
        (["-m", "1q"], 'invalid argument "1q" for "-m, --memory" flag: invalid suffix: \'q\''),
        (
            ["-n", "x"],
            'invalid argument "x" for "-n, --last" flag: '
            'strconv.ParseInt: parsing "x": invalid syntax',
        ),
    ],
)
def test_refuses(argv: list[str], message: str) -> None:
    with pytest.raises(UsageError) as e:
        parse(argv, SPEC, interspersed=True)
    assert e.value.message == message
    assert e.value.code == 125


def test_help_ends_parsing() -> None:
    found = parse(["--help", "--foo"], SPEC, interspersed=True)
    assert found.help
    assert parse(["-h"], SPEC, interspersed=True).notes == [
        "Flag shorthand -h has been deprecated, use --help"
    ]
