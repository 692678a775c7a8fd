from __future__ import annotations

import json
import time

import pytest
from harness import Client, Served

from orlop.api.events import matcher
from orlop.events import Event


def event(
    type: str = "container", action: str = "start", id: str = "a" * 64, **attributes: str
) -> Event:
    return Event(type, action, id, attributes, time.time_ns())


@pytest.mark.parametrize(
    ("filters", "of", "wanted"),
    [
        ({}, event(), True),
        ({"event": ["start"]}, event(), True),
        ({"event": ["stop"]}, event(), False),
        ({"event": ["exec_create"]}, event(action="exec_create: sh"), True),
        ({"event": ["health_status: healthy"]}, event(action="health_status: healthy"), True),
        ({"type": ["image"]}, event(), False),
        ({"container": ["aaaa"]}, event(), True),
        ({"container": ["web"]}, event(name="web"), True),
        ({"container": ["we"]}, event(name="web"), False),
        ({"container": ["a"]}, event(type="image"), False),
        ({"image": ["busybox"]}, event(image="busybox:1"), True),
        ({"image": ["busybox:1"]}, event("image", "pull", "busybox:1", name="busybox:1"), True),
        ({"label": ["a"]}, event(a="b"), True),
        ({"label": ["a=b", "c"]}, event(a="b"), False),
        ({"label": ["a=c"]}, event(a="b"), False),
        ({"scope": ["local"]}, event(), True),
    ],
)
def test_filters(filters: dict[str, list[str]], of: Event, wanted: bool) -> None:
    assert matcher(filters)(of) is wanted


def test_unknown_filter_is_passed_over() -> None:
    assert matcher({"nosuch": ["x"]})(event())


def lines(body: bytes) -> list[dict[str, object]]:
    return [json.loads(line) for line in body.splitlines()]


def test_history_needs_since_or_until(api: Served, client: Client) -> None:
    api.engine.events.publish("container", "start", "abc", {"image": "i", "name": "n"})
    _, _, body = client.request(f"GET /events?since=1&until={time.time():.6f}")
    (found,) = lines(body)
    assert found["status"] == "start"
    assert found["id"] == "abc"
    assert found["from"] == "i"
    assert found["Actor"] == {"ID": "abc", "Attributes": {"image": "i", "name": "n"}}
    api.engine.events.publish("volume", "create", "v", {"driver": "local"})
    _, _, body = client.request(
        f"GET /events?until={time.time():.6f}&filters=%7B%22type%22%3A%5B%22volume%22%5D%7D"
    )
    (found,) = lines(body)
    assert "status" not in found


def test_follow_and_leave(api: Served) -> None:
    with api.connect() as sock:
        sock.sendall(b"GET /events HTTP/1.1\r\nHost: d\r\n\r\n")
        client = Client(sock)
        while b"\r\n\r\n" not in client.buffer:
            client._more()  # subscribed once the head is here
        client.buffer = client.buffer.partition(b"\r\n\r\n")[2]
        api.engine.events.publish("container", "die", "abc", {})
        assert json.loads(client.chunk())["status"] == "die"
    deadline = time.monotonic() + 10
    while api.engine.events.listeners():
        assert time.monotonic() < deadline


def test_a_reader_that_lags_is_dropped_and_others_are_not(api: Served, client: Client) -> None:
    with api.connect() as sock:
        sock.sendall(b"GET /events HTTP/1.1\r\nHost: d\r\n\r\n")
        assert sock.recv(20)
        for n in range(50_000):
            api.engine.events.publish("container", "start", f"{n:064}", {"name": "x" * 50})
            if not api.engine.events.listeners():
                break
        sock.settimeout(0.1)
        deadline = time.monotonic() + 10
        while api.engine.events.listeners():  # its thread may still write what it had
            assert time.monotonic() < deadline
            try:
                sock.recv(1 << 20)
            except TimeoutError:
                pass
        assert client.request("GET /_ping")[0] == 200
