"""`images --tree`: images with their platforms below them."""

import posix

from orlop.cli.failure import Failure
from orlop.cli.images import is_dangling
from orlop.cli.options import Options
from orlop.cli.out import out
from orlop.cli.session import Session
from orlop.cli.table import width
from orlop.cli.units import human_size
from orlop.client.transport import query
from orlop.oci.jsonlite import dumps
from orlop.text import ellipsis, short_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]

_GAP = 3
_TITLES = (("ID", 12), ("DISK USAGE", 10), ("CONTENT SIZE", 12), ("EXTRA", 5))
# Docker colours the titles even in a pipe
_TITLE = ("\x1b[39m\x1b[1m", "\x1b[0m")


def tree(session: Session, options: Options, filters: "Json") -> None:
    for flag, name in (
        ("quiet", "quiet"),
        ("no-trunc", "no-trunc"),
        ("digests", "show-digest"),
        ("format", "format"),
    ):
        if options.changed(flag):
            raise Failure(f"--{name} is not yet supported with --tree")
    everything = options.flag("all")
    found = session.client.call(
        "GET",
        "/images/json"
        + query(
            {
                "all": everything,
                "filters": dumps(filters) if filters else None,
                "manifests": True,
            }
        ),
    )
    images = [i for i in found or () if everything or not is_dangling(i)]
    try:
        columns = posix.get_terminal_size(1).columns or 80
    except (OSError, ValueError):
        columns = 80
    out(render(images, max(columns, 20)))


def render(images: "list[Json]", columns: int) -> str:
    """The whole picture, `columns` wide at most."""
    entries = sorted(images, key=lambda i: -(i.get("Created") or 0))
    legend = "Info ->  U In Use "
    lines = [
        "WARNING: This is an experimental feature. The output may change and shouldn't be "
        "depended on.",
        legend.rjust(columns),
        "",
    ]
    shown, first = _widths(columns, entries)
    spacing = any(_children(i) for i in entries)
    chips = any(c["in_use"] for i in entries for c in _children(i))
    titles = [_title("IMAGE", first, False)]
    titles += [_title(t, w, t in ("DISK USAGE", "CONTENT SIZE")) for t, w in _TITLES[:shown]]
    text = "\n".join(lines) + "\n" + (" " * _GAP).join(titles) + "\n"
    for image in entries:
        children = _children(image)
        names = sorted(image.get("RepoTags") or ["<untagged>"], key=lambda n: -len(n))
        for name in names[:-1]:
            text += ellipsis(name, columns) + "\n"
        text += _left(names[-1], first) + _details(_details_of(image, children), shown, chips)
        if children or spacing:
            text += "\n"
        for at, child in enumerate(children):
            branch = "└─ " if at == len(children) - 1 else "├─ "
            text += _left(branch + child["platform"], first)
            text += _details(child, shown, chips) + "\n"
        text += "\n"
    return text


def _children(image: "Json") -> "list[Json]":
    found = []
    for manifest in image.get("Manifests") or ():
        if manifest.get("Kind") != "image":
            continue
        data = manifest.get("ImageData") or {}
        platform = data.get("Platform") or {}
        parts = (platform.get("os"), platform.get("architecture"), platform.get("variant"))
        found.append(
            {
                "platform": "/".join(p for p in parts if p),
                "id": manifest.get("ID", ""),
                "usage": human_size((manifest.get("Size") or {}).get("Total") or 0, 3),
                "content": human_size((manifest.get("Size") or {}).get("Content") or 0, 3),
                "in_use": bool(data.get("Containers")),
            }
        )
    return found


def _details_of(image: "Json", children: "list[Json]") -> "Json":
    content = sum((m.get("Size") or {}).get("Content") or 0 for m in image.get("Manifests") or ())
    return {
        "id": image.get("Id", ""),
        "usage": human_size(image.get("Size") or 0, 3),
        "content": human_size(content, 3),
        "in_use": image.get("Containers", 0) > 0 or any(c["in_use"] for c in children),
    }


def _details(d: "Json", shown: int, chips: bool) -> str:
    extra = ("U" if d["in_use"] else " ") if chips else ""
    cells = (
        f"{short_id(d['id']):<12}",
        f"{d['usage']:>10}",
        f"{d['content']:>12}",
        f"{extra:<5}",
    )
    return "".join(" " * _GAP + c for c in cells[:shown])


def _widths(columns: int, images: "list[Json]") -> tuple[int, int]:
    """(columns shown after the first, width of the first)."""
    room, shown = columns, 0
    for _, size in _TITLES:
        if room - size - _GAP < 12:
            break
        room -= size + _GAP
        shown += 1
    names = [n for i in images for n in i.get("RepoTags") or ()]
    names += ["└─ " + c["platform"] for i in images for c in _children(i)]
    widest = max([len("Image"), *(width(n) for n in names)])
    return shown, min(room, widest)


def _title(text: str, size: int, right: bool) -> str:
    blanks = " " * (size - len(text))
    shown = f"{_TITLE[0]}{text}{_TITLE[1]}"
    return blanks + shown if right else shown + blanks


def _left(text: str, size: int) -> str:
    return ellipsis(text, size) if width(text) > size else text + " " * (size - width(text))
