"""What an engine has, as the library shows it: `attrs` is what `inspect` said last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orlop.client.calls import Calls


class Known:
    """The same as another of its kind when their IDs are."""

    def __init__(self, calls: Calls, attrs: Mapping[str, Any]) -> None:
        self._calls = calls
        self.attrs = attrs

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Known) and type(other) is type(self) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)

    @property
    def id(self) -> str:
        return str(self.attrs["Id"])
