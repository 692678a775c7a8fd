"""Method and path to handler. `{name}` may hold slashes, as image names do; the rest may not."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orlop.api.answer import Reply

if TYPE_CHECKING:
    from orlop.api.call import Call

Handler = Callable[["Call"], Reply]
_VERSION = re.compile(r"/v([0-9][0-9.]{0,11})(/.*)", re.DOTALL | re.ASCII)
_PARAMETER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    pattern: re.Pattern[str] | None  # None: the path is literal
    handler: Handler
    since: tuple[int, int] = (0, 0)  # API version that brought it
    name: str = ""  # `METHOD /path/{parameter}`


@dataclass(slots=True)
class Router:
    _literal: dict[tuple[str, str], Route] = field(default_factory=dict)
    _patterns: dict[str, list[Route]] = field(default_factory=dict)  # by first path element

    def add(
        self, methods: str, path: str, handler: Handler, since: tuple[int, int] = (0, 0)
    ) -> None:
        """`methods`: space-separated. Earlier routes win."""
        for method in methods.split():
            name = f"{method} {path}"
            if "{" not in path:
                self._literal[method, path] = Route(method, None, handler, since, name)
                continue
            regex = _PARAMETER.sub(lambda m: f"(?P<{m[1]}>.+)", path)
            route = Route(method, re.compile(regex, re.DOTALL), handler, since, name)
            self._patterns.setdefault(path.split("/")[1], []).append(route)

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """`path` decoded, without the version."""
        route = self._literal.get((method, path))
        if route is not None:
            return route, {}
        for route in self._patterns.get(path.partition("/")[2].partition("/")[0], ()):
            assert route.pattern is not None
            if route.method == method and (match := route.pattern.fullmatch(path)):
                return route, match.groupdict()
        return None


def split_version(path: str) -> tuple[str, str]:
    """("1.43", "/info") of "/v1.43/info"; ("", path) without a version."""
    match = _VERSION.fullmatch(path)
    return (match[1], match[2]) if match else ("", path)
