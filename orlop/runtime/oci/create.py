"""`create ID`: everything but the program itself."""

from __future__ import annotations

from orlop.runtime.oci.birth import give_birth

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orlop.runtime.oci.command import Command


def create(command: Command) -> int:
    give_birth(command, gate=True, detached=True)
    return 0
