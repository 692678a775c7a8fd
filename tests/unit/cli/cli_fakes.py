"""A daemon made of prepared answers, and the CLI run in this process on it."""

import re
import time
from typing import Any

import pytest

from orlop.cli import out as output
from orlop.cli.main import run
from orlop.cli.session import Session
from orlop.client.transport import ApiError
from orlop.oci.jsonlite import dumps


class FakeClient:
    """Answers by the first pattern that the path matches."""

    version = "1.50"
    host = "unix:///fake"

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, str, Any]] = []

    def call(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        self.asked.append((method, path, body))
        for pattern, answer in self.answers.items():
            if re.match(pattern, path):
                if isinstance(answer, Exception):
                    raise answer
                return answer
        raise ApiError(404, f"no answer prepared for {path}")

    def raw(self, method: str, path: str, body: Any = None, **options: Any) -> bytes:
        return dumps(self.call(method, path, body)).encode()


class Ran:
    def __init__(self, code: int, stdout: str, stderr: str, client: FakeClient) -> None:
        self.code = code
        self.stdout = stdout
        self.stderr = stderr
        self.client = client


def orlop(
    monkeypatch: pytest.MonkeyPatch,
    args: list[str],
    answers: dict[str, Any],
    config: dict[str, Any] | None = None,
) -> Ran:
    """Run a command line on prepared answers."""
    written: dict[int, bytes] = {1: b"", 2: b""}

    def write(fd: int, data: bytes) -> None:
        written[fd] += data

    client = FakeClient(answers)
    monkeypatch.setattr(output, "write", write)
    monkeypatch.setattr(Session, "client", property(lambda self: client))
    monkeypatch.setattr(Session, "config", property(lambda self: config or {}))
    code = run(args)
    return Ran(code, written[1].decode(), written[2].decode(), client)


def with_times(value: Any) -> Any:
    """{"now": -60} is the current time less a minute."""
    if isinstance(value, dict):
        if set(value) == {"now"}:
            return int(time.time()) + value["now"]
        return {k: with_times(v) for k, v in value.items()}
    if isinstance(value, list):
        return [with_times(v) for v in value]
    return value
