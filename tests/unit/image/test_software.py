from __future__ import annotations

import json
import os
from pathlib import Path

from orlop.image.software import Package, release, software
from orlop.image.spdx import purl, spdx
from orlop.paths import Root

DPKG = """\
Package: libc6
Status: install ok installed
Maintainer: GNU Libc Maintainers <glibc@example.org>
Architecture: amd64
Source: glibc (2.36-9)
Version: 2.36-9+deb12u4
Description: C library
 Package: not-this

Package: gone
Status: deinstall ok config-files
Version: 1
"""
APK = "P:musl\nV:1.2.4-r2\nA:x86_64\nL:MIT\no:musl\n\nP:broken\n\n"


def write(base: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = base / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_three_databases(tmp_path: Path) -> None:
    python = "usr/local/lib/python3.11/site-packages"
    write(
        tmp_path,
        {
            "var/lib/dpkg/status": DPKG,
            "var/lib/dpkg/status.d/base": "Package: base\nVersion: 12\n",
            "lib/apk/db/installed": APK,
            f"{python}/Flask_X-3.0.dist-info/METADATA": "Name: Flask_X\nVersion: 3.0\nLicense: "
            "BSD-3-Clause\n\nName: not-this\n",
            "proc/site-packages/x.dist-info/METADATA": "Name: x\nVersion: 1\n",
            "etc/os-release": 'ID=debian\nVERSION_ID="12"\n',
        },
    )
    with Root(tmp_path) as root:
        found, where = software(root), release(root)
    assert [(p.kind, p.name, p.version) for p in found] == [
        ("apk", "musl", "1.2.4-r2"),
        ("deb", "base", "12"),
        ("deb", "libc6", "2.36-9+deb12u4"),
        ("pypi", "Flask_X", "3.0"),
    ]
    assert [purl(p, where) for p in found] == [
        "pkg:apk/debian/musl@1.2.4-r2?arch=x86_64&distro=debian-12",
        "pkg:deb/debian/base@12?distro=debian-12",
        "pkg:deb/debian/libc6@2.36-9+deb12u4?arch=amd64&distro=debian-12",
        "pkg:pypi/flask-x@3.0",
    ]
    assert found[2].source == "glibc"


def test_no_database_is_an_empty_list(tmp_path: Path) -> None:
    (tmp_path / "var/lib/dpkg").mkdir(parents=True)
    os.mkfifo(tmp_path / "var/lib/dpkg/status")
    (tmp_path / "lib").symlink_to("/")
    (tmp_path / "var/site-packages").symlink_to("/etc")
    with Root(tmp_path) as root:
        assert software(root) == []
        assert release(root) == {}


def test_the_document_is_the_same_each_time_and_names_everything_once() -> None:
    packages = [Package("deb", f"p{n}", "1~x", "all") for n in range(3)]
    made = [
        json.dumps(spdx("x:1", "sha256:ab", "2024-01-01T00:00:00.123Z", packages, {}))
        for _ in range(2)
    ]
    assert made[0] == made[1]
    document = json.loads(made[0])
    ids = [row["SPDXID"] for row in document["packages"]]
    assert len(set(ids)) == len(ids) == 4
    assert {r["relatedSpdxElement"] for r in document["relationships"]} == set(ids)
    assert document["creationInfo"]["created"] == "2024-01-01T00:00:00Z"
