"""`container prune`, `image prune`, `network prune`, `volume prune`, `system prune`."""

from functools import partial

from orlop.cli.failure import Failure
from orlop.cli.listing import natural
from orlop.cli.options import Options
from orlop.cli.out import out
from orlop.cli.prompt import confirm
from orlop.cli.session import Session
from orlop.cli.units import human_size
from orlop.client.transport import query
from orlop.oci.jsonlite import dumps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Filters = dict[str, dict[str, bool]]

_SURE = "\nAre you sure you want to continue?"


def _filters(session: Session, options: Options) -> "Filters":
    """--filter, and the pruneFilters of the CLI's config that it does not override."""
    given: Any = options.map("filter")
    found: Filters = {k: dict(v) for k, v in given.items()}
    for entry in session.config.get("pruneFilters") or ():
        key, equals, value = str(entry).partition("=")
        if not equals:
            continue
        if key == "label" and value in found.get("label!", {}):
            continue
        if key == "label!" and value in found.get("label", {}):
            continue
        found.setdefault(key, {})[value] = True
    return found


def _call(session: Session, path: str, filters: "Filters") -> "Any":
    return session.client.call(
        "POST", path + query({"filters": dumps(filters) if filters else None})
    )


def _containers(session: Session, filters: "Filters") -> tuple[int, str]:
    report = _call(session, "/containers/prune", filters)
    return _deleted("Deleted Containers:", report.get("ContainersDeleted"), report)


def _deleted(title: str, names: "list[str] | None", report: "Any") -> tuple[int, str]:
    if not names:
        return 0, ""
    text = title + "\n" + "".join(n + "\n" for n in names)
    return int(report.get("SpaceReclaimed") or 0), text


def _networks(session: Session, filters: "Filters") -> tuple[int, str]:
    report = _call(session, "/networks/prune", filters)
    return _deleted("Deleted Networks:", report.get("NetworksDeleted"), report)


def _volumes(session: Session, filters: "Filters") -> tuple[int, str]:
    report = _call(session, "/volumes/prune", filters)
    return _deleted("Deleted Volumes:", report.get("VolumesDeleted"), report)


def _images(session: Session, filters: "Filters", everything: bool) -> tuple[int, str]:
    wish = {"false" if everything else "true": True}
    filters = {**filters, "dangling": {**filters.get("dangling", {}), **wish}}
    report = _call(session, "/images/prune", filters)
    removed = report.get("ImagesDeleted") or []
    if not removed:
        return 0, ""
    text = "Deleted Images:\n"
    for one in removed:
        if one.get("Untagged"):
            text += f"untagged: {one['Untagged']}\n"
        else:
            text += f"deleted: {one.get('Deleted', '')}\n"
    return int(report.get("SpaceReclaimed") or 0), text


def _report(space: int, text: str) -> None:
    if text:
        out(text + "\n")
    out(f"Total reclaimed space: {human_size(space)}\n")


def container(session: Session, options: Options) -> None:
    if not options.flag("force") and not confirm(
        "WARNING! This will remove all stopped containers." + _SURE
    ):
        return
    _report(*_containers(session, _filters(session, options)))


def image(session: Session, options: Options) -> None:
    everything = options.flag("all")
    what = (
        "all images without at least one container associated to them"
        if everything
        else "all dangling images"
    )
    if not options.flag("force") and not confirm(f"WARNING! This will remove {what}." + _SURE):
        return
    _report(*_images(session, _filters(session, options), everything))


def network(session: Session, options: Options) -> None:
    if not options.flag("force") and not confirm(
        "WARNING! This will remove all custom networks not used by at least one container." + _SURE
    ):
        return
    _, text = _networks(session, _filters(session, options))
    if text:
        out(text + "\n")


def volume(session: Session, options: Options) -> None:
    filters = _filters(session, options)
    what = "anonymous local volumes"
    if options.flag("all"):
        if "all" in filters:
            raise Failure("conflicting options: cannot specify both --all and --filter all=1")
        filters["all"] = {"true": True}
        what = "all local volumes"
    if not options.flag("force") and not confirm(
        f"WARNING! This will remove {what} not used by at least one container.{_SURE}"
    ):
        return
    _report(*_volumes(session, filters))


def _warning(options: Options, filters: "Filters") -> str:
    lines = ["all stopped containers", "all networks not used by at least one container"]
    if options.flag("volumes"):
        lines.append("all anonymous volumes not used by at least one container")
    if options.flag("all"):
        lines += ["all images without at least one container associated to them", "all build cache"]
    else:
        lines += ["all dangling images", "unused build cache"]
    text = "WARNING! This will remove:" + "".join(f"\n  - {line}" for line in lines) + "\n"
    shown = sorted(
        (f"{k}={v}" for k in ("label", "label!", "until") for v in filters.get(k, ())),
        key=natural,
    )
    if shown:
        text += "\n  Items to be pruned will be filtered with:"
        text += "".join(f"\n  - {line}" for line in shown) + "\n"
    return text + _SURE


def system(session: Session, options: Options) -> None:
    filters = _filters(session, options)
    if options.flag("volumes") and "until" in filters:
        raise Failure('ERROR: The "until" filter is not supported with "--volumes"')
    if not options.flag("force") and not confirm(_warning(options, filters)):
        return
    total = 0
    steps = [_containers, _networks, *([_volumes] if options.flag("volumes") else [])]
    everything = options.flag("all")
    results: list[Callable[[], tuple[int, str]]] = [partial(s, session, filters) for s in steps]
    results.append(lambda: _images(session, filters, everything))
    results.append(lambda: _build_cache(session, filters, everything))
    for result in results:
        space, text = result()
        total += space
        if text:
            out(text + "\n")
    out(f"Total reclaimed space: {human_size(total)}\n")


def builder(session: Session, options: Options) -> None:
    everything = options.flag("all")
    what = "all build cache" if everything else "all dangling build cache"
    if not options.flag("force") and not confirm(f"WARNING! This will remove {what}." + _SURE):
        return
    filters = _filters(session, options)
    space, text = _build_cache(session, filters, everything, options.number("keep-storage"))
    if text:
        out(text + "\n")
    out(f"Total:\t{human_size(space)}\n")


def _build_cache(
    session: Session, filters: "Filters", everything: bool, keep: int = 0
) -> tuple[int, str]:
    path = "/build/prune" + query(
        {
            "all": everything,
            "filters": dumps(filters) if filters else "{}",
            "keep-storage": keep or None,
        }
    )
    report = session.client.call("POST", path)
    names = (report or {}).get("CachesDeleted")
    return _deleted("Deleted build cache objects:", names, report)
