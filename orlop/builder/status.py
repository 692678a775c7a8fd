"""Events → BuildKit's status documents, a JSON object each: vertexes, logs, statuses, warnings.

Pure. Source: buildx `--progress=rawjson`; data is base64, times are RFC 3339.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from typing import Any

from orlop.builder import events as ev
from orlop.image.times import rfc3339nano

Json = dict[str, Any]


def statuses(events: Iterable[ev.Event]) -> Iterator[Json]:
    """One document per event that a client can show."""
    started: dict[str, int] = {}
    for event in events:
        if isinstance(event, ev.Started):
            started[event.vertex.id] = event.at_ns
        found = _status(event, started)
        if found is not None:
            yield found


def name_of(vertex: ev.Vertex) -> str:
    """`[stage 2/5] RUN …`"""
    text = vertex.text.partition("\n")[0]
    stage = f"{vertex.stage} " if vertex.stages > 1 else ""
    if stage and vertex.stage.isdigit():
        stage = f"stage-{stage}"
    return f"[{stage}{vertex.position}/{vertex.count}] {text}"


def _status(event: ev.Event, started: dict[str, int]) -> Json | None:
    if isinstance(event, ev.Planned):
        return {"vertexes": [_vertex(v) for v in event.vertices]}
    if isinstance(event, ev.Started):
        return {"vertexes": [_vertex(event.vertex, started=event.at_ns)]}
    if isinstance(event, ev.Completed):
        found = _vertex(event.vertex, started=started.get(event.vertex.id, event.at_ns))
        found["completed"] = rfc3339nano(event.at_ns)
        if event.cached:
            found["cached"] = True
        if event.error:
            found["error"] = event.error
        return {"vertexes": [found]}
    if isinstance(event, ev.Log):
        return {"logs": [_log(event.vertex, event.stream or 1, event.data, event.at_ns)]}
    if isinstance(event, ev.Explained):
        word = "hit" if event.hit else "miss"
        text = "".join(f"cache {word}: {reason}\n" for reason in event.reasons)
        return {"logs": [_log(event.vertex, 1, text.encode(), 0)]}
    if isinstance(event, ev.Progress):
        return {"statuses": [_progress(event)]}
    if isinstance(event, ev.Running):
        return {"containers": [{"vertex": event.vertex.id, "id": event.container}]}
    if isinstance(event, ev.Warning):
        return {"warnings": [{"short": event.text, "line": event.line}]}
    if isinstance(event, ev.Finished):
        rows = [{"uri": uri, "digest": digest} for uri, digest in event.materials]
        return {"aux": {"ID": event.image}, "tags": list(event.tags), "materials": rows}
    return None


def _vertex(vertex: ev.Vertex, *, started: int = 0) -> Json:
    out: Json = {"digest": vertex.id, "name": name_of(vertex)}
    if vertex.inputs:
        out["inputs"] = list(vertex.inputs)
    if started:
        out["started"] = rfc3339nano(started)
    return out


def _log(vertex: ev.Vertex, stream: int, data: bytes, at_ns: int) -> Json:
    return {
        "vertex": vertex.id,
        "stream": stream,
        "data": base64.b64encode(data).decode(),
        "timestamp": rfc3339nano(at_ns),
    }


def _progress(event: ev.Progress) -> Json:
    message = event.message
    detail = message.get("progressDetail") or {}
    return {
        "id": message.get("id") or message.get("status") or "",
        "vertex": event.vertex.id,
        "name": message.get("status") or "",
        "current": detail.get("current") or 0,
        "total": detail.get("total") or 0,
    }
