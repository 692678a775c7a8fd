"""Confinement by AppArmor: which profile a container has, and that the default one is loaded."""

from __future__ import annotations

import logging
import subprocess
import threading
from pathlib import Path

import orlop
from orlop.errors import SystemFailure
from orlop.kernel import namespace

log = logging.getLogger(__name__)

DEFAULT = "orlop-default"
UNCONFINED = "unconfined"
_TEXT = Path(orlop.__file__).parent / "data" / "apparmor" / DEFAULT
_ENABLED = Path("/sys/module/apparmor/parameters/enabled")
_LOADED = Path("/sys/kernel/security/apparmor/profiles")
_lock = threading.Lock()


def enabled() -> bool:
    """The kernel has it and securityfs shows it."""
    try:
        return _ENABLED.read_text().startswith("Y") and _LOADED.exists()
    except OSError:
        return False


def profile(requested: str, privileged: bool) -> tuple[str, str]:
    """(its name as inspect shows it, the one to switch to: "" for none). Loads the default one.

    Raises SystemFailure when that cannot be loaded. A user cannot load it: containers without root
    have none, as with Docker, unless one is named.
    """
    if not enabled():
        if requested not in ("", UNCONFINED):
            log.warning("AppArmor is not enabled here: profile %r is not applied", requested)
        return requested, ""
    free = privileged or namespace.in_user_namespace()
    name = requested or (UNCONFINED if free else DEFAULT)
    if name == DEFAULT:
        load_default()
    return name, "" if name == UNCONFINED else name


def load_default() -> None:
    """Unless it is loaded: an upgrade of the host's profiles may have dropped it."""
    with _lock:
        if _is_loaded(DEFAULT):
            return
        try:
            made = subprocess.run(
                ["apparmor_parser", "--skip-cache", "--replace", "--quiet", str(_TEXT)],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
            )
            problem = made.stderr.decode("utf-8", "replace").strip() if made.returncode else ""
        except FileNotFoundError:
            problem = "apparmor_parser is missing: install the package apparmor"
        if problem:
            raise SystemFailure(
                f"AppArmor enabled on system but the {DEFAULT} profile could not be loaded: "
                f"{problem}"
            )


def _is_loaded(name: str) -> bool:
    try:
        with _LOADED.open(encoding="utf-8", errors="replace") as profiles:
            return any(line.split(" ", 1)[0] == name for line in profiles)
    except OSError:
        return False
