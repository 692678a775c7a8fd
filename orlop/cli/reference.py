"""Image references as the CLI needs them: check, complete, shorten. No `re`: this is a hot path.

Source: distribution/reference. The engine has its own reader; the CLI must err before it asks.
"""

_LOWER = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_ALNUM = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_HEX = frozenset("0123456789abcdef")
_WRONG = "invalid reference format"


class Reference:
    """domain/path[:tag][@digest], complete."""

    __slots__ = ("digest", "domain", "path", "tag")

    def __init__(self, domain: str, path: str, tag: str, digest: str) -> None:
        self.domain = domain
        self.path = path
        self.tag = tag
        self.digest = digest

    @property
    def familiar_name(self) -> str:
        if self.domain != "docker.io":
            return f"{self.domain}/{self.path}"
        short = self.path.removeprefix("library/")
        return short if "/" not in short else self.path

    @property
    def suffix(self) -> str:
        text = f":{self.tag}" if self.tag else ""
        return text + (f"@{self.digest}" if self.digest else "")

    @property
    def familiar(self) -> str:
        return self.familiar_name + self.suffix

    def __str__(self) -> str:
        return f"{self.domain}/{self.path}{self.suffix}"

    def tagged(self) -> "Reference":
        """With the tag latest when neither tag nor digest is there."""
        if self.tag or self.digest:
            return self
        return Reference(self.domain, self.path, "latest", "")


def is_identifier(text: str) -> bool:
    return len(text) == 64 and set(text) <= _HEX


def parse(text: str) -> Reference:
    """Raises ValueError with Docker's words."""
    if is_identifier(text):
        raise ValueError(
            f"invalid repository name ({text}), cannot specify 64-byte hexadecimal strings"
        )
    domain, rest = _split_domain(text)
    remote = rest.partition(":")[0]
    if remote.lower() != remote:
        raise ValueError(f"{_WRONG}: repository name ({remote}) must be lowercase")
    name, at, digest = rest.partition("@")
    path, colon, tag = name.partition(":")
    if at:
        _check_digest(digest)
    if (colon and not _is_tag(tag)) or not _is_domain(domain) or not _is_path(path):
        raise ValueError(_WRONG)
    if len(path) > 255:
        raise ValueError("repository name must not be more than 255 characters")
    return Reference(domain, path, tag, digest)


def parse_any(text: str) -> Reference | None:
    """As parse, but None for an image ID (64 hex characters or a digest)."""
    if is_identifier(text) or (text.startswith("sha256:") and is_identifier(text[7:])):
        return None
    return parse(text)


def _split_domain(text: str) -> tuple[str, str]:
    first, slash, rest = text.partition("/")
    if not slash:
        return "docker.io", "library/" + text
    if first == "index.docker.io":
        domain = "docker.io"
    elif first == "localhost" or "." in first or ":" in first or first.lower() != first:
        domain = first
    else:
        domain, rest = "docker.io", text
    if domain == "docker.io" and "/" not in rest:
        rest = "library/" + rest
    return domain, rest


def _is_path(path: str) -> bool:
    return all(_is_component(part) for part in path.split("/"))


def _is_component(part: str) -> bool:
    """Lower case letters and digits, joined by one dot, one or two underscores, or any hyphens."""
    if not part or part[0] not in _LOWER or part[-1] not in _LOWER:
        return False
    run = ""
    for char in part:
        if char in _LOWER:
            if run and run not in (".", "_", "__") and run.strip("-"):
                return False
            run = ""
        elif char in "._-":
            run += char
        else:
            return False
    return True


def _is_tag(tag: str) -> bool:
    return (
        0 < len(tag) <= 128
        and (tag[0] in _ALNUM or tag[0] == "_")
        and all(c in _ALNUM or c in "_.-" for c in tag)
    )


def _is_domain(domain: str) -> bool:
    if domain.startswith("["):
        host, close, port = domain[1:].partition("]")
        if not close or not host or not set(host.lower()) <= _HEX | {":"}:
            return False
        return not port or (port[0] == ":" and port[1:].isdigit())
    host, colon, port = domain.partition(":")
    if colon and not (port.isascii() and port.isdigit()):
        return False
    return all(
        part
        and part[0] in _ALNUM
        and part[-1] in _ALNUM
        and all(c in _ALNUM or c == "-" for c in part)
        for part in host.split(".")
    )


def _check_digest(digest: str) -> None:
    algorithm, colon, value = digest.partition(":")
    sizes = {"sha256": 64, "sha384": 96, "sha512": 128}
    good = set(value) <= _HEX | set("ABCDEF") and len(value) >= 32
    if not colon or not algorithm[:1].isalpha() or not good:
        raise ValueError(_WRONG)
    if algorithm not in sizes:
        raise ValueError("unsupported digest algorithm")
    if len(value) != sizes[algorithm]:
        raise ValueError("invalid checksum digest length")
    if not set(value) <= _HEX:
        raise ValueError("invalid checksum digest format")


def check(text: str) -> str:
    """Repository:tag to show when `text` is not here ("" for an ID). Raises ValueError."""
    found = parse_any(text)
    return "" if found is None else found.tagged().familiar
