"""Who may use the built-in registry: basic authentication against an htpasswd file."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Iterable
from pathlib import Path

from orlop.api.registry.problem import Problem
from orlop.errors import InvalidArgument
from orlop.kernel.crypt import crypt

_KINDS = ("$2a$", "$2b$", "$2y$", "$5$", "$6$", "$y$")
_DUMMY = "$2y$05$abcdefghijklmnopqrstuuhKF09ZYWwH2zP/0fwE1X8e/Q1YNx/hO"
_REMEMBERED = 256


class Guard:
    def __init__(self, users: dict[str, str], realm: str = "orlop") -> None:
        self._users = users
        self._realm = realm
        self._salt = os.urandom(16)
        self._known: set[bytes] = set()  # credentials that were right, hashed: crypt is slow

    def check(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Raises Problem unless a known user's name and password are there."""
        given = next((v for k, v in headers if k == b"authorization"), b"")
        if not given or not self._right(given):
            challenge = (("WWW-Authenticate", f'Basic realm="{self._realm}"'),)
            raise Problem("UNAUTHORIZED", headers=challenge)

    def _right(self, header: bytes) -> bool:
        mark = hashlib.sha256(self._salt + header).digest()
        if mark in self._known:
            return True
        kind, _, packed = header.partition(b" ")
        if kind.lower() != b"basic":
            return False
        try:
            user, colon, password = base64.b64decode(packed, validate=True).partition(b":")
            stored = self._users.get(user.decode())
        except (binascii.Error, UnicodeDecodeError):
            return False
        # an unknown user costs the same time
        made = crypt(password, stored or _DUMMY)
        right = bool(colon) and stored is not None and hmac.compare_digest(made, stored)
        if right:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known.add(mark)
        return right


def from_htpasswd(path: str) -> Guard:
    """Lines `user:hash`; bcrypt, yescrypt or SHA-crypt. Raises InvalidArgument, OSError."""
    users: dict[str, str] = {}
    for number, line in enumerate(Path(path).read_text().splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        user, colon, stored = line.partition(":")
        if not colon or not user:
            raise InvalidArgument(f"{path}:{number}: expected user:hash")
        if not stored.startswith(_KINDS):
            raise InvalidArgument(
                f"{path}:{number}: the password of {user} must be hashed with bcrypt, yescrypt or "
                "SHA-crypt (htpasswd -B)"
            )
        users[user] = stored
    if not users:
        raise InvalidArgument(f"{path}: no users")
    return Guard(users)
