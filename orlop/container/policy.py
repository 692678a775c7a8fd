"""Restart policies. Pure.

Source: Docker's documented rules: 100 ms, doubled at each quick death up to a minute, reset once a
run lasted ten seconds.
"""

from __future__ import annotations

from typing import Any

FIRST = 0.1
LONGEST = 60.0
_STABLE = 10.0


def restarts(policy: dict[str, Any], exit_code: int, count: int, *, stopped_by_user: bool) -> bool:
    """Does a container that just ended start again? `count`: restarts so far by the policy."""
    if stopped_by_user:
        return False
    name = policy.get("Name") or "no"
    if name in ("always", "unless-stopped"):
        return True
    if name == "on-failure":
        limit = policy.get("MaximumRetryCount") or 0
        return exit_code != 0 and (limit == 0 or count < limit)
    return False


def starts_with_daemon(
    policy: dict[str, Any], exit_code: int, count: int, *, stopped_by_user: bool
) -> bool:
    """A `stop` holds until the daemon starts again, as Docker documents; only `unless-stopped`
    remembers it. `on-failure` looks at the exit code that the stop left."""
    stopped = stopped_by_user and policy.get("Name") == "unless-stopped"
    return restarts(policy, exit_code, count, stopped_by_user=stopped)


def backoff(last: float, ran: float) -> float:
    """Seconds to wait. `last`: the wait before this run (0 for none), `ran`: how long it ran."""
    if last == 0 or ran >= _STABLE:
        return FIRST
    return min(last * 2, LONGEST)
