"""Certificates `one` and `two` with their keys, a locked key, and junk, in PEM files."""

from __future__ import annotations

import subprocess
from pathlib import Path


def make(folder: Path) -> Path:
    """`folder`, with one.pem, one-key.pem, two.pem, two-key.pem, locked-key.pem and junk.pem."""
    for name in ("one", "two"):
        _openssl(
            folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-keyout", f"{name}-key.pem", "-out", f"{name}.pem", "-days", "2",
            "-subj", f"/CN={name}",
        )  # fmt: skip
    _openssl(
        folder, "pkcs8", "-topk8", "-in", "one-key.pem", "-out", "locked-key.pem",
        "-passout", "pass:x",
    )  # fmt: skip
    (folder / "junk.pem").write_text("junk")
    return folder


def _openssl(folder: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)
