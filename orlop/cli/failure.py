"""What a command raises to end with a message and an exit code."""

from orlop.errors import OrlopError


class Failure(OrlopError):
    """Printed as it is on stderr (nothing when empty); the process exits with `code`."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code
