"""Error kinds. Verbs raise them with Docker's wording; only `api/status.py` knows HTTP codes.

Docker's clients match on these texts (docker-py reads "no such image"), so wording is part of the
contract. A kind says *what sort* of failure it is, the message says what happened.
"""


class OrlopError(Exception):
    """Base of every declared failure; anything else that escapes a verb is a bug."""

    @property
    def message(self) -> str:
        return str(self.args[0]) if self.args else ""


class InvalidArgument(OrlopError):
    """The request itself is wrong (400)."""


class Unauthorized(OrlopError):
    """Credentials are missing or refused (401)."""


class Forbidden(OrlopError):
    """Understood and refused (403)."""


class NotFound(OrlopError):
    """The named object does not exist (404)."""


class Conflict(OrlopError):
    """The object's state does not allow it (409)."""


class NotModified(OrlopError):
    """Nothing to do: already in the wanted state (304)."""


class SystemFailure(OrlopError):
    """The engine or the host failed (500)."""


class NotSupported(OrlopError):
    """Docker has it, this engine or this host does not (501)."""


class Unavailable(OrlopError):
    """Works once something outside is back (503), such as the swarm answers."""
