"""Is an image of the platform that a request names?"""

from __future__ import annotations

from orlop.errors import NotFound
from orlop.image.model import Image
from orlop.oci import platform as platforms


def suits(image: Image, platform: str) -> bool:
    """`platform`: os/arch[/variant]."""
    return platforms.satisfies(platforms.from_dict(image.config), platforms.parse(platform))


def require(image: Image, ref: str, platform: str) -> None:
    """Raises NotFound with Docker's words."""
    if not suits(image, platform):
        have = platforms.from_dict(image.config)
        raise NotFound(
            f"image with reference {ref} was found but its platform ({have}) does not match the "
            f"specified platform ({platforms.parse(platform)})"
        )
