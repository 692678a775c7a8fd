"""A bill of materials of an image: SPDX 2.3 as JSON, the same for the same image. Pure.

Source: SPDX specification 2.3; package URLs as github.com/package-url/purl-spec.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from orlop.image.software import Package

Json = dict[str, Any]
KIND = "https://spdx.dev/Document"
_LICENCE = re.compile(r"[A-Za-z0-9.+-]+", re.ASCII)
_NOT_ID = re.compile(r"[^A-Za-z0-9.-]", re.ASCII)


def spdx(
    name: str, digest: str, created: str, packages: Iterable[Package], release: Mapping[str, str]
) -> Json:
    """`name`, `digest`: of the image; `created`: RFC 3339, whole seconds are kept."""
    rows, relations = [], []
    for package in packages:
        row = _package(package, release)
        rows.append(row)
        relations.append(
            {
                "spdxElementId": "SPDXRef-Image",
                "relatedSpdxElement": row["SPDXID"],
                "relationshipType": "CONTAINS",
            }
        )
    image = {
        "SPDXID": "SPDXRef-Image",
        "name": name,
        "versionInfo": digest,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "primaryPackagePurpose": "CONTAINER",
    }
    described = {
        "spdxElementId": "SPDXRef-DOCUMENT",
        "relatedSpdxElement": "SPDXRef-Image",
        "relationshipType": "DESCRIBES",
    }
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": name,
        "documentNamespace": f"https://spdx.org/spdxdocs/{digest.replace(':', '-')}",
        "creationInfo": {
            "creators": ["Tool: orlop"],
            "created": re.sub(r"\.\d+", "", created) or "1980-01-01T00:00:00Z",
        },
        "packages": [image, *rows],
        "relationships": [described, *relations],
    }


def _package(package: Package, release: Mapping[str, str]) -> Json:
    licence = package.licence if _LICENCE.fullmatch(package.licence) else "NOASSERTION"
    # Names fold together, and one package may be there twice with other words: the end tells.
    tail = hashlib.sha256(repr(package).encode()).hexdigest()[:8]
    key = "-".join((package.kind, package.name, package.version, package.architecture, tail))
    row: Json = {
        "SPDXID": f"SPDXRef-Package-{_NOT_ID.sub('-', key).rstrip('-')}",
        "name": package.name,
        "versionInfo": package.version,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": licence,
        "copyrightText": "NOASSERTION",
        "externalRefs": [
            {
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": purl(package, release),
            }
        ],
    }
    if package.supplier:
        row["supplier"] = f"Person: {package.supplier}"
    if package.source:
        row["sourceInfo"] = f"built from {package.source}"
    return row


def purl(package: Package, release: Mapping[str, str]) -> str:
    name, version = quote(package.name, safe=""), quote(package.version, safe=":+~")
    if package.kind == "pypi":
        return f"pkg:pypi/{re.sub(r'[-_.]+', '-', package.name).lower()}@{version}"
    where = release.get("ID") or ("debian" if package.kind == "deb" else "alpine")
    said = [("arch", package.architecture)]
    if release.get("VERSION_ID"):
        said.append(("distro", f"{where}-{release['VERSION_ID']}"))
    query = "&".join(f"{k}={quote(v, safe='')}" for k, v in said if v)
    return f"pkg:{package.kind}/{quote(where)}/{name}@{version}" + (f"?{query}" if query else "")
