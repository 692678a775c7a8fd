"""Failures as the distribution API words them."""

from __future__ import annotations

from orlop import errors
from orlop.api import encode
from orlop.api.answer import Answer, Headers
from orlop.api.status import message, status

_CODES: dict[str, tuple[int, str]] = {
    "BLOB_UNKNOWN": (404, "blob unknown to registry"),
    "BLOB_UPLOAD_INVALID": (400, "blob upload invalid"),
    "BLOB_UPLOAD_UNKNOWN": (404, "blob upload unknown to registry"),
    "DENIED": (403, "requested access to the resource is denied"),
    "DIGEST_INVALID": (400, "provided digest did not match uploaded content"),
    "MANIFEST_BLOB_UNKNOWN": (404, "blob unknown to registry"),
    "MANIFEST_INVALID": (400, "manifest invalid"),
    "MANIFEST_UNKNOWN": (404, "manifest unknown"),
    "NAME_INVALID": (400, "invalid repository name"),
    "NAME_UNKNOWN": (404, "repository name not known to registry"),
    "RANGE_INVALID": (416, "invalid content range"),
    "SIZE_INVALID": (413, "provided length did not match content length"),
    "UNAVAILABLE": (503, "the mirrored registry does not answer"),
    "UNAUTHORIZED": (401, "authentication required"),
    "UNSUPPORTED": (405, "The operation is unsupported."),
    "PAGINATION_NUMBER_INVALID": (400, "invalid number of results requested"),
    "UNKNOWN": (500, "unknown error"),
}


class Problem(Exception):
    """Ends a request with a code of the specification."""

    def __init__(self, code: str, detail: str = "", *, headers: Headers = ()) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.headers = headers

    def answer(self) -> Answer:
        number, text = _CODES[self.code]
        return _answer(number, self.code, text, self.detail, self.headers)


def answer_for(error: BaseException) -> Answer:
    """A failure of the store."""
    number = status(error)
    code = "UNKNOWN"
    if isinstance(error, errors.Conflict):
        code = "DENIED"
    return _answer(number, code, message(error), "", ())


def _answer(number: int, code: str, text: str, detail: str, headers: Headers) -> Answer:
    row = {"code": code, "message": text}
    if detail:
        row["detail"] = detail
    return Answer(number, encode.dumps({"errors": [row]}), headers=headers)
