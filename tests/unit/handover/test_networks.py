from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from orlop import bolt
from orlop.handover import networks
from orlop.network.model import network_from_json

VECTORS = Path(__file__).parent.parent.parent / "vectors" / "bolt"


def bucket_of(release: str) -> bolt.Bucket:
    raw = gzip.decompress((VECTORS / f"local-kv-{release}.db.gz").read_bytes())
    found = bolt.read(raw)[networks.BUCKET]
    assert isinstance(found, dict)
    return found


def by_name(bucket: bolt.Bucket) -> dict[str, Any]:
    return {record["name"]: record for record in networks.records(bucket, "network").values()}


def test_every_field_of_a_network() -> None:
    found = networks.ours(by_name(bucket_of("28.5.2"))["netA"])
    assert found["IPAM"]["Config"] == [
        {
            "Subnet": "172.30.5.0/24",
            "Given": True,
            "OurGateway": False,
            "IPRange": "172.30.5.128/25",
            "Gateway": "172.30.5.1",
            "AuxiliaryAddresses": {"x": "172.30.5.9"},
        }
    ]
    assert found["Options"] == {"com.docker.network.driver.mtu": "1400"}
    assert found["Labels"] == {"l": "1"}


@pytest.mark.parametrize("release", ["28.5.2", "20.10.24"])
def test_all_are_networks_of_ours(release: str) -> None:
    for record in by_name(bucket_of(release)).values():
        network = network_from_json(networks.ours(record))
        assert network.id == record["id"]
        assert network.internal == record["internal"]


@pytest.mark.parametrize("release", ["28.5.2", "20.10.24"])
def test_what_we_write_says_what_dockerd_wrote(release: str) -> None:
    """dockerd's own record of a network, and ours of the same: no field is lost or changed."""
    for record in by_name(bucket_of(release)).values():
        if record["name"] in ("bridge", "none", "host"):
            continue
        made = networks.theirs(networks.ours(record))
        assert networks.ours(made) == networks.ours(record)
        for key, value in record.items():
            if not key.startswith("ipam") and key not in ("generic", "postIPv6"):
                assert made[key] == value, key


@pytest.mark.parametrize("release", ["28.5.2", "20.10.24"])
def test_the_drivers_view(release: str) -> None:
    bucket = bucket_of(release)
    names = by_name(bucket)
    for id, wanted in networks.records(bucket, "bridge").items():
        record = next(r for r in names.values() if r["id"] == id)
        if record["name"] == "bridge":
            continue
        made = networks._bridge(networks.ours(record))
        assert {key: made[key] for key in wanted} == wanted


def test_merging() -> None:
    bucket = bucket_of("28.5.2")
    ours = [networks.ours(record) for record in by_name(bucket).values()]
    for kind in ("endpoint", "bridge-endpoint", "sandbox"):  # of a daemon that was killed
        bucket[f"{networks.PREFIX}{kind}/0123/".encode()] = b"12345678{}"
    new = {**networks.ours(by_name(bucket)["netA"]), "Id": "f" * 64, "Name": "new"}
    kept = [network for network in ours if network["Name"] != "netB"]
    merged = networks.merge(bucket, [*kept, new])
    names = by_name(merged)
    assert set(names) == {"bridge", "host", "none", "netA", "netC", "new"}
    for name in ("netA", "netC", "bridge"):
        assert names[name] == by_name(bucket)[name]
    for kind in ("endpoint", "bridge-endpoint", "sandbox"):
        assert not networks.records(merged, kind)
    counts = networks.records(merged, "endpoint_count")
    assert set(counts) == {record["id"] for record in names.values()}
    assert {record["Count"] for record in counts.values()} == {0}
    assert "f" * 64 in networks.records(merged, "bridge")
    orders = [value[:8] for value in merged.values() if isinstance(value, bytes)]
    assert len(set(orders)) == len(orders)


def test_a_damaged_record() -> None:
    key = f"{networks.PREFIX}network/abc/".encode()
    with pytest.raises(bolt.Damaged):
        networks.records({key: b"12345678[]"}, "network")
    with pytest.raises(json.JSONDecodeError):
        networks.records({key: b"12345678{"}, "network")
