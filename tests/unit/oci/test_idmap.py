"""ID mappings: both ways, and the forms they are kept in."""

from __future__ import annotations

import pytest

from orlop.oci import idmap
from orlop.oci.idmap import IDMap

MAP = IDMap(((0, 100000, 1000), (1000, 5000, 10)), ((0, 200000, 65536),))


def test_both_ways() -> None:
    assert MAP.root == (100000, 200000)
    assert MAP.inside(100999, 200001) == (999, 1)
    assert MAP.inside(5009, 0) == (1009, idmap.OVERFLOW)
    assert MAP.inside(5010, 265536) == (idmap.OVERFLOW, idmap.OVERFLOW)
    assert idmap.outside(MAP.uids, 1010) == -1


def test_forms() -> None:
    assert idmap.from_document(MAP.document()) == MAP
    assert MAP.linux()["uidMappings"][1] == {"containerID": 1000, "hostID": 5000, "size": 10}
    assert idmap.from_proc("  0 100000 1000\n 1000 5000 10\n", "0 200000 65536\n") == MAP


@pytest.mark.parametrize(
    "document", [None, {}, {"UIDs": [], "GIDs": []}, {"UIDs": [[0, 1]], "GIDs": [[0, 1, 1]]},
                 {"UIDs": [[0, -1, 1]], "GIDs": [[0, 1, 1]]}, {"UIDs": "x", "GIDs": 1}]
)  # fmt: skip
def test_damaged_records_have_none(document: object) -> None:
    assert idmap.from_document(document) is None
