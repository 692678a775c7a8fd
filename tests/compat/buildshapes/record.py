"""Build every shape with the docker CLI on $DOCKER_HOST and write what came out.

    DOCKER_HOST=unix://… python tests/compat/buildshapes/record.py OUT.json
    DOCKER_HOST=unix://… DOCKER_BUILDKIT=1 python tests/compat/buildshapes/record.py OUT.json

With BuildKit (and buildx) those of modern.py and odd.py, else those of shapes.py.

Images get the prefix `orlop-shape/` and are removed again. Facts kept: the run config and the
merged tree (path: type, mode, owner, digest or target), the base's own files left out.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from typing import Any

sys.path.insert(0, os.path.dirname(__file__))
from modern import MODERN
from odd import ODD
from shapes import SHAPES

KEYS = ("User", "ExposedPorts", "Env", "Cmd", "Healthcheck", "Volumes", "WorkingDir", "Entrypoint",
        "OnBuild", "Labels", "StopSignal", "Shell")  # fmt: skip
ENGINES_OWN = ("dev", "proc", "sys", ".dockerenv", "etc/hosts", "etc/hostname", "etc/resolv.conf",
               "etc/mtab")  # fmt: skip


def config_of(config: dict[str, Any]) -> dict[str, Any]:
    return {key: config[key] for key in KEYS if config.get(key)}


def tree_of(archive: tarfile.TarFile) -> dict[str, list[Any]]:
    out: dict[str, list[Any]] = {}
    for member in archive:
        name = member.name.strip("/").removeprefix("./")
        if not name or name == "." or name.split("/")[0] in ENGINES_OWN or name in ENGINES_OWN:
            continue
        content: Any = member.linkname if member.issym() else ""
        kind = {"0": "f", "1": "f", "2": "l", "5": "d", "6": "p"}[member.type.decode()]
        if member.islnk():
            out[name] = [*out[member.linkname.strip("/")]]
            continue
        if member.isreg():
            file = archive.extractfile(member)
            assert file is not None
            content = hashlib.sha256(file.read()).hexdigest()[:16]
        out[name] = [kind, f"{member.mode:o}", member.uid, member.gid, content]
    return out


def changed(tree: dict[str, list[Any]], base: dict[str, list[Any]]) -> dict[str, Any]:
    """Of a file of the base that changed only that it did: bases differ in their content."""
    out: dict[str, Any] = {
        k: [*v[:4], "changed"] if k in base and v[0] == "f" else v
        for k, v in tree.items()
        if base.get(k) != v
    }
    out.update({k: None for k in base if k not in tree})
    return dict(sorted(out.items()))


def docker(*words: str, stdin: bytes = b"") -> bytes:
    environ = {"DOCKER_BUILDKIT": "0", **os.environ}
    done = subprocess.run(["docker", *words], input=stdin, capture_output=True, env=environ,
                          check=False)  # fmt: skip
    if done.returncode:
        raise SystemExit(f"docker {words[0]}: {done.stderr.decode()[-600:]}")
    return done.stdout


def exported(image: str) -> dict[str, list[Any]]:
    container = docker("create", image, "x").decode().strip()
    try:
        with tarfile.open(fileobj=io.BytesIO(docker("export", container))) as archive:
            return tree_of(archive)
    finally:
        docker("rm", container)


def main() -> None:
    base = exported("busybox")
    out: dict[str, Any] = {}
    shapes = {**MODERN, **ODD} if os.environ.get("DOCKER_BUILDKIT") == "1" else SHAPES
    for name, (text, files) in shapes.items():
        with tempfile.TemporaryDirectory() as folder:
            for path, content in {"Dockerfile": text, **files}.items():
                where = os.path.join(folder, path)
                os.makedirs(os.path.dirname(where), exist_ok=True)
                with open(where, "w", encoding="utf-8", newline="") as file:
                    file.write(content)
                os.chmod(where, 0o644)
            tag = f"orlop-shape/{name}"
            docker("build", "-q", "-t", tag, folder)
        config = json.loads(docker("image", "inspect", tag))[0]["Config"]
        tree = exported(tag)
        out[name] = {"config": config_of(config), "tree": changed(tree, base)}
        if "scratch" in name or "FROM scratch" in text:
            tree.pop("etc", None)  # what the engine puts there is left out above
            out[name]["tree"] = tree
        docker("rmi", tag)
        print(name, len(out[name]["tree"]))
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump(out, file, indent=1, sort_keys=True, ensure_ascii=False)
        file.write("\n")


if __name__ == "__main__":
    main()
