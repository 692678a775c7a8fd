from __future__ import annotations

import threading
import time

from orlop.api.threads import Threads


def test_slow_work_never_delays_other_work() -> None:
    threads, go, done = Threads(), threading.Event(), threading.Event()
    for _ in range(50):
        threads.run(go.wait, 10)
    threads.run(done.set)
    assert done.wait(5)
    go.set()


def test_threads_are_used_again_and_leave_when_idle() -> None:
    threads = Threads(idle=0.05)
    for _ in range(20):
        done = threading.Event()
        threads.run(done.set)
        assert done.wait(5)
    assert threads.count <= 3
    deadline = time.monotonic() + 5
    while threads.count:
        assert time.monotonic() < deadline


def test_beyond_the_limit_work_waits() -> None:
    threads, go = Threads(limit=2), threading.Event()
    finished = threading.Semaphore(0)

    def work() -> None:
        go.wait(10)
        finished.release()

    for _ in range(6):
        threads.run(work)
    assert threads.count == 2
    go.set()
    for _ in range(6):
        assert finished.acquire(timeout=5)


def test_a_failing_piece_of_work_harms_nobody() -> None:
    threads, done = Threads(limit=1), threading.Event()

    def fail() -> None:
        raise ZeroDivisionError

    threads.run(fail)
    threads.run(done.set)
    assert done.wait(5)
