from __future__ import annotations

import pytest

from orlop.errors import InvalidArgument
from orlop.image.annotations import of, parse
from orlop.oci import platform as platforms


def test_where_an_annotation_belongs() -> None:
    found = parse(["a=1", "index,manifest-descriptor:b=x=y", "manifest[linux/arm64]:c=3"])
    amd, arm = platforms.parse("linux/amd64"), platforms.parse("linux/arm64")
    assert of(found, "manifest", amd) == {"a": "1"}
    assert of(found, "manifest", arm) == {"a": "1", "c": "3"}
    assert of(found, "index") == of(found, "manifest-descriptor", amd) == {"b": "x=y"}
    assert of(found, "index-descriptor") == {}


@pytest.mark.parametrize("text", ["a", "=b", "other:a=b", "a b=c"])
def test_what_is_none(text: str) -> None:
    with pytest.raises(InvalidArgument, match="annotation"):
        parse([text])
