"""Docker's contexts on disk, for reading and writing.

`<config>/contexts/meta/<sha256 of the name>/meta.json` and `…/tls/<the same>/docker/*.pem`, as the
Docker CLI keeps them. Which one `orlop` uses is in `contexts/orlop-current`: Docker's own
`currentContext` is left to Docker.
"""

import hashlib
import os
from typing import Any

from orlop.errors import NotFound
from orlop.oci.jsonlite import loads

DEFAULT = "default"
TLS_FILES = ("ca.pem", "cert.pem", "key.pem")
Meta = dict[str, Any]


class Contexts:
    def __init__(self, config_dir: str) -> None:
        self._base = os.path.join(config_dir, "contexts")

    def meta_path(self, name: str) -> str:
        return os.path.join(self._base, "meta", _key(name))

    def tls_path(self, name: str) -> str:
        return os.path.join(self._base, "tls", _key(name))

    def read(self, name: str) -> Meta:
        """meta.json. Raises NotFound."""
        path = os.path.join(self.meta_path(name), "meta.json")
        try:
            with open(path, "rb") as file:
                found: Meta = loads(file.read())
        except FileNotFoundError:
            raise NotFound(
                f'context "{name}": context not found: open {path}: no such file or directory'
            ) from None
        return found

    def exists(self, name: str) -> bool:
        return os.path.exists(os.path.join(self.meta_path(name), "meta.json"))

    def all(self) -> list[Meta]:
        try:
            keys = os.listdir(os.path.join(self._base, "meta"))
        except OSError:
            return []
        found = []
        for key in keys:
            try:
                with open(os.path.join(self._base, "meta", key, "meta.json"), "rb") as file:
                    found.append(loads(file.read()))
            except (OSError, ValueError):
                continue  # not ours to judge
        return found

    def tls(self, name: str) -> dict[str, bytes]:
        """The TLS material of the docker endpoint by file name."""
        found = {}
        for file in TLS_FILES:
            try:
                with open(os.path.join(self.tls_path(name), "docker", file), "rb") as stream:
                    found[file] = stream.read()
            except OSError:
                continue
        return found

    def write(self, name: str, meta: Meta, tls: dict[str, bytes] | None) -> None:
        """`tls` None leaves what is there."""
        from orlop.oci.jsonlite import dumps

        os.makedirs(self.meta_path(name), 0o755, exist_ok=True)
        path = os.path.join(self.meta_path(name), "meta.json")
        _replace(path, dumps({**meta, "Name": name}).encode(), 0o644)
        if tls is None:
            return
        self._remove_tls(name)
        if not tls:
            return
        directory = os.path.join(self.tls_path(name), "docker")
        os.makedirs(os.path.join(self._base, "tls"), 0o700, exist_ok=True)
        os.makedirs(self.tls_path(name), 0o700, exist_ok=True)
        os.makedirs(directory, 0o700, exist_ok=True)
        for file, data in tls.items():
            _replace(os.path.join(directory, file), data, 0o600)

    def remove(self, name: str) -> None:
        import shutil

        shutil.rmtree(self.meta_path(name), ignore_errors=True)
        self._remove_tls(name)

    def _remove_tls(self, name: str) -> None:
        import shutil

        shutil.rmtree(self.tls_path(name), ignore_errors=True)

    def use(self, name: str) -> None:
        path = os.path.join(self._base, "orlop-current")
        if name == DEFAULT:
            try:
                os.unlink(path)
            except FileNotFoundError:
                pass
            return
        os.makedirs(self._base, 0o755, exist_ok=True)
        _replace(path, name.encode(), 0o644)


def _key(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()


def _replace(path: str, data: bytes, mode: int) -> None:
    temp = f"{path}.{os.getpid()}"
    fd = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode)
    with open(fd, "wb") as file:
        file.write(data)
    os.rename(temp, path)
