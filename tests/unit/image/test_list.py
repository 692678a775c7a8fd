"""images, history, inspect, prune, search: rows and filters (texts of dockerd 28.5)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fakes.images import fake_images, layer_tar, put_image
from fakes.registry import Registry, Response

from orlop.errors import InvalidArgument, NotFound, OrlopError, SystemFailure
from orlop.image.history import history
from orlop.image.images import Images
from orlop.image.inspect import inspect
from orlop.image.list_ import list_
from orlop.image.model import ImageUse
from orlop.image.progress import bar, human_size
from orlop.image.prune import prune
from orlop.image.search import search
from orlop.image.verify import verify


@pytest.fixture
def images(tmp_path: Path) -> Images:
    made = fake_images(tmp_path)
    put_image(made, "old:1", created="2020-01-01T00:00:00Z", config={"Labels": {"k": "v"}})
    put_image(made, "host.example/mid:1", "mid:2", created="2021-01-01T00:00:00Z")
    put_image(made, created="2022-01-01T00:00:00.5Z", config={"Labels": {"k": "w"}})
    return made


def tags(images: Images, **filters: list[str]) -> list[list[str]]:
    return [row["RepoTags"] for row in list_(images, filters=filters)]


def test_newest_first(images: Images) -> None:
    rows = list_(images)
    assert [r["RepoTags"] for r in rows] == [[], ["mid:2", "host.example/mid:1"], ["old:1"]]
    assert rows[2] == {
        "Containers": -1,
        "Created": 1577836800,
        "Id": images.get("old:1").id,
        "Labels": {"k": "v"},
        "ParentId": "",
        "RepoDigests": [],
        "RepoTags": ["old:1"],
        "SharedSize": -1,
        "Size": rows[2]["Size"],
    }
    assert rows[0]["Labels"] == {"k": "w"}
    assert rows[1]["Labels"] is None


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({"dangling": ["true"]}, 1), ({"dangling": ["0"]}, 2), ({"label": ["k"]}, 2),
        ({"label": ["k=v"]}, 1), ({"label": ["k=v", "z"]}, 0), ({"before": ["mid:2"]}, 1),
        ({"since": ["mid:2"]}, 1), ({"until": ["2021-06-01"]}, 2), ({"until": ["1h"]}, 3),
        ({"reference": ["mid"]}, 1), ({"reference": ["*:1"]}, 1), ({"reference": ["*/*:1"]}, 1),
        ({"reference": ["nope"]}, 0), ({"since": ["old:1"], "before": ["mid:2"]}, 0),
    ],
)  # fmt: skip
def test_filters(images: Images, filters: dict[str, list[str]], count: int) -> None:
    assert len(list_(images, filters=filters)) == count


@pytest.mark.parametrize(
    ("filters", "kind", "text"),
    [
        ({"dangling": ["x"]}, InvalidArgument, "invalid filter 'dangling=[x]'"),
        (
            {"dangling": ["true", "false"]},
            InvalidArgument,
            "invalid filter 'dangling=[true false]'",
        ),
        ({"foo": ["x"]}, InvalidArgument, "invalid filter 'foo'"),
        ({"label!": ["x"]}, InvalidArgument, "invalid filter 'label!'"),
        ({"before": ["nosuch"]}, NotFound, "No such image: nosuch:latest"),
        ({"until": ["x"]}, SystemFailure, 'failed to parse value as time or duration: "x"'),
        ({"reference": ["["]}, OrlopError, "syntax error in pattern"),
    ],
)
def test_bad_filters(
    images: Images, filters: dict[str, list[str]], kind: type[OrlopError], text: str
) -> None:
    with pytest.raises(kind) as caught:
        list_(images, filters=filters)
    assert caught.value.message == text


def test_parents_are_hidden(images: Images) -> None:
    parent = put_image(images, layers=[layer_tar({"q": b""})])
    put_image(images, "child", layers=[layer_tar({"q": b""}), layer_tar({"r": b""})],
              parent=parent.id)  # fmt: skip
    assert parent.id not in [r["Id"] for r in list_(images)]
    assert parent.id in [r["Id"] for r in list_(images, all=True)]


def test_shared_size_and_containers(images: Images) -> None:
    image = images.get("old:1")
    images.in_use = lambda: [ImageUse("c", image.id, "", True), ImageUse("d", image.id, "", False)]
    rows = {r["Id"]: r for r in list_(images, shared_size=True, containers=True)}
    assert rows[image.id]["Containers"] == 2
    assert rows[image.id]["SharedSize"] == rows[image.id]["Size"] > 0  # one layer, three images


def test_inspect_shape(images: Images) -> None:
    shown = inspect(images, "old:1")
    assert list(shown) == [
        "Id", "RepoTags", "RepoDigests", "Parent", "Comment", "Created", "DockerVersion", "Author",
        "Architecture", "Os", "Size", "GraphDriver", "RootFS", "Metadata", "Config",
    ]  # fmt: skip
    assert shown["Config"] == {
        "Cmd": None, "Entrypoint": None, "Env": None, "Labels": {"k": "v"}, "OnBuild": None,
        "User": "", "Volumes": None, "WorkingDir": "",
    }  # fmt: skip
    assert set(inspect(images, "old:1", legacy=True)["Config"]) > {"Hostname", "Tty", "Image"}


def test_history(images: Images) -> None:
    entries: list[dict[str, Any]] = [
        {"created": "2020-01-01T00:00:00Z", "created_by": "first"},
        {"created": "2020-01-01T00:00:01Z", "created_by": "second", "empty_layer": True},
        {"created": "2020-01-01T00:00:02Z", "comment": "third"},
    ]
    layers = [layer_tar({"h": b"1"}), layer_tar({"h": b"2" * 2000})]
    image = put_image(images, "hist", layers=layers, history=entries)
    rows = history(images, "hist")
    assert [(r["Id"], r["CreatedBy"], r["Comment"], r["Tags"]) for r in rows] == [
        (image.id, "", "third", ["hist:latest"]),
        ("<missing>", "second", "", None),
        ("<missing>", "first", "", None),
    ]
    assert [r["Size"] for r in rows] == [len(layers[1]), 0, len(layers[0])]


def test_history_with_too_many_entries(images: Images) -> None:
    put_image(images, "bad", history=[{"created_by": "a"}, {"created_by": "b"}])
    with pytest.raises(SystemFailure, match="too many non-empty layers in History section"):
        history(images, "bad")


def test_prune_dangling_then_unused(images: Images) -> None:
    kept = images.get("old:1")
    images.in_use = lambda: [ImageUse("c", kept.id, "", False)]
    done = prune(images)
    assert [next(iter(d)) for d in done["ImagesDeleted"]] == ["Deleted"]
    done = prune(images, {"dangling": ["false"]})
    assert {d.get("Untagged") for d in done["ImagesDeleted"]} >= {"mid:2", "host.example/mid:1"}
    assert [i.id for i in images.all()] == [kept.id]
    assert prune(images) == {"ImagesDeleted": None, "SpaceReclaimed": 0}


@pytest.mark.parametrize(
    ("filters", "left"),
    [({"label": ["k=v"]}, 3), ({"label!": ["k=w"]}, 3), ({"until": ["2021-01-01"]}, 3),
     ({"label": ["k"]}, 2)],
)  # fmt: skip
def test_prune_filters(images: Images, filters: dict[str, list[str]], left: int) -> None:
    prune(images, filters)
    assert len(images.all()) == left


def test_verify_tells_the_truth(images: Images) -> None:
    assert all(row["OK"] for row in verify(images, "old:1"))
    image = images.get("old:1")
    images.layers.data[image.diff_ids[0]] += b"x"  # type: ignore[attr-defined]
    rows = list(verify(images, "old:1"))
    assert [(r["Kind"], r["OK"]) for r in rows] == [("config", True), ("layer", False)]


def test_search(images: Images) -> None:
    rows = [
        {"name": "a/b", "description": "d", "star_count": 5, "is_official": False},
        {"name": "c", "description": "e", "star_count": 50, "is_official": True, "x": 1},
        {"name": None, "star_count": "many"},
    ]
    with Registry() as registry:
        registry.rules.append(
            lambda r: Response(200, json.dumps({"results": rows}).encode())
            if r.path == "/v1/search"
            else None
        )
        term = f"{registry.host}/x"
        assert [r["name"] for r in search(images, term)] == ["a/b", "c", ""]
        assert registry.seen[-1].query == {"n": ["25"], "q": ["x"]}
        official = search(images, term, filters={"is-official": ["true"]})
        assert official == [
            {"star_count": 50, "is_official": True, "name": "c", "is_automated": False,
             "description": "e"},
        ]  # fmt: skip
        assert len(search(images, term, filters={"stars": ["5"]})) == 2


@pytest.mark.parametrize(
    ("term", "limit", "filters", "text"),
    [
        ("x", 200, {}, "limit 200 is outside the range of [1, 100]"),
        ("x", 25, {"foo": ["x"]}, "invalid filter 'foo'"),
        ("https://foo/x", 25, {},
         "invalid repository name: repository name (https://foo/x) should not have a scheme"),
        ("x", 25, {"stars": ["x"]},
         "invalid filter 'stars=x': strconv.Atoi: parsing \"x\": invalid syntax"),
        ("x", 25, {"is-official": ["x"]}, "invalid filter 'is-official=[x]'"),
    ],
)  # fmt: skip
def test_bad_searches(
    images: Images, term: str, limit: int, filters: dict[str, list[str]], text: str
) -> None:
    with pytest.raises(InvalidArgument) as caught:
        search(images, term, limit, filters)
    assert caught.value.message == text


def test_progress_texts() -> None:
    """Recorded from dockerd 28.5."""
    assert bar(43520, 1984230) == f"[=>{' ' * 49}]  43.52kB/1.984MB"
    assert bar(2129920, 1984230) == f"[{'=' * 50}>]   2.13MB"
    assert bar(3678, 310210) == f"[>{' ' * 50}]  3.678kB/310.2kB"
    assert bar(310210, 310210) == f"[{'=' * 50}>]  310.2kB/310.2kB"
    assert bar(0, 0) == ""
    assert bar(512, -1) == "    512B"
    assert human_size(1e9) == "1GB"
