"""Error kinds to HTTP, in this one place."""

from __future__ import annotations

from orlop import errors

_STATUS: tuple[tuple[type[errors.OrlopError], int], ...] = (
    (errors.InvalidArgument, 400),
    (errors.Unauthorized, 401),
    (errors.Forbidden, 403),
    (errors.NotFound, 404),
    (errors.Conflict, 409),
    (errors.NotModified, 304),
    (errors.SystemFailure, 500),
    (errors.NotSupported, 501),
    (errors.Unavailable, 503),
)


def status(error: BaseException) -> int:
    """500 for what is no declared failure."""
    for kind, code in _STATUS:
        if isinstance(error, kind):
            return code
    return 500


def message(error: BaseException) -> str:
    """The text for the client: ours, the system's errno text, nothing of a bug."""
    if isinstance(error, errors.OrlopError):
        return error.message
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror.lower()}"
    return "internal error: see the daemon's log"
