"""API versions: which are served, and what is otherwise for older clients.

`answers.py` has one ordered list of what they must see otherwise, `requests.py` one of what they
mean otherwise. Source: Docker's API changelog, checked against a dockerd 28.5 at each version.
"""

from __future__ import annotations

from orlop.errors import InvalidArgument

Version = tuple[int, int]

MINIMUM: Version = (1, 24)
CURRENT: Version = (1, 50)


def text(version: Version) -> str:
    return f"{version[0]}.{version[1]}"


class TooOld(InvalidArgument):
    """Told in plain text: such clients read no JSON."""


def _numbers(given: str) -> Version:
    major, _, rest = given.partition(".")
    minor = rest.partition(".")[0]
    return int(major or 0), int(minor or 0)


def parse(given: str) -> Version:
    """Of a path's /v1.43; "" is the current one. Raises InvalidArgument with Docker's words."""
    if not given:
        return CURRENT
    version = _numbers(given)
    if version > CURRENT:
        raise InvalidArgument(
            f"client version {given} is too new. Maximum supported API version is {text(CURRENT)}"
        )
    if version < MINIMUM:
        raise TooOld(
            f"client version {given} is too old. Minimum supported API version is "
            f"{text(MINIMUM)}, please upgrade your client to a newer version"
        )
    return version
