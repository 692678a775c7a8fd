"""Why a container that just started is over: its command went into the background.

When PID 1 ends, the kernel kills what else is in its pid namespace. `service nginx start` starts a
server, ends with 0, and takes the server along.
"""

_STARTS = ("start", "restart", "reload")
_CONTROLS = ("apachectl", "apache2ctl", "systemctl")
_FLAGS = ("--daemon", "--daemonize", "--daemonise", "--background", "-daemonize")
_SHELLS = ("sh", "bash", "dash", "ash")


def backgrounding(words: "list[str]") -> str:
    """The part of a command line that leaves its program in the background; "" for none."""
    if len(words) > 2 and _name(words[0]) in _SHELLS and words[1] in ("-c", "-ec", "-lc"):
        return _of_script(words[2])
    return " ".join(words) if _leaves(words) else ""


def _of_script(script: str) -> str:
    text = script.strip(" \n\t;")
    if text.endswith("&") and not text.endswith("&&"):
        return text
    for separator in ("&&", ";", "\n"):
        text = text.rpartition(separator)[2].strip() or text
    return text if _leaves(text.split()) else ""


def _leaves(words: "list[str]") -> bool:
    if not words:
        return False
    name, rest = _name(words[0]), words[1:]
    if name == "service" and len(rest) > 1:
        return rest[1] in _STARTS
    if words[0].startswith("/etc/init.d/") or name in _CONTROLS:
        return bool(rest) and rest[0] in _STARTS
    if name == "nginx":
        return not rest  # options may tell it to stay
    return any(word in _FLAGS for word in rest)


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def hint(words: "list[str]", seconds: float) -> str:
    """A line for a person, or "" when the command says nothing about it."""
    part = backgrounding(words)
    if not part:
        return ""
    return (
        f"orlop: PID 1 exited 0 after {seconds:.1f} s: `{part}` leaves its program in the "
        "background, and all processes of a container end with PID 1; run it in the foreground\n"
    )
