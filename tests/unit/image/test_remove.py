"""rmi: order, conflicts, texts (recorded from dockerd 28.5)."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes.images import fake_images, layer_tar, put_image

from orlop.errors import Conflict, InvalidArgument, NotFound
from orlop.image.images import Images
from orlop.image.model import Image, ImageUse
from orlop.image.remove import remove
from orlop.oci.digest import digest_of
from orlop.oci.reference import parse_normalized

C = "c008376cf693" + "0" * 52


@pytest.fixture
def images(tmp_path: Path) -> Images:
    return fake_images(tmp_path)


def used(images: Images, image: Image, *, running: bool) -> None:
    images.in_use = lambda: [ImageUse(C, image.id, "x", running)]


def add_digest(images: Images, name: str, image: Image) -> str:
    digest = digest_of(name.encode())
    images.references.set_digest(parse_normalized(name).with_digest(digest), image.id)
    return f"{name}@{digest}"


def test_tag_then_digest_then_image_then_layers_top_down(images: Images) -> None:
    image = put_image(images, "one:1", layers=[layer_tar({"x": b"1"}), layer_tar({"y": b"2"})])
    digest = add_digest(images, "one", image)
    assert remove(images, "one:1") == [
        {"Untagged": "one:1"},
        {"Untagged": digest},
        {"Deleted": image.id},
        {"Deleted": image.chains[1]},
        {"Deleted": image.chains[0]},
    ]
    assert images.all() == []
    assert not images.references.all()


def test_one_of_several_names_only_untags(images: Images) -> None:
    put_image(images, "one:1", "two:2")
    assert remove(images, "one:1") == [{"Untagged": "one:1"}]
    assert images.get("two:2")


def test_shared_layers_stay(images: Images) -> None:
    base = layer_tar({"x": b"1"})
    first = put_image(images, "one", layers=[base])
    second = put_image(images, "two", layers=[base, layer_tar({"y": b"2"})])
    assert remove(images, "two")[-1] == {"Deleted": second.chains[1]}
    assert images.layers.has(first.chains[0])


def test_id_with_two_repositories(images: Images) -> None:
    image = put_image(images, "one:1", "two:2")
    with pytest.raises(Conflict) as caught:
        remove(images, image.short)
    assert caught.value.message == (
        f"conflict: unable to delete {image.short} (must be forced) - image is referenced in "
        "multiple repositories"
    )
    done = remove(images, image.short, force=True)
    assert [next(iter(d)) for d in done] == ["Untagged", "Untagged", "Deleted", "Deleted"]


@pytest.mark.parametrize("running", [False, True])
def test_tag_in_use(images: Images, running: bool) -> None:
    image = put_image(images, "one:1")
    used(images, image, running=running)
    with pytest.raises(Conflict) as caught:
        remove(images, "one:1")
    assert caught.value.message == (
        'conflict: unable to remove repository reference "one:1" (must force) - container '
        f"c008376cf693 is using its referenced image {image.short}"
    )


def test_id_of_a_stopped_container(images: Images) -> None:
    image = put_image(images, "one:1")
    used(images, image, running=False)
    with pytest.raises(Conflict) as caught:
        remove(images, image.id)
    assert caught.value.message == (
        f"conflict: unable to delete {image.short} (must be forced) - image is being used by "
        "stopped container c008376cf693"
    )
    assert images.references.of(image.id)  # nothing was untagged on the way
    images.layers.pinned.add(image.chains[0])  # type: ignore[attr-defined]
    assert remove(images, image.id, force=True) == [{"Untagged": "one:1"}, {"Deleted": image.id}]
    assert images.layers.has(image.chains[0])


def test_id_of_a_running_container_cannot_be_forced(images: Images) -> None:
    image = put_image(images, "one:1")
    used(images, image, running=True)
    with pytest.raises(Conflict) as caught:
        remove(images, image.short, force=True)
    assert caught.value.message == (
        f"conflict: unable to delete {image.short} (cannot be forced) - image is being used by "
        "running container c008376cf693"
    )


def test_forced_name_of_a_running_container_leaves_it_dangling(images: Images) -> None:
    image = put_image(images, "one:1")
    used(images, image, running=True)
    assert remove(images, "one:1", force=True) == [{"Untagged": "one:1"}]
    assert images.find(image.id)


def test_children_hold_their_parent(images: Images) -> None:
    base = layer_tar({"x": b"1"})
    parent = put_image(images, "one", layers=[base])
    put_image(images, "two", layers=[base, layer_tar({"y": b"2"})], parent=parent.id)
    with pytest.raises(Conflict, match="image has dependent child images"):
        remove(images, parent.id)
    assert remove(images, "one") == [{"Untagged": "one:latest"}]
    gone = [d["Deleted"] for d in remove(images, "two") if "Deleted" in d]
    assert parent.id in gone  # the nameless parent went along
    assert gone[-1] == parent.chains[0]


def test_noprune_keeps_the_parent(images: Images) -> None:
    base = layer_tar({"x": b"1"})
    parent = put_image(images, layers=[base])
    put_image(images, "two", layers=[base, layer_tar({"y": b"2"})], parent=parent.id)
    remove(images, "two", noprune=True)
    assert images.find(parent.id)


def test_unknown_and_bad_names(images: Images) -> None:
    with pytest.raises(NotFound, match=r"^No such image: nosuch:1$"):
        remove(images, "nosuch:1")
    with pytest.raises(InvalidArgument, match=r"repository name \(library/Bad Name\) must be"):
        remove(images, "Bad Name")


def test_layers_of_a_pull_in_progress_stay(images: Images) -> None:
    image = put_image(images, "one")
    with images.holding(image.chains):
        remove(images, "one")
        assert images.layers.has(image.chains[0])
