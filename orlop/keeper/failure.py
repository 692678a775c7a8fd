"""A request the keeper refuses: a kind (a name of `orlop.errors`, or "Launch") and a text."""

from __future__ import annotations


class Refused(Exception):
    def __init__(
        self, kind: str, message: str, number: int = 0, *, stage: str = "", path: str = ""
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.number = number
        self.message = message
        self.stage = stage
        self.path = path

    def frame(self) -> dict[str, object]:
        answer: dict[str, object] = {"error": (self.kind, self.number, self.message)}
        if self.stage:
            answer["stage"] = self.stage
            answer["path"] = self.path
        return answer
