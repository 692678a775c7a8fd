"""`--name=value` in front of an instruction's words. Pure; BuildKit's texts."""

from __future__ import annotations

from collections.abc import Iterable

from orlop.builder.suggest import did_you_mean
from orlop.errors import InvalidArgument


class Flags:
    """The flags of one instruction, checked against what it knows."""

    def __init__(
        self,
        given: Iterable[str],
        *,
        strings: tuple[str, ...] = (),
        lists: tuple[str, ...] = (),
        booleans: tuple[str, ...] = (),
    ) -> None:
        """Raises InvalidArgument for what is unknown, given twice or has no value."""
        self.used: list[str] = []
        self._values: dict[str, list[str]] = {}
        known = (*strings, *lists, *booleans)
        for text in given:
            name, equals, value = text.removeprefix("--").partition("=")
            if name not in known:
                raise InvalidArgument(f"unknown flag: --{name}" + did_you_mean(name, known))
            if name in self._values and name not in lists:
                raise InvalidArgument(f"duplicate flag specified: --{name}")
            if not equals:
                if name not in booleans:
                    raise InvalidArgument(f"missing a value on flag: --{name}")
                value = "true"
            elif name in booleans:
                value = value.lower()
                if value not in ("true", "false"):
                    raise InvalidArgument(
                        f"expecting boolean value for flag --{name}, not: {value}"
                    )
            self._values.setdefault(name, []).append(value)
            if name not in self.used:
                self.used.append(name)

    def text(self, name: str) -> str:
        return self._values.get(name, [""])[0]

    def all(self, name: str) -> tuple[str, ...]:
        return tuple(self._values.get(name, ()))

    def on(self, name: str) -> bool:
        return self.text(name) == "true"

    def maybe(self, name: str) -> bool | None:
        """None when it was not given."""
        return self.on(name) if name in self._values else None
