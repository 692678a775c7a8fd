"""`manifest annotate | create | inspect | push | rm`: lists of one image for several platforms.

Drafts are kept in Docker's files, so either command line goes on with the other's.
"""

import binascii

from orlop.cli.credentials import header
from orlop.cli.failure import Failure
from orlop.cli.manifestjson import image_row, list_of, pretty
from orlop.cli.manifeststore import Drafts
from orlop.cli.options import Options
from orlop.cli.out import out
from orlop.cli.reference import Reference, parse
from orlop.cli.session import Session
from orlop.client.transport import ApiError, query, quote
from orlop.oci.jsonlite import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]

_LISTS = (
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.index.v1+json",
)
# what Docker takes
_PLATFORMS = {
    "darwin": "386 amd64 arm arm64",
    "dragonfly": "amd64",
    "freebsd": "386 amd64 arm",
    "linux": "386 amd64 arm arm64 ppc64le mips64 mips64le riscv64 s390x",
    "netbsd": "386 amd64 arm",
    "openbsd": "386 amd64 arm",
    "plan9": "386 amd64",
    "solaris": "amd64",
    "windows": "386 amd64",
}


def create(session: Session, options: Options) -> None:
    drafts = Drafts(session.config_dir)
    target = _named(options.args[0], "error parsing name for manifest list {}: ")
    if drafts.exists(target) and not options.flag("amend"):
        raise Failure("refusing to amend an existing manifest list with no --amend flag")
    for text in options.args[1:]:
        image = _named(text)
        row = drafts.get(target, image) or _remote(session, image, options.flag("insecure"))
        if isinstance(row, list):
            raise Failure(f"{image} is a manifest list")
        drafts.save(target, image, row)
    out(f"Created manifest list {target}\n")


def annotate(session: Session, options: Options) -> None:
    drafts = Drafts(session.config_dir)
    target = _named(options.args[0], "annotate: error parsing name for manifest list {}: ")
    image = _named(options.args[1], "annotate: error parsing name for manifest {}: ")
    row = drafts.get(target, image)
    if row is None:
        raise Failure(f"manifest for image {options.args[1]} does not exist in {options.args[0]}")
    platform = dict(row["Descriptor"].get("platform") or {})
    for option, key in (
        ("os", "os"), ("arch", "architecture"), ("variant", "variant"),
        ("os-version", "os.version"),
    ):  # fmt: skip
        if options.text(option):
            platform[key] = options.text(option)
    features = list(platform.get("os.features") or [])
    features += [f for f in options.all("os-features") if f not in features]
    if features:
        platform["os.features"] = list(dict.fromkeys(features))
    if str(platform.get("architecture")) not in _PLATFORMS.get(str(platform.get("os")), "").split():
        raise Failure(
            "manifest entry for image has unsupported os/arch combination: "
            f"{options.text('os')}/{options.text('arch')}"
        )
    drafts.save(target, image, image_row(row, platform))


def inspect(session: Session, options: Options) -> None:
    drafts = Drafts(session.config_dir)
    image = _named(options.args[-1])
    found: Any = None
    if len(options.args) == 2:
        found = drafts.get(_named(options.args[0]), image)
        if found is None:
            raise Failure(f"No such manifest: {image}")
    elif drafts.exists(image):
        found = drafts.rows(image)
    else:
        found = _remote(session, image, options.flag("insecure"))
    if options.flag("verbose"):
        out(pretty(found, "\t") + "\n")
    elif isinstance(found, list):
        out(pretty(list_of(found), "   ") + "\n")
    else:
        out(pretty(loads(binascii.a2b_base64(found["Raw"])), "\t") + "\n")


def push(session: Session, options: Options) -> None:
    drafts = Drafts(session.config_dir)
    target = _named(options.args[0])
    rows = drafts.rows(target)
    if not rows:
        raise Failure(f"{target} not found")
    entries = []
    for row in rows:
        image = parse(row["Ref"])
        digest, platform = row["Descriptor"]["digest"], row["Descriptor"].get("platform") or {}
        if image.domain != target.domain:
            raise Failure(
                "cannot use source images from a different registry than the target image: "
                f"{image.domain} != {target.domain}"
            )
        if not platform.get("os") or not platform.get("architecture"):
            raise Failure(
                f"manifest {row['Ref']} must have an OS and Architecture to be pushed to a registry"
            )
        entries.append({"Ref": f"{image.familiar_name}@{digest}", "Platform": platform})
    insecure = query({"insecure": options.flag("insecure")})
    made = session.client.call(
        "POST",
        f"/orlop/manifests/{quote(target, b'/:@')}/push{insecure}",
        body={"Manifests": entries},
        headers=[header(session, target.domain)],
    )
    for digest in made["Pushed"]:
        out(f"Pushed ref {target.domain}/{target.path}@{digest} with digest: {digest}\n")
    out(made["Digest"] + "\n")
    if options.flag("purge"):
        drafts.remove(target)


def rm(session: Session, options: Options) -> None:
    drafts = Drafts(session.config_dir)
    errors = []
    for text in options.args:
        try:
            target = _named(text)
            drafts.rows(target)
            drafts.remove(target)
        except Failure as e:
            errors.append(e.message)
    if errors:
        raise Failure("\n".join(errors))


def _named(text: str, before: str = "") -> Reference:
    try:
        return parse(text).tagged()
    except ValueError as e:
        raise Failure(before.format(text) + str(e)) from None


def _remote(session: Session, image: Reference, insecure: bool) -> "Any":
    """A row of the registry's image, or the rows of its list. Raises Failure."""
    headers = [header(session, image.domain)]
    extra = query({"insecure": insecure})

    def ask(reference: str, what: str = "") -> "Any":
        path = f"/orlop/manifests/{quote(reference, b'/:@')}{what}{extra}"
        return session.client.call("GET", path, headers=headers)

    try:
        top = ask(str(image))
        if top["MediaType"] not in _LISTS:
            return _row(str(image), top, ask(f"{_bare(image)}@{top['Digest']}", "/entry"))
        rows = []
        for entry in loads(top["Manifest"]).get("manifests") or []:
            reference = f"{_bare(image)}@{entry['digest']}"
            shown = f"{image}@{entry['digest']}" if image.tag else reference
            rows.append(_row(shown, ask(reference), entry))
        return rows
    except ApiError as e:
        if e.status == 404:
            raise Failure(f"no such manifest: {image}") from None
        raise


def _bare(image: Reference) -> str:
    return f"{image.domain}/{image.path}"


def _row(reference: str, found: "Json", entry: "Json") -> "Json":
    raw = found["Manifest"].encode()
    row: Json = {
        "Ref": reference,
        "Descriptor": {
            "mediaType": found["MediaType"],
            "digest": found["Digest"],
            "size": len(raw),
        },
        "Raw": binascii.b2a_base64(raw, newline=False).decode(),
    }
    key = (
        "OCIManifest"
        if found["MediaType"].startswith("application/vnd.oci.")
        else "SchemaV2Manifest"
    )
    row[key] = loads(raw)
    return image_row(row, entry.get("platform") or {})
