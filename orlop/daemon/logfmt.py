"""The daemon's log: logfmt lines on stderr, as dockerd writes them."""

from __future__ import annotations

import json
import logging
import sys
import time

_LEVELS = {
    logging.DEBUG: "debug",
    logging.INFO: "info",
    logging.WARNING: "warning",
    logging.ERROR: "error",
    logging.CRITICAL: "fatal",
}
_NUMBERS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "fatal": logging.CRITICAL,
    "panic": logging.CRITICAL,
}


class Formatter(logging.Formatter):
    def __init__(self, form: str = "text") -> None:
        super().__init__()
        self._json = form == "json"

    def format(self, record: logging.LogRecord) -> str:
        when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        stamp = f"{when}.{int(record.created % 1 * 1e9):09d}Z"
        level = _LEVELS.get(record.levelno, "info")
        text = record.getMessage()
        trace = "\n" + self.formatException(record.exc_info) if record.exc_info else ""
        if self._json:
            return json.dumps({"level": level, "msg": text + trace, "time": stamp})
        return f'time="{stamp}" level={level} msg={json.dumps(text, ensure_ascii=False)}{trace}'


def set_up(level: str, *, debug: bool, form: str = "text") -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Formatter(form))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    set_level(level, debug=debug)


def set_level(level: str, *, debug: bool) -> None:
    logging.getLogger("orlop").setLevel(logging.DEBUG if debug else _NUMBERS[level])
    logging.getLogger().setLevel(logging.WARNING)  # libraries print URLs and headers when verbose
