"""`docker ps`: one summary per container, encoded once and kept until the container changes.

The status text ages ("Up 8 seconds"), so a cached summary carries the moment its text turns; a
hundred containers are listed by joining a hundred byte strings.
"""

from __future__ import annotations

import re
import time
from typing import Any

from orlop.container import inspect
from orlop.container.containers import Containers
from orlop.container.filters import check_names, labels_match
from orlop.container.model import Container, decode, encode
from orlop.container.times import NEVER, human, nanoseconds
from orlop.errors import InvalidArgument, NotFound, OrlopError, SystemFailure

Json = dict[str, Any]
Filters = dict[str, list[str]]

_KNOWN = (
    "ancestor", "before", "exited", "expose", "health", "id", "is-task", "isolation", "label",
    "name", "network", "publish", "since", "status", "task", "volume",
)  # fmt: skip
_STATES = ("created", "running", "paused", "restarting", "removing", "exited", "dead")
_HEALTH = ("none", "starting", "healthy", "unhealthy")
_PORT = re.compile(r"(\d+)(?:-(\d+))?(?:/(tcp|udp|sctp))?", re.ASCII | re.IGNORECASE)


class Summary:
    """A container's entry in the list: its bytes (a fifth of the document), when it turns."""

    __slots__ = ("created", "encoded", "made_at", "stale_at")

    def __init__(self, document: Json, created: int, made_at: int, stale_at: int) -> None:
        self.created = created  # ns, the order of the list
        self.made_at = made_at  # ns of the wall clock, which may be set back behind it
        self.stale_at = stale_at
        self.encoded = encode(document)

    @property
    def document(self) -> Json:
        """A fresh copy."""
        document: Json = decode(self.encoded)
        return document


def list_(
    containers: Containers,
    *,
    all: bool = False,
    limit: int = -1,
    filters: Filters | None = None,
    size: bool = False,
) -> list[Json]:
    """Newest first, as `/containers/json` answers."""
    out = []
    for container, summary in _chosen(containers, all, limit, filters or {}):
        document = summary.document
        if size:
            document = _with_size(containers, container, document)
        out.append(document)
    return out


def list_encoded(
    containers: Containers,
    *,
    all: bool = False,
    limit: int = -1,
    filters: Filters | None = None,
) -> bytes:
    """`list_` without sizes as a JSON array, without building it anew."""
    chosen = _chosen(containers, all, limit, filters or {})
    return b"[" + b",".join([summary.encoded for _, summary in chosen]) + b"]"


def _chosen(
    containers: Containers, all: bool, limit: int, filters: Filters
) -> list[tuple[Container, Summary]]:
    now = time.time_ns()
    every = all or limit > 0 or any(filters.get(k) for k in ("status", "exited", "before", "since"))
    accept = _matcher(containers, filters) if filters else None
    found = []
    for container in containers.all():
        if not every and not container.state.running:
            continue
        summary = container.summary
        if summary is None or not summary.made_at <= now < summary.stale_at:
            summary = summarize(containers, container, now)
            container.summary = summary
        if accept is None or accept(container, summary):
            found.append((container, summary))
    found.sort(key=lambda pair: pair[1].created, reverse=True)
    return found[:limit] if limit > 0 else found


def summarize(containers: Containers, container: Container, now: int) -> Summary:
    with container.lock:
        record = container.record
        host = container.host_config
        text, stale_at = status(container, now)
    created = nanoseconds(record.get("Created") or NEVER)
    config = record.get("Config") or {}
    document: Json = {
        "Id": container.id,
        "Names": containers.all_names(container),
        "Image": _image_name(containers, record, config),
        "ImageID": record.get("Image", ""),
        "Command": _command(record),
        "Created": created // 1_000_000_000,
        "Ports": _ports(record.get("NetworkSettings") or {}, config),
        "Labels": config.get("Labels") or {},
        "State": container.state.status,
        "Status": text,
        "HostConfig": _host(host),
        "NetworkSettings": {"Networks": inspect.networks(record.get("NetworkSettings") or {})},
        "Mounts": inspect.mounts(record, exact=False),
    }
    return Summary(document, created, now, stale_at)


def _host(host: Json) -> Json:
    out: Json = {"NetworkMode": host.get("NetworkMode", "")}
    if host.get("Annotations"):
        out["Annotations"] = host["Annotations"]
    return out


def _image_name(containers: Containers, record: Json, config: Json) -> str:
    """As the user wrote it, while that name still means this image; else the image's ID."""
    name = str(config.get("Image") or "")
    if not name or name == record.get("Image"):
        return str(record.get("Image") or name)
    try:
        if containers.images.get(name).id == record.get("Image"):
            return name
    except OrlopError:
        pass
    return str(record.get("Image") or name)


def _command(record: Json) -> str:
    """Words joined; one with a space is quoted, as Docker does."""
    words = [record.get("Path", "")]
    for word in record.get("Args") or ():
        words.append(f"'{word}'" if " " in word else word)
    return " ".join(words)


def _ports(settings: Json, config: Json) -> list[Json]:
    out: list[Json] = []
    for key, bindings in (settings.get("Ports") or {}).items():
        number, _, protocol = key.partition("/")
        if not bindings:
            out.append({"PrivatePort": int(number), "Type": protocol})
        for binding in bindings or ():
            entry: Json = {}
            if binding.get("HostIp"):
                entry["IP"] = binding["HostIp"]
            entry["PrivatePort"] = int(number)
            if binding.get("HostPort"):
                entry["PublicPort"] = int(binding["HostPort"])
            entry["Type"] = protocol
            out.append(entry)
    return out


def status(container: Container, now: int) -> tuple[str, int]:
    """(Docker's status text, the wall-clock ns at which it turns)."""
    s = container.state
    never = 1 << 62
    if container.damaged:
        return "Dead", never
    if s.running:
        if s.restarting:
            text, turns = _ago(s.finished_at, now)
            return f"Restarting ({s.exit_code}) {text} ago", turns
        text, turns = _ago(s.started_at, now)
        if s.paused:
            return f"Up {text} (Paused)", turns
        health = (s.health or {}).get("Status")
        if health == "starting":
            return f"Up {text} (health: starting)", turns
        return (f"Up {text} ({health})" if health in _HEALTH[2:] else f"Up {text}"), turns
    if s.removing:
        return "Removal In Progress", never
    if s.dead:
        return "Dead", never
    if s.started_at == NEVER:
        return "Created", never
    if s.finished_at == NEVER:
        return "", never
    text, turns = _ago(s.finished_at, now)
    return f"Exited ({s.exit_code}) {text} ago", turns


def _ago(since: str, now: int) -> tuple[str, int]:
    begun = nanoseconds(since)
    text, until = human((now - begun) / 1e9)
    return text, begun + int(until * 1e9)


def _with_size(containers: Containers, container: Container, document: Json) -> Json:
    try:
        written, total = inspect.sizes(containers, container)
    except (OrlopError, OSError):
        return document
    out: Json = {}
    for key, value in document.items():
        if key == "Labels":
            if written:
                out["SizeRw"] = written
            if total:
                out["SizeRootFs"] = total
        out[key] = value
    return out


def _matcher(containers: Containers, filters: Filters) -> Any:
    """The filters as one predicate. Raises what Docker raises for bad ones."""
    check_names(filters, _KNOWN)
    tests = []
    for name, test in _TESTS.items():
        values = filters.get(name)
        if values:
            tests.append(test(containers, values))
    if filters.get("label"):
        tests.append(lambda c, s: labels_match(s.document["Labels"], {"label": filters["label"]}))
    return lambda container, summary: all(test(container, summary) for test in tests)


def _by_status(containers: Containers, values: list[str]) -> Any:
    for value in values:
        if value not in _STATES:
            raise InvalidArgument(
                f"invalid filter 'status={value}': invalid value for state ({value}): "
                f"must be one of {', '.join(_STATES)}"
            )
    return lambda c, s: s.document["State"] in values


def _by_exit(containers: Containers, values: list[str]) -> Any:
    codes = set()
    for value in values:
        if not re.fullmatch(r"[+-]?\d{1,9}", value, re.ASCII):
            raise InvalidArgument(
                f"invalid filter 'exited={value}': "
                f'strconv.Atoi: parsing "{value}": invalid syntax'
            )
        codes.add(int(value))
    return lambda c, s: (
        not c.state.running and c.state.started_at != NEVER and c.state.exit_code in codes
    )


def _by_health(containers: Containers, values: list[str]) -> Any:
    for value in values:
        if value not in _HEALTH:
            raise InvalidArgument(
                f"invalid filter 'health={value}': invalid value for health ({value}): "
                f"must be one of {', '.join(_HEALTH)}"
            )
    return lambda c, s: ((c.state.health or {}).get("Status") or "none") in values


def _boundary(containers: Containers, values: list[str], newer: bool) -> Any:
    bound = None
    for value in values:
        bound = nanoseconds(containers.get(value).record["Created"])
    assert bound is not None
    limit = bound
    return lambda c, s: s.created > limit if newer else s.created < limit


def _by_name(containers: Containers, values: list[str]) -> Any:
    patterns = []
    for value in values:
        try:
            patterns.append(re.compile(value))
        except re.error:
            continue  # as with dockerd: nothing has such a name
    return lambda c, s: any(p.search(c.name) or p.search(f"/{c.name}") for p in patterns)


def _by_ancestor(containers: Containers, values: list[str]) -> Any:
    images: set[str] = set()
    for value in values:
        try:
            todo = [containers.images.get(value)]
        except (NotFound, InvalidArgument):
            continue
        while todo:
            image = todo.pop()
            images.add(image.id)
            todo += [i for i in containers.images.children(image.id) if i.id not in images]
    return lambda c, s: s.document["ImageID"] in images


def _by_network(containers: Containers, values: list[str]) -> Any:
    def test(container: Container, summary: Summary) -> bool:
        for name, endpoint in summary.document["NetworkSettings"]["Networks"].items():
            id = endpoint.get("NetworkID") or ""
            if any(v in (name, id) or (len(v) >= 2 and id.startswith(v)) for v in values):
                return True
        return False

    return test


def _by_volume(containers: Containers, values: list[str]) -> Any:
    return lambda c, s: any(
        m.get("Name") in values or m["Destination"] in values or m["Source"] in values
        for m in s.document["Mounts"]
    )


def _by_port(containers: Containers, values: list[str], key: str, what: str) -> Any:
    wanted: set[tuple[int, str]] = set()
    for value in values:
        match = _PORT.fullmatch(value)
        if match is None:
            text = value.partition("/")[0]
            if text.isascii() and text.isdigit():
                continue  # another protocol: nothing has it
            raise SystemFailure(
                f"error while looking up for {what} {value}: "
                f'strconv.ParseUint: parsing "{text}": invalid syntax'
            )
        low, high = int(match[1]), int(match[2] or match[1])
        if not low <= high <= 65535:
            text = match[1] if low > 65535 else match[2] or match[1]
            why = f"Invalid range specified for the Port: {value}"
            if int(text) > 65535:
                why = f'strconv.ParseUint: parsing "{text}": value out of range'
            raise SystemFailure(f"error while looking up for {what} {value}: {why}")
        protocol = (match[3] or "tcp").lower()
        wanted.update((n, protocol) for n in range(low, high + 1))
    if key == "PublicPort":
        return lambda c, s: any((p.get(key), p["Type"]) in wanted for p in s.document["Ports"])

    def exposed(container: Container, summary: Summary) -> bool:
        ports = container.config.get("ExposedPorts") or {}
        pairs = (p.partition("/") for p in ports)
        return any((int(n), t or "tcp") in wanted for n, _, t in pairs if n.isdigit())

    return exposed


def _by_task(containers: Containers, values: list[str]) -> Any:
    if any(v.lower() not in ("true", "false", "1", "0", "t", "f") for v in values):
        raise InvalidArgument(f"invalid filter 'is-task=[{' '.join(values)}]'")
    wants = values[0].lower() in ("true", "1", "t")
    return lambda c, s: not wants  # no swarm tasks here


_TESTS: dict[str, Any] = {
    "status": _by_status,
    "exited": _by_exit,
    "health": _by_health,
    "before": lambda cs, v: _boundary(cs, v, newer=False),
    "since": lambda cs, v: _boundary(cs, v, newer=True),
    "id": lambda cs, v: lambda c, s: any(c.id.startswith(x) for x in v),
    "name": _by_name,
    "ancestor": _by_ancestor,
    "network": _by_network,
    "volume": _by_volume,
    "publish": lambda cs, v: _by_port(cs, v, "PublicPort", "publish"),
    "expose": lambda cs, v: _by_port(cs, v, "PrivatePort", "expose"),
    "is-task": _by_task,
}
