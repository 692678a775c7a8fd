from __future__ import annotations

from orlop.api.encode import dumps
from orlop.oci.image import go_json


def test_bytes_that_are_no_utf8_are_shown_as_go_shows_them() -> None:
    """A step of a Dockerfile in Latin-1 ended the build with an internal error."""
    text = b"caf\xe9".decode("utf-8", "surrogateescape")
    assert dumps({text: [text, 1, None]}) == '{"caf\ufffd":["caf\ufffd",1,null]}'.encode()
    assert go_json({"a": text}) == '{"a":"caf\ufffd"}'.encode()
