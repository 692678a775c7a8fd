"""Headers of the user's own for every request: DOCKER_CUSTOM_HEADERS, `name=value,…` as CSV."""

import csv

from orlop.errors import InvalidArgument

VARIABLE = "DOCKER_CUSTOM_HEADERS"


def custom(text: str) -> dict[str, str]:
    """Raises InvalidArgument with the docker CLI's words."""
    prefix = f"failed to set custom headers from {VARIABLE} environment variable: "
    try:
        rows = list(csv.reader([text], strict=True))
    except csv.Error:
        raise InvalidArgument(
            f"{prefix}failed to parse custom headers from {VARIABLE} environment variable: value "
            "must be formatted as comma-separated key=value pairs"
        ) from None
    found = {}
    for pair in rows[0] if rows else ():
        name, equals, value = pair.partition("=")
        name = name.strip()
        if not name:
            raise InvalidArgument(
                f"{prefix}value contains a key=value pair with an empty key: '{pair}'"
            )
        if not equals:
            raise InvalidArgument(f"{prefix}missing \"=\" in key=value pair: '{pair}'")
        found[name] = value
    return found
