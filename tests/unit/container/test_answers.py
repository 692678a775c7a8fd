"""What a real dockerd 28.5.2 answered to 200 create requests, against ours.

Differences that are meant are listed here with their reason.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fakes.rig import Rig

from orlop.container.create import create
from orlop.errors import Conflict, InvalidArgument, NotFound, OrlopError, SystemFailure

VECTORS = Path(__file__).parents[2] / "vectors" / "container-create" / "answers.json"
ALL: list[dict[str, Any]] = json.loads(VECTORS.read_text())
STATUS = {InvalidArgument: 400, NotFound: 404, Conflict: 409, SystemFailure: 500}

# Not to be answered so by `create`, or not by this room alone.
MEANT = {
    '{"UsernsMode": "bad"}': "a typing error that would silently mean no user namespace",
    '{"Image": "sha256:abcd"}': "the image room's business",
    '{"VolumeDriver": "foo", "Binds": ["abc:/x"]}': "the volume room's business",
    '{"Binds": ["a*b:/x"]}': "the volume room's business",
    '{"Mounts": [{"Type": "volume", "Source": "a*b", "Target": "/x"}]}': "the volume room's",
    '{"Mounts": [{"Type": "bind", "Source": "/nope", "Target": "/x"}]}': "exists on the recorder",
    '{"ConsoleSize": [-1, 2]}': "the API decoder's business",
    '{"Dns": ["bad"]}': "refused at create already, with the text of Docker's start",
}


def _key(case: dict[str, Any]) -> str:
    return json.dumps(case["config"] or case["host_config"])


CASES = [case for case in ALL if _key(case) not in MEANT]


def test_what_is_left_out_is_there() -> None:
    assert {_key(case) for case in ALL} >= MEANT.keys()


@pytest.mark.parametrize("case", CASES, ids=_key)
def test_create_answers_as_docker(rig: Rig, case: dict[str, Any]) -> None:
    create(rig.containers, {"Image": "busybox", "Cmd": ["sleep", "1"]}, name="lc1")
    config = {"Image": "busybox", "Cmd": ["true"], **(case["config"] or {})}
    try:
        _, warnings = create(rig.containers, config, case["host_config"])
    except OrlopError as error:
        assert (STATUS[type(error)], error.message) == (case["status"], case.get("message"))
    else:
        assert (201, warnings) == (case["status"], case.get("warnings"))
