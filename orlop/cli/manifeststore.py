"""Drafts of manifest lists: Docker's files, one per image, `manifests/<list>/<image>` of its
configuration directory.

A row is what the files hold: {Ref, Descriptor, Raw, SchemaV2Manifest | OCIManifest}.
"""

import os

from orlop.cli.failure import Failure
from orlop.cli.reference import Reference
from orlop.oci.jsonlite import dumps, loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]


class Drafts:
    def __init__(self, config_dir: str) -> None:
        self._root = os.path.join(config_dir, "manifests")

    def rows(self, target: Reference) -> "list[Json]":
        """The images of a list, by file name. Raises Failure without one."""
        folder = self._folder(target)
        try:
            names = sorted(os.listdir(folder))
        except FileNotFoundError:
            raise Failure(f"No such manifest: {target}") from None
        found = [_read(os.path.join(folder, name)) for name in names if not name.startswith(".")]
        return [row for row in found if row is not None]

    def exists(self, target: Reference) -> bool:
        return os.path.isdir(self._folder(target))

    def get(self, target: Reference, image: Reference) -> "Json | None":
        return _read(os.path.join(self._folder(target), _safe(image)))

    def save(self, target: Reference, image: Reference, row: "Json") -> None:
        """Replaced in one step. Raises Failure."""
        folder = self._folder(target)
        path = os.path.join(folder, _safe(image))
        temporary = os.path.join(folder, f".{os.getpid()}")
        try:
            os.makedirs(folder, 0o755, exist_ok=True)
            with open(temporary, "w", encoding="utf-8") as file:
                file.write(dumps(row))
            os.replace(temporary, path)
        except OSError as e:
            raise Failure(f"open {path}: {(e.strerror or '').lower()}") from None

    def remove(self, target: Reference) -> None:
        folder = self._folder(target)
        for name in os.listdir(folder):
            os.unlink(os.path.join(folder, name))
        os.rmdir(folder)

    def _folder(self, target: Reference) -> str:
        return os.path.join(self._root, _safe(target))


def _safe(reference: Reference) -> str:
    return str(reference).replace(":", "-").replace("/", "_")


def _read(path: str) -> "Json | None":
    """Raises Failure for a damaged draft."""
    try:
        with open(path, "rb") as file:
            found = loads(file.read())
    except FileNotFoundError:
        return None
    except ValueError:
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("Descriptor"), dict):
        raise Failure(f"damaged manifest draft {path}")
    return found
