"""Words of an OCI mount's `options`, sorted into attributes, propagation and data. Pure.

Source: OCI runtime-spec, config.md "Linux mount options".
"""

from __future__ import annotations

from orlop.kernel import mount

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_SET = {
    "ro": mount.ATTR_RDONLY,
    "nosuid": mount.ATTR_NOSUID,
    "nodev": mount.ATTR_NODEV,
    "noexec": mount.ATTR_NOEXEC,
    "nodiratime": mount.ATTR_NODIRATIME,
    "nosymfollow": mount.ATTR_NOSYMFOLLOW,
}
_CLEAR = {
    "rw": mount.ATTR_RDONLY,
    "suid": mount.ATTR_NOSUID,
    "dev": mount.ATTR_NODEV,
    "exec": mount.ATTR_NOEXEC,
    "diratime": mount.ATTR_NODIRATIME,
    "symfollow": mount.ATTR_NOSYMFOLLOW,
}
_ATIME = {
    "noatime": mount.ATTR_NOATIME,
    "strictatime": mount.ATTR_STRICTATIME,
    "relatime": mount.ATTR_RELATIME,
    "atime": mount.ATTR_RELATIME,
    "norelatime": mount.ATTR_STRICTATIME,
    "nostrictatime": mount.ATTR_RELATIME,
}
_PROPAGATION = {
    "private": (mount.MS_PRIVATE, False),
    "rprivate": (mount.MS_PRIVATE, True),
    "slave": (mount.MS_SLAVE, False),
    "rslave": (mount.MS_SLAVE, True),
    "shared": (mount.MS_SHARED, False),
    "rshared": (mount.MS_SHARED, True),
    "unbindable": (mount.MS_UNBINDABLE, False),
    "runbindable": (mount.MS_UNBINDABLE, True),
}
_IGNORED = {"defaults", "async", "nomand", "loud", "newinstance", "remount", "silent"}


class Options:
    """Attributes as mount_setattr takes them; `data` as fsconfig does."""

    __slots__ = (
        "bind", "clear", "clear_all", "copy_up", "data", "idmap", "propagation",
        "propagation_recursive", "recursive", "set", "set_all", "strict_source",
    )  # fmt: skip

    def __init__(self) -> None:
        self.bind = self.recursive = False
        self.set = self.clear = 0
        self.set_all = self.clear_all = 0  # "rro" and its kin: also for the mounts below
        self.propagation, self.propagation_recursive = 0, False
        self.data: list[tuple[str, str | None]] = []
        self.copy_up = False
        self.idmap = ""  # "idmap" or "ridmap"
        self.strict_source = False  # do not follow a last symbolic link


def parse(words: Iterable[str]) -> Options:
    """Later words win over earlier ones."""
    out = Options()
    for word in words:
        if word in ("bind", "rbind"):
            out.bind, out.recursive = True, out.recursive or word == "rbind"
        elif word in _PROPAGATION:
            out.propagation, out.propagation_recursive = _PROPAGATION[word]
        elif word in _SET:
            out.set, out.clear = out.set | _SET[word], out.clear & ~_SET[word]
        elif word in _CLEAR:
            out.set, out.clear = out.set & ~_CLEAR[word], out.clear | _CLEAR[word]
        elif word in _ATIME:
            out.set = (out.set & ~mount.ATTR_ATIME) | _ATIME[word]
            out.clear |= mount.ATTR_ATIME
        elif word[:1] == "r" and word[1:] in _SET:
            out.set_all |= _SET[word[1:]]
        elif word[:1] == "r" and word[1:] in _CLEAR:
            out.clear_all |= _CLEAR[word[1:]]
        elif word == "tmpcopyup":
            out.copy_up = True
        elif word.partition("=")[0] in ("idmap", "ridmap"):
            out.idmap = word
        elif word == "src-nofollow":
            out.strict_source = True
        elif word in _IGNORED or not word:
            continue
        else:
            name, equals, value = word.partition("=")
            out.data.append((name, value if equals else None))
    return out


def known() -> list[str]:
    """Every option that is not left to the file system."""
    own = ["bind", "rbind", "idmap", "ridmap", "tmpcopyup", "src-nofollow"]
    recursive = [f"r{name}" for name in (*_SET, *_CLEAR)]
    return sorted({*own, *recursive, *_SET, *_CLEAR, *_ATIME, *_PROPAGATION, *_IGNORED})


def propagation_of(word: str) -> tuple[int, bool]:
    """(MS_ flag, recursive) of linux.rootfsPropagation; (0, False) for none."""
    return _PROPAGATION.get(word, (0, False))
