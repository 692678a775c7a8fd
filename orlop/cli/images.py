"""`images`, `history` and `search`: the lists about images."""

from orlop.cli.failure import Failure
from orlop.cli.listing import Row, format_of, local_time, show
from orlop.cli.options import Options
from orlop.cli.out import err
from orlop.cli.reference import parse
from orlop.cli.session import Session
from orlop.cli.units import human_duration, human_size
from orlop.client.transport import query, quote
from orlop.oci.jsonlite import dumps
from orlop.text import ellipsis, go_quote, short_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]

HEADERS = {
    "ID": "IMAGE ID", "Repository": "REPOSITORY", "Tag": "TAG", "Digest": "DIGEST",
    "CreatedSince": "CREATED", "CreatedAt": "CREATED AT", "Size": "SIZE",
    "Containers": "CONTAINERS", "VirtualSize": "SIZE", "SharedSize": "SHARED SIZE",
    "UniqueSize": "UNIQUE SIZE",
}  # fmt: skip
_HISTORY = {
    "ID": "IMAGE", "CreatedSince": "CREATED", "CreatedAt": "CREATED AT",
    "CreatedBy": "CREATED BY", "Size": "SIZE", "Comment": "COMMENT",
}  # fmt: skip
_SEARCH = {
    "Name": "NAME", "Description": "DESCRIPTION", "StarCount": "STARS", "IsOfficial": "OFFICIAL",
}  # fmt: skip
_VERBS = ("build", "history", "import", "inspect", "list", "load", "ls", "prune", "pull", "push",
          "rm", "save", "tag")  # fmt: skip
_RAW = "image_id: {{.ID}}\ncreated_at: {{.CreatedAt}}\nvirtual_size: {{.Size}}\n"


class Image(Row):
    """One repository:tag of an entry of /images/json."""

    TYPE = "*formatter.imageContext"
    __slots__ = ("digest", "i", "repo", "tag", "trunc")

    def __init__(self, image: "Json", repo: str, tag: str, digest: str, trunc: bool) -> None:
        self.i = image
        self.repo = repo
        self.tag = tag
        self.digest = digest
        self.trunc = trunc

    def ID(self) -> str:
        return short_id(self.i["Id"]) if self.trunc else str(self.i["Id"])

    def Repository(self) -> str:
        return self.repo

    def Tag(self) -> str:
        return self.tag

    def Digest(self) -> str:
        return self.digest

    def CreatedSince(self) -> str:
        import time

        created = self.i.get("Created") or 0
        return human_duration(time.time() - created) + " ago"

    def CreatedAt(self) -> str:
        return local_time(self.i.get("Created") or 0)

    def Size(self) -> str:
        return human_size(self.i.get("Size") or 0, 3)

    def Containers(self) -> str:
        count = self.i.get("Containers", 0)
        return "N/A" if count == -1 else str(count)

    def VirtualSize(self) -> str:
        return human_size(self.i.get("Size") or 0)

    def SharedSize(self) -> str:
        shared = self.i.get("SharedSize", 0)
        return "N/A" if shared == -1 else human_size(shared)

    def UniqueSize(self) -> str:
        size, shared = self.i.get("Size", 0), self.i.get("SharedSize", 0)
        return "N/A" if -1 in (size, shared) else human_size(size - shared)


def is_dangling(image: "Json") -> bool:
    tags, digests = image.get("RepoTags") or [], image.get("RepoDigests") or []
    return (not tags and not digests) or (
        tags == ["<none>:<none>"] and digests == ["<none>@<none>"]
    )


def rows_of(image: "Json", trunc: bool, with_digest: bool, digests: bool) -> list[Image]:
    """A row for every tag; `with_digest` pairs tags and digests, `digests` is --digests."""
    if is_dangling(image):
        return [Image(image, "<none>", "<none>", "<none>", trunc)]
    tags: dict[str, list[str]] = {}
    hashes: dict[str, list[str]] = {}
    for text in [*(image.get("RepoTags") or ()), *(image.get("RepoDigests") or ())]:
        try:
            ref = parse(text)
        except ValueError:
            continue
        if ref.digest:
            hashes.setdefault(ref.familiar_name, []).append(ref.digest)
        elif ref.tag:
            tags.setdefault(ref.familiar_name, []).append(ref.tag)
    rows = []
    for repo, names in tags.items():
        found = hashes.pop(repo, [])
        for tag in names:
            for digest in (found if with_digest else []) or ["<none>"]:
                rows.append(Image(image, repo, tag, digest, trunc))
    for repo, found in hashes.items():
        for digest in found if digests else [""]:
            rows.append(Image(image, repo, "<none>", digest, trunc))
    return rows


def final_format(format_: str, quiet: bool, digests: bool) -> str:
    if format_ in ("", "table"):
        return "{{.ID}}" if quiet else ""
    if format_ == "raw":
        if quiet:
            return "image_id: {{.ID}}"
        middle = "digest: {{.Digest}}\n" if digests else ""
        return "repository: {{ .Repository }}\ntag: {{.Tag}}\n" + middle + _RAW
    if format_.startswith("table") and digests and "{{.Digest}}" not in format_:
        return format_ + "\t{{.Digest}}"
    return format_


def columns(digests: bool) -> tuple[str, ...]:
    middle = ("Digest",) if digests else ()
    return ("Repository", "Tag", *middle, "ID", "CreatedSince", "Size")


def images(session: Session, options: Options) -> None:
    given: Any = options.map("filter")
    filters: dict[str, Any] = {k: dict(v) for k, v in given.items()}
    name = options.args[0] if options.args else ""
    if name:
        filters.setdefault("reference", {})[name] = True
    if options.flag("tree"):
        from orlop.cli.imagetree import tree

        tree(session, options, filters)
        return
    found = session.client.call(
        "GET",
        "/images/json"
        + query({"all": options.flag("all"), "filters": dumps(filters) if filters else None}),
    )
    quiet, digests = options.flag("quiet"), options.flag("digests")
    format_ = format_of(options.text("format"), session.config.get("imagesFormat"), quiet)
    wanted = final_format(format_, quiet, digests)
    paired = digests or "{{.Digest}}" in wanted
    trunc = not options.flag("no-trunc")
    rows = [r for image in found or () for r in rows_of(image, trunc, paired, digests)]
    show(rows, HEADERS, columns(digests), wanted)
    if name in _VERBS and not found and session.path == "images":
        err(f'\nNo images found matching {go_quote(name)}: did you mean "orlop image {name}"?\n')


class History(Row):
    TYPE = "*image.historyContext"
    __slots__ = ("h", "human", "trunc")

    def __init__(self, entry: "Json", trunc: bool, human: bool) -> None:
        self.h = entry
        self.trunc = trunc
        self.human = human

    def ID(self) -> str:
        return short_id(self.h["Id"]) if self.trunc else str(self.h["Id"])

    def CreatedAt(self) -> str:
        import time

        moment = time.localtime(self.h["Created"])
        zone = time.strftime("%z", moment)
        zone = "Z" if zone == "+0000" else f"{zone[:3]}:{zone[3:]}"
        return time.strftime("%Y-%m-%dT%H:%M:%S", moment) + zone

    def CreatedSince(self) -> str:
        import time

        if not self.human:
            return self.CreatedAt()
        created = self.h["Created"]
        if created <= 946684800:  # before 2000: no time was recorded
            return "N/A"
        return human_duration(time.time() - created) + " ago"

    def CreatedBy(self) -> str:
        text = str(self.h.get("CreatedBy") or "").replace("\t", " ")
        return ellipsis(text, 45) if self.trunc else text

    def Size(self) -> str:
        size = self.h.get("Size") or 0
        return human_size(size, 3) if self.human else str(size)

    def Comment(self) -> str:
        return str(self.h.get("Comment") or "")


def history(session: Session, options: Options) -> None:
    platform = ""
    if options.text("platform"):
        from orlop.cli.platform import to_json

        try:
            platform = to_json(options.text("platform"))
        except Failure as e:
            raise Failure("invalid platform: " + e.message) from None
    found = session.client.call(
        "GET",
        f"/images/{quote(options.args[0], b'/:@')}/history" + query({"platform": platform}),
    )
    human, trunc = options.flag("human", True), not options.flag("no-trunc")
    format_ = options.text("format")
    if format_ in ("", "table"):
        format_ = "{{.ID}}" if options.flag("quiet") else ""
    rows = [History(entry, trunc, human) for entry in found or ()]
    created = "CreatedSince" if human else "CreatedAt"
    show(rows, _HISTORY, ("ID", created, "CreatedBy", "Size", "Comment"), format_)


class Result(Row):
    TYPE = "*registry.searchContext"
    __slots__ = ("json", "s", "trunc")

    def __init__(self, result: "Json", trunc: bool) -> None:
        self.s = result
        self.trunc = trunc
        self.json = False

    def Name(self) -> str:
        return str(self.s.get("name") or "")

    def Description(self) -> str:
        text = str(self.s.get("description") or "").replace("\n", " ").replace("\r", " ")
        return ellipsis(text, 45) if self.trunc else text

    def StarCount(self) -> str:
        return str(self.s.get("star_count") or 0)

    def IsOfficial(self) -> str:
        official = bool(self.s.get("is_official"))
        if self.json:
            return "true" if official else "false"
        return "[OK]" if official else ""

    def as_json(self) -> "Json":
        self.json = True
        return super().as_json()


def search(session: Session, options: Options) -> None:
    from orlop.cli.credentials import header

    term = options.args[0]
    filters = options.map("filter")
    if "is-automated" in filters:
        err(
            'WARNING: the "is-automated" filter is deprecated, and searching for '
            '"is-automated=true" will not yield any results in future.\n'
        )
    if "://" in term:
        raise Failure(f"invalid repository name: repository name ({term}) should not have a scheme")
    first, slash, _ = term.partition("/")
    domain = first if slash and ("." in first or ":" in first or first == "localhost") else ""
    limit = options.number("limit")
    found = session.client.call(
        "GET",
        "/images/search"
        + query(
            {
                "filters": dumps(filters) if filters else None,
                "limit": limit if limit > 0 else None,
                "term": term,
            }
        ),
        headers=[header(session, domain or "docker.io")],
    )
    trunc = not options.flag("no-trunc")
    rows = [Result(r, trunc) for r in found or ()]
    show(rows, _SEARCH, tuple(_SEARCH), format_of(options.text("format"), "", False))
