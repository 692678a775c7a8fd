"""The OCI `process` object of a container or of an exec inside it. Pure."""

from __future__ import annotations

import resource
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from orlop.container import failures
from orlop.container.users import Identity

Json = dict[str, Any]

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
INIT_PATH = "/sbin/docker-init"


def environment(
    own: Iterable[str], *, hostname: str, tty: bool, home: str, path: bool = True
) -> list[str]:
    """Docker's order: PATH, HOSTNAME, TERM, then `own` (a name without "=" unsets); HOME last.

    Of a name given twice the last one counts, as runc does.
    """
    base = [PATH] if path else []
    if hostname:
        base.append(f"HOSTNAME={hostname}")
    if tty:
        base.append("TERM=xterm")
    out: dict[str, str] = {e.partition("=")[0]: e for e in base}
    fixed = set(out)
    for entry in own:
        name, separator, _ = entry.partition("=")
        if not separator:
            out.pop(name, None)
            continue
        if name not in fixed:
            out.pop(name, None)  # the place of the last one
        out[name] = entry
    if "HOME" not in out:
        out["HOME"] = f"HOME={home}"
    return list(out.values())


def capabilities(names: Sequence[str]) -> Json:
    """Inheritable and ambient stay empty (CVE-2022-24769 and its kin)."""
    return {"bounding": list(names), "effective": list(names), "permitted": list(names)}


def rlimits(ulimits: Iterable[Json], defaults: Mapping[str, tuple[int, int]]) -> list[Json]:
    """HostConfig.Ulimits over the daemon's defaults. Raises with runc's texts for wrong ones."""
    merged: dict[str, tuple[int, int]] = dict(defaults)
    for limit in ulimits:
        merged[limit["Name"]] = (limit["Soft"], limit["Hard"])
    out = []
    for name, (soft, hard) in merged.items():
        kind = f"RLIMIT_{name.upper()}"
        number = getattr(resource, kind, None)
        if number is None:
            raise failures.spec_error(f"wrong rlimit value: {kind}")
        if _unsigned(soft) > _unsigned(hard):
            raise failures.launch_error(
                "error setting rlimits for ready process: "
                f"error setting rlimit type {number}: invalid argument"
            )[0]
        out.append({"type": kind, "hard": _unsigned(hard), "soft": _unsigned(soft)})
    return out


def _unsigned(value: int) -> int:
    return value & 0xFFFFFFFFFFFFFFFF  # -1 means unlimited


def build(
    *,
    args: Sequence[str],
    env: Sequence[str],
    cwd: str,
    identity: Identity,
    caps: Sequence[str],
    tty: bool,
    no_new_privileges: bool,
    oom_score_adj: int | None,
    limits: Sequence[Json],
    apparmor: str = "",
    console: Sequence[int] = (0, 0),
) -> Json:
    """OCI runtime-spec 1.2 `process`."""
    out: Json = {}
    if tty:
        out["terminal"] = True
        if any(console):
            out["consoleSize"] = {"height": console[0], "width": console[1]}
    out["user"] = {
        "uid": identity.uid,
        "gid": identity.gid,
        "additionalGids": list(identity.groups),
    }
    out["args"] = list(args)
    out["env"] = list(env)
    out["cwd"] = cwd or "/"
    out["capabilities"] = capabilities(caps)
    if limits:
        out["rlimits"] = list(limits)
    if no_new_privileges:
        out["noNewPrivileges"] = True
    if apparmor:
        out["apparmorProfile"] = apparmor
    if oom_score_adj is not None:
        out["oomScoreAdj"] = oom_score_adj
    return out
