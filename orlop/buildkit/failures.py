"""What went wrong, in BuildKit's words, with its place in the Dockerfile for the client to show."""

from __future__ import annotations

import base64
import json
from typing import Any

from orlop.builder.parser import Malformed
from orlop.builder.run import StepFailed
from orlop.builder.session import Cancelled
from orlop.builder.source import clean
from orlop.builder.transfer import SourceMissing
from orlop.buildkit import messages as m
from orlop.buildkit.grpc import CANCELLED, UNKNOWN, RpcFailure
from orlop.errors import OrlopError
from orlop.protobuf import encode

Json = dict[str, Any]
CACHE_KEY = "failed to compute cache key: "
_REF = "context"  # BuildKit has two IDs here that mean nothing to anybody
_SOURCE = "github.com/moby/buildkit/errdefs.Source+json"
_VERTEX = "github.com/moby/buildkit/errdefs.Vertex+json"


def words(error: BaseException) -> str:
    """The message, as BuildKit puts it."""
    if isinstance(error, StepFailed):
        return f'process "{error.shown}" did not complete successfully: exit code: {error.code}'
    if isinstance(error, Malformed):
        return error.bare
    if isinstance(error, SourceMissing):
        found = f'failed to calculate checksum of ref {_REF}: "/{clean(error.path)}": not found'
        return CACHE_KEY + found
    if isinstance(error, OrlopError):
        return error.message
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return "internal error: see the daemon's log"


def failure(
    error: OrlopError, *, filename: str = "", text: str = "", lines: tuple[int, int] = (0, 0),
    vertex: str = "",
) -> RpcFailure:  # fmt: skip
    """`lines`: first and last line of the instruction that failed, from 1; (0, 0) for none."""
    message = words(error)
    if isinstance(error, RpcFailure):
        code = error.code
    else:
        code = CANCELLED if isinstance(error, Cancelled) else UNKNOWN
    details = []
    if vertex:
        details.append({"type_url": _VERTEX, "value": json.dumps({"digest": vertex}).encode()})
    if lines[0]:
        place = {"start": {"line": lines[0]}, "end": {"line": lines[1]}}
        info = {"filename": filename, "data": _base64(text), "language": "Dockerfile"}
        value = json.dumps({"info": info, "ranges": [place]}).encode()
        details.append({"type_url": _SOURCE, "value": value})
    if not details:
        return RpcFailure(code, message)
    status = {"code": code, "message": message, "details": details}
    return RpcFailure(code, message, encode(m.STATUS, status))


def _base64(text: str) -> str:
    return base64.b64encode(text.encode("utf-8", "surrogateescape")).decode()
