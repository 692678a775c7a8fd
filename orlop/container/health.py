"""Health checks: a command run inside now and then, three failures in a row mean unhealthy.

All times are CLOCK_MONOTONIC through Timers. A check runs on a thread of its own, so a hung one
delays nobody; it never runs while the container is paused.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

from orlop.container import probe
from orlop.container.containers import Containers
from orlop.container.model import Container
from orlop.container.times import stamp
from orlop.errors import OrlopError

log = logging.getLogger(__name__)

Json = dict[str, Any]

_SECOND = 1_000_000_000
INTERVAL = 30 * _SECOND
TIMEOUT = 30 * _SECOND
START_INTERVAL = 5 * _SECOND
RETRIES = 3
_KEPT = 5  # results in the log
_SHELL = ["/bin/sh", "-c"]
TIMED_OUT = -1


def command(config: Json) -> list[str]:
    """The argv of the check; [] when there is none."""
    test = (config.get("Healthcheck") or {}).get("Test") or []
    if not test or test[0] == "NONE":
        return []
    if test[0] == "CMD":
        return list(test[1:])
    if test[0] == "CMD-SHELL":
        return [*(config.get("Shell") or _SHELL), *test[1:]]
    log.warning("unknown healthcheck type %r", test[0])
    return []


def begin(containers: Containers, container: Container, record: Json) -> None:
    """At start: state "starting" if there is a check. The caller saves."""
    if command(record["Config"]):
        container.state.health = {"Status": "starting", "FailingStreak": 0, "Log": None}
    else:
        container.state.health = None


def schedule(containers: Containers, container: Container) -> None:
    """Plan the next check. The caller holds the lock."""
    stop(container)
    config = container.config
    if not container.state.running or container.state.paused or not command(config):
        return
    check = config["Healthcheck"]
    interval = check.get("Interval") or INTERVAL
    if _starting(container, check):
        interval = min(interval, check.get("StartInterval") or START_INTERVAL)
    container.health_cancel = containers.timers.after(
        interval / _SECOND, lambda: _spawn(containers, container)
    )


def stop(container: Container) -> None:
    """No more checks; one that runs is ignored when it ends. Unhealthy until started again."""
    if container.health_cancel is not None:
        container.health_cancel()
        container.health_cancel = None


def ended(container: Container) -> None:
    """The container ended or was paused: unhealthy until a check says otherwise, as in Docker."""
    stop(container)
    if container.state.health is not None:
        container.state.health = {**container.state.health, "Status": "unhealthy"}


def _starting(container: Container, check: Json) -> bool:
    """Within the start period, in which failures do not count, and never healthy so far."""
    status = (container.state.health or {}).get("Status")
    period = (check.get("StartPeriod") or 0) / _SECOND
    return status == "starting" and time.monotonic() - container.launched < period


def _spawn(containers: Containers, container: Container) -> None:
    threading.Thread(
        target=_check, args=(containers, container), name="orlop-health", daemon=True
    ).start()


def _check(containers: Containers, container: Container) -> None:
    config = container.config
    check = config["Healthcheck"]
    argv = command(config)
    pid = container.state.pid
    begun = time.time_ns()
    timeout = (check.get("Timeout") or TIMEOUT) / _SECOND
    try:
        code, output = probe.run(containers, container, argv, timeout)
    except (OrlopError, OSError) as error:
        code, output = TIMED_OUT, str(error)
    with container.lock:
        same = container.state.running and container.state.pid == pid
        if not same or container.state.paused or containers.closing:
            return
        _record(containers, container, check, _result(begun, code, output))
        schedule(containers, container)


def _result(begun: int, code: int, output: str) -> Json:
    return {
        "Start": stamp(begun),
        "End": stamp(time.time_ns()),
        "ExitCode": code,
        "Output": output,
    }


def _record(containers: Containers, container: Container, check: Json, result: Json) -> None:
    """Take a result in; the caller holds the lock."""
    before = container.state.health or {"Status": "starting", "FailingStreak": 0, "Log": None}
    streak, status = before["FailingStreak"], before["Status"]
    if result["ExitCode"] == 0:
        streak, status = 0, "healthy"
    elif not _starting(container, check):
        streak += 1
        if streak >= (check.get("Retries") or RETRIES):
            status = "unhealthy"
    kept = [*(before["Log"] or []), result][-_KEPT:]
    container.state.health = {"Status": status, "FailingStreak": streak, "Log": kept}
    container.save()
    if status != before["Status"]:
        containers.publish(container, f"health_status: {status}")
