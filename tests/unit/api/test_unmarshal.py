"""What is refused, in the words that a dockerd 28.5.2 answered; what is taken, as Go takes it."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from orlop.api import decode, models
from orlop.errors import InvalidArgument

VECTORS = Path(__file__).parents[2] / "vectors" / "api" / "wrong-types.json"
SHAPES = {
    "create": models.CreateContainer,
    "exec": models.Exec,
    "execstart": models.ExecStart,
    "update": models.UpdateConfig,
    "volume": models.CreateVolume,
    "network": models.CreateNetwork,
    "connect": models.Connect,
    "disconnect": models.Disconnect,
    "commit": models.Config,
    "auth": models.Auth,
}


def test_wrong_types_in_dockers_words() -> None:
    rows = json.loads(VECTORS.read_text())
    assert len(rows) > 500
    for name, body, text in rows:
        begun = time.thread_time()
        with pytest.raises(InvalidArgument) as found:
            decode.document(body.encode(), SHAPES[name])
        assert time.thread_time() - begun < 0.1
        assert found.value.message == f"invalid JSON: {text}", body


def test_every_shape_is_in_the_vectors() -> None:
    rows = json.loads(VECTORS.read_text())
    assert {row[0] for row in rows} == set(SHAPES)


def test_names_match_whatever_their_case() -> None:
    body = b'{"IMAGE":"x","env":["A=b"],"hostConfig":{"binds":["/a:/b"],"portbindings":{"a":[]}}}'
    assert decode.document(body, models.CreateContainer) == {
        "Image": "x",
        "Env": ["A=b"],
        "HostConfig": {"Binds": ["/a:/b"], "PortBindings": {"a": []}},
    }
    assert decode.document(b'{"Image":"x","image":"y"}', models.CreateContainer) == {"Image": "y"}


def test_null_inside_is_the_zero_value() -> None:
    body = b'{"Env":[null],"Cmd":["a",null],"Labels":{"a":null},"HostConfig":{"Mounts":[null]}}'
    assert decode.document(body, models.CreateContainer) == {
        "Env": [""], "Cmd": ["a", ""], "Labels": {"a": ""}, "HostConfig": {"Mounts": [{}]},
    }  # fmt: skip


def test_one_word_where_words_are_meant() -> None:
    body = b'{"Cmd":"a b","Entrypoint":"c","Shell":"d","HostConfig":{"CapAdd":"ALL"}}'
    assert decode.document(body, models.CreateContainer) == {
        "Cmd": "a b", "Entrypoint": "c", "Shell": "d", "HostConfig": {"CapAdd": "ALL"},
    }  # fmt: skip
    with pytest.raises(InvalidArgument, match=r"into Go struct field ExecOptions.Cmd of type"):
        decode.document(b'{"Cmd":"a b"}', models.Exec)


def test_the_text_of_a_number_is_cut() -> None:
    body = b'{"HostConfig":{"Memory":' + b"9" * 4000 + b".5}}"
    with pytest.raises(InvalidArgument) as found:
        decode.document(body, models.CreateContainer)
    assert "into Go struct field .HostConfig.Memory of type int64" in found.value.message
    assert len(found.value.message) < 300
