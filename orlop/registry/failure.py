"""What a registry answers when it refuses, in Docker's words.

Source: OCI distribution-spec "Error Codes"; texts as dockerd 28 shows them.
"""

from __future__ import annotations

import json
import time
from email.utils import mktime_tz, parsedate_tz
from typing import Any

from orlop.errors import SystemFailure

_LONGEST = 3600.0  # seconds that a registry may ask for
_DEFAULT_TEXT = {
    "UNAUTHORIZED": "authentication required",
    "DENIED": "requested access to the resource is denied",
    "UNKNOWN": "unknown error",
    "TOOMANYREQUESTS": "too many requests",
    "MANIFEST_UNKNOWN": "manifest unknown",
    "NAME_UNKNOWN": "repository name not known to registry",
    "BLOB_UNKNOWN": "blob unknown to registry",
    "UNSUPPORTED": "The operation is unsupported.",
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
        self.plain = False  # the registry gave a code and no words of its own


def from_response(
    status: int, reason: str, body: bytes, *, content_type: str = "", retry_after: str | None = None
) -> RegistryFailure:
    """The failure for an answer that was not asked for."""
    wait = _seconds(retry_after)
    if status >= 500 or status < 400:
        line = f"{status} {reason}".strip()
        text = f"received unexpected HTTP status: {line}"
        return RegistryFailure(text, status=status, temporary=status >= 500, retry_after=wait)
    code, text, plain = _body_text(status, body, content_type.partition(";")[0].strip().lower())
    temporary = status in (408, 425, 429)
    failure = RegistryFailure(text, code=code, status=status, temporary=temporary, retry_after=wait)
    failure.plain = plain
    return failure


def _body_text(status: int, body: bytes, media_type: str) -> tuple[str, str, bool]:
    """(code, text, True when the answer said no more than the code)."""
    by_status = {401: "UNAUTHORIZED", 403: "DENIED", 429: "TOOMANYREQUESTS"}.get(status, "UNKNOWN")
    if not body or media_type != "application/json":
        words = body[:2000].decode("utf-8", "replace")
        return by_status, f"{_words(by_status)}: {words}", False
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        problem = _go_problem(body)
        text = f"error parsing HTTP {status} response body: {problem}: {_quote(body)}"
        return ("UNAUTHORIZED" if status == 401 else ""), text, False
    if isinstance(document, dict) and isinstance(document.get("details"), str):
        return by_status, f"{_words(by_status)}: {document['details'][:2000]}", False
    errors = document.get("errors") if isinstance(document, dict) else None
    found = [e for e in errors if isinstance(e, dict)] if isinstance(errors, list) else []
    if not found:
        text = (
            f"error parsing HTTP {status} response body: no error details found in HTTP "
            f"response body: {_quote(body)}"
        )
        return ("UNAUTHORIZED" if status == 401 else ""), text, False
    lines = [_line(entry) for entry in found]
    text = lines[0] if len(lines) == 1 else "errors:\n" + "".join(line + "\n" for line in lines)
    return str(found[0].get("code") or "UNKNOWN")[:100], text, _is_plain(found[0])


def _is_plain(entry: dict[str, Any]) -> bool:
    """Nothing but a code: no detail, and no message or the code's own."""
    message = entry.get("message") or ""
    default = _DEFAULT_TEXT.get(str(entry.get("code")), "")
    return entry.get("detail") is None and message in ("", default)


def _line(entry: dict[str, Any]) -> str:
    words = _words(str(entry.get("code") or "UNKNOWN"))
    if _is_plain(entry):
        return words
    message = entry.get("message")
    text = message if isinstance(message, str) and message else words
    return f"{words}: {text[:2000]}"


def _words(code: str) -> str:
    return code[:100].replace("_", " ").lower()


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
    """`Retry-After` in seconds, also of its date form (RFC 9110, 10.2.3): at most an hour."""
    text = (text or "").strip()
    if text.isascii() and text.isdigit():
        return float(min(int(text[:9]), _LONGEST))
    date = parsedate_tz(text[:64])
    if date is None:
        return None
    return min(max(mktime_tz(date) - time.time(), 0.0), _LONGEST)
