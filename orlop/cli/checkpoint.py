"""`checkpoint`: Docker has it with CRIU and experimental features only; here are neither."""

from orlop.cli.failure import Failure
from orlop.cli.options import Options
from orlop.cli.session import Session


def refuse(session: Session, options: Options) -> None:
    raise Failure(
        f"orlop {session.path} is only supported on a Docker daemon with experimental features "
        "enabled"
    )
