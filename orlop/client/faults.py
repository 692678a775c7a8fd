"""What is said when a daemon breaks off, cannot be dialled, or answers what is no answer: the words
of Docker's CLI. Loaded only then."""

from orlop.client.transport import Broken, ConnectionFailed, quote
from orlop.errors import OrlopError


def broken(host: str, secure: bool, method: str, target: str, error: Exception) -> ConnectionFailed:
    """`target`: path and query of the request. `error`: an OSError, or one with its own words."""
    if isinstance(error, ConnectionFailed) and not isinstance(error, Broken):
        return error
    asked = f'{method.title()} "{_base(host, secure)}{target}": '
    reason = _reason(error)
    if "malformed HTTP response" in reason and not secure:
        return ConnectionFailed(
            f"{asked}{reason}.\n* Are you trying to connect to a TLS-enabled daemon without TLS?"
        )
    return ConnectionFailed(f"error during connect: {asked}{reason}")


def _base(host: str, secure: bool) -> str:
    """As Go writes the address into a URL."""
    kind, _, address = host.partition("://")
    if kind == "tcp":
        return f"http{'s' if secure else ''}://{address}"
    return "http://" + (quote(address) if kind == "unix" else "docker.example.com")


def _reason(error: Exception) -> str:
    if isinstance(error, ConnectionFailed):
        return error.message
    if type(error).__name__.startswith("SSL"):
        from ssl import SSLError

        from orlop.client.certificates import words

        if isinstance(error, SSLError):
            return words(error)
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error)


def unreadable(body: bytes) -> OrlopError:
    """Of a body that is no JSON."""
    text = body.decode("utf-8", "replace").strip(" \t\r\n")
    if text[:1] and text[0] not in '{["-0123456789tfn':
        return OrlopError(f"invalid character '{text[0]}' looking for beginning of value")
    return OrlopError("the answer of the daemon is no JSON: unexpected end or character")


def silent(status: int) -> str:
    """Of an error that came without a message."""
    from http import HTTPStatus

    try:
        name = HTTPStatus(status).phrase
    except ValueError:
        name = "unknown"
    return f"API returned a {status} ({name}) but provided no error-message"
