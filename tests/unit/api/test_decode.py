from __future__ import annotations

import time

import pytest

from orlop.api import decode, models
from orlop.errors import InvalidArgument, SystemFailure


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ('{"Image":5}', "json: cannot unmarshal number into Go struct field .Image of type string"),
        (
            '{"HostConfig":{"Memory":"x"}}',
            "json: cannot unmarshal string into Go struct field .HostConfig.Memory of type int64",
        ),
        (
            '{"HostConfig":{"Memory":99999999999999999999}}',
            "json: cannot unmarshal number 99999999999999999999 into "
            "Go struct field .HostConfig.Memory of type int64",
        ),
        ('{"Tty":"yes"}', "json: cannot unmarshal string into Go struct field .Tty of type bool"),
        (
            '{"Env":["A=b",5]}',
            "json: cannot unmarshal number into .Env.1 of type string",
        ),
        (
            '{"HostConfig":{"PortBindings":{"80/tcp":[{"HostPort":80}]}}}',
            "json: cannot unmarshal number into Go struct field "
            ".HostConfig.PortBindings.80~1tcp.0.HostPort of type string",
        ),
        ("[]", "json: cannot unmarshal array into Go value of type container.CreateRequest"),
        ('{"Cmd":[5]}', "json: cannot unmarshal array into Go value of type string"),
        (
            '{"hostconfig":{"MEMORY":1.50}}',
            "json: cannot unmarshal number 1.50 into Go struct field "
            ".hostconfig.MEMORY of type int64",
        ),
        ("{", "unexpected EOF"),
        ('{"Image":"\\u0000"}', "NUL character in field .Image"),
        ('{"Labels":{"a\\u0000":"b"}}', "NUL character in field .Labels.a"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(body: str, text: str) -> None:
    with pytest.raises(InvalidArgument) as found:
        decode.document(body.encode(), models.CreateContainer)
    assert found.value.message == f"invalid JSON: {text}"


def test_trailing_content() -> None:
    with pytest.raises(InvalidArgument, match="unexpected content after JSON"):
        decode.document(b"{} x", models.CreateContainer)


def fields(shape: type, prefix: str = "") -> list[str]:
    return list(shape.__struct_fields__)  # type: ignore[attr-defined]


@pytest.mark.parametrize("shape", [models.Config, models.HostConfig, models.Exec, models.Endpoint])
def test_every_field_refuses_the_wrong_type(shape: type) -> None:
    for name in fields(shape):
        for wrong in (b'{"x":[1,{}]}', b"1e400", b'[[["a"]]]', b"true", b"9" * 30, b'"\\ud800"'):
            body = b'{"%s":%s}' % (name.encode(), wrong)
            begun = time.thread_time()
            try:
                decode.document(body, shape)
            except InvalidArgument as error:
                assert "invalid JSON" in error.message
            assert time.thread_time() - begun < 0.1


@pytest.mark.parametrize(
    "body",
    [
        b'{"HostConfig":{"Memory":' + b"9" * 1_000_000 + b"}}",
        b'{"Labels":' + b'{"a":' * 100_000 + b"}",
        b'{"Volumes":{"a":' + b'{"a":' * 100_000 + b"}",
        b'{"unknown":' + b"[" * 100_000,
        b'{"Image":"\xff\xfe"}',
        b'{"Image":"\\ud800"}',
        b"\xef\xbb\xbf{}",
        b"NaN",
        b"{'Image': 'x'}",
    ],
)
def test_hostile_json_is_refused_quickly(body: bytes) -> None:
    begun = time.thread_time()
    with pytest.raises(InvalidArgument):
        decode.document(body, models.CreateContainer)
    assert time.thread_time() - begun < 0.1


def test_null_means_absent_and_unknown_fields_are_ignored() -> None:
    body = b'{"Image":"x","Cmd":null,"HostConfig":{"Memory":null,"New":1},"New":{"a":[]}}'
    assert decode.document(body, models.CreateContainer) == {"Image": "x", "HostConfig": {}}
    assert decode.document(b"null", models.CreateContainer) == {}


def test_filters_in_both_forms() -> None:
    assert decode.filters('{"label":["a","b"]}') == {"label": ["a", "b"]}
    assert decode.filters('{"label":{"a":true,"b":false}}') == {"label": ["a"]}
    assert decode.filters("") == {}
    for bad in ("abc", "[]", '{"a":1}', '{"a":{"b":1}}', "[" * 10_000):
        with pytest.raises(InvalidArgument, match="invalid filter"):
            decode.filters(bad)


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", True), ("true", True), ("yes", True), ("x", True), ("TRUE", True)]
    + [(t, False) for t in ("", "0", "no", "false", "none", "False")],
)
def test_booleans_follow_dockers_rule(text: str, value: bool) -> None:
    assert decode.boolean(text) is value


@pytest.mark.parametrize("text", ["abc", "1.5", "٣", "9" * 30, "1_000", " 1"])
def test_integers_are_ascii_digits(text: str) -> None:
    with pytest.raises(SystemFailure, match="strconv.Atoi: parsing"):
        decode.integer(text, 0)


def test_query_strings() -> None:
    assert decode.query("a=1&b=x+y&a=2&c&d=%C3%A9&=z") == {
        "a": ["1", "2"], "b": ["x y"], "c": [""], "d": ["é"], "": ["z"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("", 0),
        ("1700000000", 1_700_000_000 * 10**9),
        ("1700000000.5", 1_700_000_000_500_000_000),
        ("1700000000.000000001", 1_700_000_000_000_000_001),
        ("2023-11-14T22:13:20Z", 1_700_000_000 * 10**9),
        ("2023-11-14T23:13:20.25+01:00", 1_700_000_000_250_000_000),
        ("2023-11-14", 1_699_920_000 * 10**9),
    ],
)
def test_moments(text: str, ns: int) -> None:
    assert decode.moment(text) == ns


@pytest.mark.parametrize("text", ["abc", "2023-13-01", "-1", "1" * 40, "2023-02-30T00:00:00Z"])
def test_bad_moments(text: str) -> None:
    with pytest.raises(InvalidArgument, match="strconv.ParseInt: parsing"):
        decode.moment(text)


def test_content_types() -> None:
    decode.check_content_type("application/json; charset=utf-8")
    for other in ("text/plain", "application/x-www-form-urlencoded", ""):
        with pytest.raises(InvalidArgument, match="unsupported Content-Type header"):
            decode.check_content_type(other)


def test_platforms() -> None:
    assert (
        decode.platform('{"os":"linux","architecture":"arm64","variant":"v8"}') == "linux/arm64/v8"
    )
    with pytest.raises(InvalidArgument):
        decode.platform("{")
