"""What a registry answers when it refuses, in Docker's words.

Source: OCI distribution-spec "Error Codes"; texts as dockerd 28 shows them.
"""

from __future__ import annotations

import json
from typing import Any

from orlop.errors import SystemFailure, Unauthorized

_DEFAULT_TEXT = {
    "UNAUTHORIZED": "authentication required",
    "DENIED": "requested access to the resource is denied",
    "UNKNOWN": "unknown error",
    "TOOMANYREQUESTS": "too many requests",
    "MANIFEST_UNKNOWN": "manifest unknown",
    "NAME_UNKNOWN": "repository name not known to registry",
    "BLOB_UNKNOWN": "blob unknown to registry",
}


class RegistryFailure(SystemFailure):
    """A refusal (`code` is the registry's, "" for unstructured answers) or a broken connection.

    `temporary` says that the same request may succeed a moment later; `retry_after` seconds is
    the registry's own wish.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        status: int = 0,
        temporary: bool = False,
        retry_after: float | None = None,
        unreachable: bool = False,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.temporary = temporary
        self.retry_after = retry_after
        self.unreachable = unreachable


class LoginRefused(Unauthorized):
    """The registry or its token server refused the credentials of a login."""


def from_response(
    status: int, reason: str, body: bytes, *, retry_after: str | None = None
) -> RegistryFailure:
    """The failure for an answer with `status` ≥ 400."""
    temporary = status in (408, 425, 429) or status >= 500
    wait = _seconds(retry_after)
    if status >= 500:
        line = f"{status} {reason}".strip()
        return RegistryFailure(
            f"received unexpected HTTP status: {line}",
            status=status,
            temporary=True,
            retry_after=wait,
        )
    code, text = _body_text(status, body)
    return RegistryFailure(text, code=code, status=status, temporary=temporary, retry_after=wait)


def _body_text(status: int, body: bytes) -> tuple[str, str]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        if status == 401:
            return "UNAUTHORIZED", "unauthorized: authentication required"
        return "", f"error parsing HTTP {status} response body: {_go_problem(body)}: {_quote(body)}"
    if isinstance(document, dict) and isinstance(document.get("details"), str):
        name = {401: "UNAUTHORIZED", 429: "TOOMANYREQUESTS"}.get(status, "UNKNOWN")
        return name, _line(name, document["details"])
    errors = document.get("errors") if isinstance(document, dict) else None
    found = [e for e in errors if isinstance(e, dict)] if isinstance(errors, list) else []
    if not found:
        if status == 401:
            return "UNAUTHORIZED", "unauthorized: authentication required"
        return "", (
            f"error parsing HTTP {status} response body: no error details found in HTTP "
            f"response body: {_quote(body)}"
        )
    lines = [_line(str(e.get("code") or "UNKNOWN"), e.get("message")) for e in found]
    text = lines[0] if len(lines) == 1 else "errors:\n" + "".join(line + "\n" for line in lines)
    return str(found[0].get("code") or "UNKNOWN"), text


def _line(code: str, message: Any) -> str:
    words = code.replace("_", " ").lower()[:100]
    text = message if isinstance(message, str) and message else _DEFAULT_TEXT.get(code, words)
    return f"{words}: {text[:2000]}"


def _go_problem(body: bytes) -> str:
    text = body.decode("utf-8", "replace").lstrip(" \t\r\n")
    if not text:
        return "unexpected end of JSON input"
    if text[0] in '{["' or text[0].isdigit():
        return "invalid JSON"
    return f"invalid character '{text[0]}' looking for beginning of value"


def _quote(body: bytes) -> str:
    return json.dumps(body[:1000].decode("utf-8", "replace"), ensure_ascii=False)


def _seconds(text: str | None) -> float | None:
    """`Retry-After` in seconds; the date form is ignored (clocks differ)."""
    if text is None or not text.strip().isascii() or not text.strip().isdigit():
        return None
    return float(min(int(text.strip()[:9]), 3600))
