"""Variables of the environment that count as flags."""

import pytest

from orlop.cli.environment import apply
from orlop.cli.failure import Failure
from orlop.cli.options import Options
from orlop.client.headers import custom
from orlop.errors import InvalidArgument


def _options(**values: object) -> Options:
    options = Options()
    options.values = {name.replace("_", "-"): value for name, value in values.items()}
    return options


@pytest.mark.parametrize("path", ["container run", "image pull", "image build", "image import"])
def test_the_default_platform(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orlop.client.host.ENV", {b"DOCKER_DEFAULT_PLATFORM": b"linux/arm64"})
    options = _options()
    apply(path, options)
    assert options.text("platform") == "linux/arm64"
    given = _options(platform="linux/386")
    apply(path, given)
    assert given.text("platform") == "linux/386"
    others = _options()
    apply("container ls", others)
    assert others.values == {}


@pytest.mark.parametrize("value", ["1", "true", "anything"])
def test_content_trust_that_is_asked_for_is_not_passed_over(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orlop.client.host.ENV", {b"DOCKER_CONTENT_TRUST": value.encode()})
    for path in ("container run", "container create", "image pull", "image push", "image build"):
        with pytest.raises(Failure, match="content trust is not supported"):
            apply(path, _options())
        with pytest.raises(Failure):
            apply(path, _options(disable_content_trust=False))
        apply(path, _options(disable_content_trust=True))
    apply("container ls", _options())


@pytest.mark.parametrize("value", ["", "0", "false"])
def test_content_trust_that_is_off(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orlop.client.host.ENV", {b"DOCKER_CONTENT_TRUST": value.encode()})
    apply("image pull", _options())


def test_custom_headers() -> None:
    assert custom('A=b,"C=d,e",F=') == {"A": "b", "C": "d,e", "F": ""}
    assert custom("") == {}
    for text, said in (
        ("nonsense", "missing \"=\" in key=value pair: 'nonsense'"),
        ("=x", "value contains a key=value pair with an empty key: '=x'"),
    ):
        with pytest.raises(InvalidArgument) as error:
            custom(text)
        assert error.value.message.endswith(said)
