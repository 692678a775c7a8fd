from __future__ import annotations

from orlop.builder import events as ev
from orlop.builder.classic import classic
from orlop.builder.status import name_of, statuses

ONE = ev.Vertex("sha256:1", 1, 2, "a", "FROM x", 1, stages=2)
TWO = ev.Vertex("sha256:2", 2, 2, "1", "FROM y", 2, ("sha256:1",), stages=2)
IMAGE = "sha256:" + "ab" * 32


def text(events: list[ev.Event]) -> str:
    return "".join(m.get("stream", "") for m in classic(events))


def test_steps_side_by_side_are_told_in_order() -> None:
    events: list[ev.Event] = [
        ev.Planned((ONE, TWO)),
        ev.Started(TWO, 1),
        ev.Started(ONE, 2),
        ev.Log(TWO, 1, b"two\n"),
        ev.Completed(TWO, 3, IMAGE, cached=True),
        ev.Log(ONE, 2, b"one\n"),
        ev.Completed(ONE, 4, IMAGE),
        ev.Finished(IMAGE, ("t:1",)),
    ]
    assert text(events) == (
        "Step 1/2 : FROM x\n\x1b[91mone\n\x1b[0m ---> abababababab\n"
        "Step 2/2 : FROM y\ntwo\n ---> Using cache\n ---> abababababab\n"
        "Successfully built abababababab\nSuccessfully tagged t:1\n"
    )


def test_quiet_tells_the_image_only() -> None:
    events: list[ev.Event] = [ev.Planned((ONE,)), ev.Started(ONE, 1), ev.Finished(IMAGE)]
    assert list(classic(events, quiet=True)) == [{"stream": IMAGE + "\n"}]


def test_the_same_events_as_status_documents() -> None:
    found = list(
        statuses([ev.Started(TWO, 10**9), ev.Log(TWO, 1, b"x", 2 * 10**9),
                  ev.Completed(TWO, 3 * 10**9, IMAGE, cached=True)])
    )  # fmt: skip
    vertex = {"digest": "sha256:2", "name": "[stage-1 1/1] FROM y", "inputs": ["sha256:1"],
              "started": "1970-01-01T00:00:01Z"}  # fmt: skip
    assert found[0] == {"vertexes": [vertex]}
    assert found[1]["logs"][0]["data"] == "eA=="
    done = {**vertex, "completed": "1970-01-01T00:00:03Z", "cached": True}
    assert found[2] == {"vertexes": [done]}
    assert name_of(ONE) == "[a 1/1] FROM x"
