"""Variables that stand in for flags, as with Docker's CLI."""

from orlop.cli.failure import Failure
from orlop.cli.options import Options
from orlop.client.host import getenv

PLATFORM, TRUST = "DOCKER_DEFAULT_PLATFORM", "DOCKER_CONTENT_TRUST"
_FOR_PLATFORM = (
    "container create", "container run", "image build", "image import", "image pull",
)  # fmt: skip
_FOR_TRUST = ("container create", "container run", "image build", "image pull", "image push")
_NO = ("", "0", "f", "F", "false", "FALSE", "False")


def apply(path: str, options: Options) -> None:
    """What the environment says of the command `path`. Raises Failure."""
    if path in _FOR_PLATFORM and not options.changed("platform") and getenv(PLATFORM):
        options.values["platform"] = getenv(PLATFORM)
    if (
        path in _FOR_TRUST
        and getenv(TRUST) not in _NO
        and not options.flag("disable-content-trust")
    ):
        from orlop.cli.trust import UNSUPPORTED

        raise Failure(f"{UNSUPPORTED} (unset {TRUST}, or give --disable-content-trust)")
