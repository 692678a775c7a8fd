"""Credentials as they come with each call (`X-Registry-Auth`). Never stored, never printed."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from orlop.errors import InvalidArgument


class Credentials:
    """User name and password, or a token. `repr` shows nothing secret."""

    __slots__ = ("identity_token", "password", "registry_token", "server", "username")

    def __init__(
        self,
        username: str = "",
        password: str = "",
        *,
        identity_token: str = "",
        registry_token: str = "",
        server: str = "",
    ) -> None:
        self.username = username
        self.password = password
        self.identity_token = identity_token
        self.registry_token = registry_token
        self.server = server

    def __repr__(self) -> str:
        return f"Credentials({'given' if self else 'none'})"

    def __bool__(self) -> bool:
        return bool(self.username or self.identity_token or self.registry_token)

    @property
    def basic(self) -> str:
        """The value of a basic `Authorization` header, "" without a user name."""
        if not self.username:
            return ""
        pair = f"{self.username}:{self.password}".encode()
        return "Basic " + base64.b64encode(pair).decode("ascii")

    @property
    def cache_key(self) -> str:
        parts = (self.username, self.password, self.identity_token, self.registry_token)
        return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()


def from_auth(auth: Mapping[str, Any] | None) -> Credentials:
    """From an AuthConfig dict (`username`, `password`, `auth`, `identitytoken`…).

    What is no text, and an `auth` that cannot be read, counts as not there, as with dockerd: the
    registry then says what it lacks. Raises InvalidArgument.
    """
    if not auth:
        return Credentials()
    values = {key.lower(): value for key, value in auth.items() if isinstance(value, str)}
    username, password = values.get("username") or "", values.get("password") or ""
    packed = values.get("auth") or ""
    if packed and not username:
        username, password = _unpack(packed)
    for text in (username, values.get("registrytoken") or ""):
        if any(ord(c) < 32 for c in text):
            raise InvalidArgument("invalid X-Registry-Auth header: control characters")
    return Credentials(
        username,
        password,
        identity_token=values.get("identitytoken") or "",
        registry_token=values.get("registrytoken") or "",
        server=values.get("serveraddress") or "",
    )


def _unpack(packed: str) -> tuple[str, str]:
    try:
        text = base64.b64decode(packed, validate=True).decode()
    except (binascii.Error, ValueError):
        return "", ""
    username, colon, password = text.partition(":")
    return (username, password.strip("\0")) if colon else ("", "")


def decode_header(header: str) -> dict[str, Any]:
    """The JSON inside an `X-Registry-Auth` header (base64, url alphabet); {} when empty."""
    if not header:
        return {}
    try:
        padded = header + "=" * (-len(header) % 4)
        value = json.loads(base64.urlsafe_b64decode(padded.replace("+", "-").replace("/", "_")))
    except (binascii.Error, ValueError, RecursionError):
        raise InvalidArgument("invalid X-Registry-Auth header: invalid JSON") from None
    if not isinstance(value, dict):
        raise InvalidArgument("invalid X-Registry-Auth header: invalid JSON")
    return value
