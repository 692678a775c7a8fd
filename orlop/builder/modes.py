"""`--chmod` and `--chown` of COPY and ADD. Pure but for the image's passwd, read by its `Root`.

Source: Dockerfile reference, "COPY --chown --chmod"; chmod(1) for the symbolic form.
"""

from __future__ import annotations

import re

from orlop.container import users
from orlop.errors import InvalidArgument, SystemFailure
from orlop.paths import Root

_OCTAL = re.compile(r"[0-7]{1,4}", re.ASCII)
_CLAUSE = re.compile(r"([ugoa]*)([-+=][rwxXst]*)+", re.ASCII)
_ACTION = re.compile(r"([-+=])([rwxXst]*)", re.ASCII)
_BITS = {"r": 0o444, "w": 0o222, "x": 0o111}
_WHO = {"u": 0o4700, "g": 0o2070, "o": 0o1007}
_NUMBER = re.compile(r"[0-9]{1,10}", re.ASCII)


class Chmod:
    """Changes a mode as `--chmod` says; "" changes nothing."""

    def __init__(self, text: str) -> None:
        """Raises InvalidArgument."""
        self._octal: int | None = None
        self._clauses: list[tuple[str, list[tuple[str, str]]]] = []
        if not text:
            return
        if _OCTAL.fullmatch(text):
            self._octal = int(text, 8)
            return
        for clause in text.split(","):
            match = _CLAUSE.fullmatch(clause)
            if match is None:
                raise InvalidArgument(
                    f"invalid chmod parameter: '{text}'. it should be octal string and between "
                    "0 and 07777"
                )
            self._clauses.append((match[1] or "a", _ACTION.findall(clause[len(match[1]) :])))

    def __bool__(self) -> bool:
        return self._octal is not None or bool(self._clauses)

    @property
    def made(self) -> int:
        """The mode of a directory that a copy makes on its way, less a umask, as BuildKit."""
        return 0o755 if self._octal is None else self._octal & ~0o022

    def of(self, mode: int, *, directory: bool) -> int:
        if self._octal is not None:
            return self._octal
        for who, actions in self._clauses:
            mask = 0o7777 if "a" in who else sum(_WHO[w] for w in set(who))
            for operator, letters in actions:
                bits = 0
                for letter in letters:
                    if letter == "X":
                        bits |= 0o111 if directory or mode & 0o111 else 0
                    elif letter == "s":
                        bits |= 0o6000
                    elif letter == "t":
                        bits |= 0o1000
                    else:
                        bits |= _BITS[letter]
                bits &= mask
                if operator == "+":
                    mode |= bits
                elif operator == "-":
                    mode &= ~bits
                else:
                    mode = (mode & ~(mask & 0o777)) | bits
        return mode


def owner(root: Root, text: str) -> tuple[int, int]:
    """(uid, gid) of `user[:group]`; a lone number is both, a lone `:group` is root's. Raises
    SystemFailure as Docker."""
    name, colon, group = text.partition(":")
    wrong = "unable to convert uid/gid chown string to host mapping: "
    if (colon and not group) or not (name or group):
        raise InvalidArgument(f"{wrong}invalid chown string {text}")
    if not name:
        uid = gid = 0
    elif _NUMBER.fullmatch(name):
        uid = _checked(int(name), wrong)
        gid = uid
    else:
        try:
            found = users.resolve(root, name)
        except SystemFailure:
            raise SystemFailure(
                f"{wrong}can't find uid for user {name}: no such user: {name}"
            ) from None
        uid, gid = found.uid, found.gid
    if group:
        try:
            gid = users.resolve(root, f"0:{group}").gid
        except SystemFailure:
            raise SystemFailure(
                f"{wrong}can't find gid for group {group}: no such group: {group}"
            ) from None
    return uid, gid


def _checked(number: int, wrong: str) -> int:
    if number > users.MAXIMUM_ID:
        raise SystemFailure(f"{wrong}uids and gids must be in range 0-{users.MAXIMUM_ID}")
    return number
