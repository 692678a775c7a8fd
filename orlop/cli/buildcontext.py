"""The context of `build` as a tar: a directory less what its ignore file names, or a stream."""

import os
import stat

from orlop.cli.failure import Failure
from orlop.cli.tarwriter import blocks, file_member, header

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from orlop.oci.ignore import Ignore

_BLOCK = 1 << 18
_TYPES = {stat.S_IFDIR: b"5", stat.S_IFLNK: b"2", stat.S_IFIFO: b"6"}


class Directory:
    """`name` is what the Dockerfile is called in the archive."""

    def __init__(self, path: str, dockerfile: str, *, bare: bool = False) -> None:
        """`bare`: no Dockerfile is asked for. Raises Failure with Docker's texts."""
        self.path = os.path.realpath(path)
        if not os.path.isdir(self.path):
            raise Failure(f'unable to prepare context: path "{path}" not found')
        self.extra: dict[str, bytes] = {}
        self.beside: Iterable[bytes] = ()  # further members
        self.name = "" if bare else self._dockerfile(dockerfile)
        self.ignore = self._ignore()

    def _dockerfile(self, given: str) -> str:
        if given == "-":
            return self._aside(read_stdin())
        where = given or os.path.join(self.path, "Dockerfile")
        if given and not os.path.isabs(given) and not os.path.exists(given):
            inside = os.path.join(self.path, given)
            where = inside if os.path.exists(inside) else given
        if not given and not os.path.exists(where):
            lower = os.path.join(self.path, "dockerfile")
            where = lower if os.path.exists(lower) else where
        try:
            real = os.path.realpath(where, strict=True)
        except OSError as e:
            raise Failure(
                "unable to prepare context: unable to evaluate symlinks in Dockerfile path: "
                f"lstat {os.path.abspath(where)}: {(e.strerror or '').lower()}"
            ) from None
        relative = os.path.relpath(real, self.path)
        if not relative.startswith(".."):
            return relative
        with open(real, "rb") as file:
            name = self._aside(file.read())
        try:
            with open(f"{real}.dockerignore", "rb") as file:
                self.extra[f"{name}.dockerignore"] = file.read()
        except (FileNotFoundError, IsADirectoryError):
            pass
        return name

    def _aside(self, data: bytes) -> str:
        from hashlib import sha256  # the same name for the same text: it need not be sent again

        name = f".dockerfile.{sha256(data).hexdigest()[:20]}"
        self.extra[name] = data
        return name

    def _ignore(self) -> "Ignore | None":
        for name in (f"{self.name}.dockerignore", ".dockerignore")[not self.name :]:
            data = self.extra.get(name)
            if data is None:
                try:
                    with open(os.path.join(self.path, name), "rb") as file:
                        data = file.read()
                except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
                    continue
            text = data.decode("utf-8", "replace")
            from orlop.oci.ignore import Ignore, read_lines  # 10 ms that most contexts save

            return Ignore(read_lines(text))
        return None

    def __iter__(self) -> "Iterator[bytes]":
        return blocks(self._all())

    def _all(self) -> "Iterator[bytes]":
        yield from self.pieces()
        yield from self.beside

    def pieces(self, prefix: str = "") -> "Iterator[bytes]":
        """Its members, their names after `prefix`."""
        for name, data in self.extra.items():
            info = os.stat_result((0o100644, 0, 0, 1, 0, 0, len(data), 0, 0, 0))
            yield header(name, info, b"0", b"", len(data), "")
            yield data + bytes(-len(data) % 512)
        links: dict[tuple[int, int], str] = {}
        for inner, info in self.entries():
            yield from self._member(f"{self.path}/{inner}", prefix + inner, info, links)

    def entries(self) -> "Iterator[tuple[str, os.stat_result]]":
        """(path below the directory, lstat) of all that belongs to it, parents first."""
        always = {self.name, f"{self.name}.dockerignore", ".dockerignore"} if self.name else set()
        stack = [""]
        while stack:
            folder = stack.pop()
            below = []
            with os.scandir(f"{self.path}/{folder}") as found:
                listed = sorted(found, key=_bytes_of)
            for entry in listed:
                inner = f"{folder}/{entry.name}" if folder else entry.name
                left_out = (
                    self.ignore is not None and inner not in always and self.ignore.ignored(inner)
                )
                info = entry.stat(follow_symlinks=False)
                directory = stat.S_ISDIR(info.st_mode)
                if directory and (not left_out or self._may_hold(inner, always)):
                    below.append(inner)
                if not left_out:
                    yield inner, info
            stack += below[::-1]

    def _may_hold(self, folder: str, always: set[str]) -> bool:
        """Something in an ignored directory may be wanted after all."""
        return (self.ignore is not None and self.ignore.exclusions) or any(
            n.startswith(folder + "/") for n in always
        )

    def _member(
        self, path: str, name: str, info: os.stat_result, links: dict[tuple[int, int], str]
    ) -> "Iterator[bytes]":
        if stat.S_ISREG(info.st_mode):
            try:
                yield from file_member(path, name, info, links)
            except PermissionError:
                raise unreadable(path) from None
            except OSError as e:
                raise Failure(f"open {path}: {(e.strerror or str(e)).lower()}") from None
            return
        kind = _TYPES.get(stat.S_IFMT(info.st_mode))
        if kind == b"5":
            yield header(name + "/", info, kind, b"", 0, path)
        elif kind is not None:
            target = os.fsencode(os.readlink(path)) if kind == b"2" else b""
            yield header(name, info, kind, target, 0, path)


def unreadable(path: str) -> Failure:
    return Failure(f"error checking context: no permission to read from '{path}'")


def _bytes_of(entry: "os.DirEntry[str]") -> bytes:
    return os.fsencode(entry.name)


def read_stdin() -> bytes:
    parts = []
    while data := os.read(0, _BLOCK):
        parts.append(data)
    return b"".join(parts)


def from_stdin(dockerfile: str) -> "tuple[str, Iterator[bytes]]":
    """`build -`: an archive, or a Dockerfile alone. (its name, the stream)."""
    first = os.read(0, _BLOCK)
    while first and len(first) < 512:
        more = os.read(0, _BLOCK)
        if not more:
            break
        first += more
    magic = first[257:262] == b"ustar" or first[:2] == b"\x1f\x8b" or first[:3] == b"BZh"
    if magic or first[:4] == b"\x28\xb5\x2f\xfd" or first[:6] == b"\xfd7zXZ\0":
        return dockerfile or "Dockerfile", _rest(first)
    data = first + read_stdin()
    return "Dockerfile", iter([_lone(data)])


def _rest(first: bytes) -> "Iterator[bytes]":
    yield first
    while data := os.read(0, _BLOCK):
        yield data


class Spooled:
    """A stream that is sent more than once, in an unnamed file: it may be larger than memory."""

    def __init__(self, pieces: "Iterable[bytes]") -> None:
        from tempfile import TemporaryFile  # few need it

        self._file = TemporaryFile(dir=os.environ.get("TMPDIR") or "/var/tmp")  # noqa: SIM115  (until `close`)
        for piece in pieces:
            self._file.write(piece)
        self._file.flush()

    def close(self) -> None:
        self._file.close()

    def __iter__(self) -> "Iterator[bytes]":
        at, fd = 0, self._file.fileno()
        while data := os.pread(fd, _BLOCK, at):
            yield data
            at += len(data)


def _lone(data: bytes) -> bytes:
    info = os.stat_result((0o100600, 0, 0, 1, 0, 0, len(data), 0, 0, 0))
    padded = data + bytes(-len(data) % 512)
    return header("Dockerfile", info, b"0", b"", len(data), "") + padded + bytes(1024)
