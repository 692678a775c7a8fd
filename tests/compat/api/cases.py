"""How a case of the API corpus is written."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

Case = dict[str, Any]


def case(method: str, path: str, body: Any = None, **more: Any) -> Case:
    return {"method": method, "path": path, "body": body, **more}


def filtered(path: str, **filters: list[str]) -> Case:
    mark = "&" if "?" in path else "?"
    names = {k.replace("_", "-"): v for k, v in filters.items()}
    return case("GET", f"{path}{mark}filters={quote(json.dumps(names))}")


def pruned(path: str, **filters: Any) -> Case:
    found = filtered(path, **filters)
    return {**found, "method": "POST"}


SLEEP = {"Image": "busybox", "Cmd": ["sleep", "1000"], "StopSignal": "SIGKILL"}
LABELS = {"apic": "yes"}
