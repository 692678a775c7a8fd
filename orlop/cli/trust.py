"""Content trust: not here, so it must not be taken for granted."""

from orlop.cli.failure import Failure
from orlop.cli.options import Options

UNSUPPORTED = "content trust is not supported: orlop verifies digests, not Notary's keys"


def refuse_trust(options: Options) -> None:
    """Who asks for signatures to be checked must not go on without. Raises Failure."""
    if options.changed("disable-content-trust") and not options.flag("disable-content-trust"):
        raise Failure(UNSUPPORTED)
