"""Why a launch failed, in runc's words: Docker and Podman look for parts of them."""

from __future__ import annotations

from orlop.runtime.sync import Frame

_PREFIX = "unable to start container process: error during container init: "


def describe(frame: Frame) -> str:
    stage, _, path, message = frame
    reason = message[:1].lower() + message[1:]
    if stage == "lookup":
        text = f'exec: "{path}": {reason}'
        if reason == "is a directory":
            text += ": permission denied"
    elif stage in ("cwd", "directory"):
        if "outside of container" in reason:
            text = reason
        else:
            text = f'chdir to cwd ("{path}") set in config.json failed: {reason.lower()}'
    elif stage == "sysctl":
        name = path.removeprefix("/proc/sys/").replace("/", ".")
        text = f"failed to write sysctl {name}: {reason.lower()}"
    elif stage in ("mount", "bind", "cgroups", "hook"):
        return _PREFIX + reason
    else:
        where = f" {path}" if path else ""
        text = f"{stage}{where}: {reason.lower()}"
    return _PREFIX + text
