"""TLS to a daemon: what the files of `--tlscacert`, `--tlscert` and `--tlskey` make, and what
was wrong with them or with the other side, in the words of Docker's CLI (that is, of Go)."""

import os
import re
import ssl
from typing import Any

from orlop.errors import InvalidArgument

_TLS_INFO = "failed to retrieve context tls info: "
_BLOCK = re.compile(rb"-----BEGIN ([^-\n]+)-----\s.*?-----END \1-----", re.DOTALL)
_UNKNOWN_CA = (18, 19, 20, 21)  # X509_V_ERR_…: self-signed, or an issuer that is not there
_DATES = (9, 10)
_ALERTS = {
    "CERTIFICATE_REQUIRED": "certificate required",
    "ALERT_BAD_CERTIFICATE": "bad certificate",
    "CERTIFICATE_EXPIRED": "expired certificate",
    "CERTIFICATE_REVOKED": "revoked certificate",
    "CERTIFICATE_UNKNOWN": "unknown certificate",
    "UNSUPPORTED_CERTIFICATE": "unsupported certificate",
    "UNKNOWN_CA": "unknown certificate authority",
    "ACCESS_DENIED": "access denied",
    "PROTOCOL_VERSION": "protocol version not supported",
    "HANDSHAKE_FAILURE": "handshake failure",
    "UNRECOGNIZED_NAME": "unrecognized name",
    "INTERNAL_ERROR": "internal error",
}


def context(base: str, given: dict[str, Any], verify: bool) -> ssl.SSLContext:
    """`base`: where ca.pem, cert.pem and key.pem are, but for those that are `given` by tlscacert,
    tlscert, tlskey. Raises InvalidArgument."""
    authority = _content(str(given.get("tlscacert") or os.path.join(base, "ca.pem")))
    certificate, key = (
        _named(given.get(name), os.path.join(base, default))
        for name, default in (("tlscert", "cert.pem"), ("tlskey", "key.pem"))
    )
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    _trust(made, authority)
    if not verify:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    if certificate and key:
        _check_pair(_content(certificate), _content(key))
        _load_pair(made, certificate, key)
    return made


def _named(given: object, default: str) -> str:
    """A file that is given must be there, one that lies there by custom need not."""
    path = str(given) if given else default if os.path.exists(default) else ""
    if path:
        _content(path)
    return path


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except IsADirectoryError:
        raise InvalidArgument(f"read {path}: is a directory") from None
    except OSError as error:
        raise InvalidArgument(f"open {path}: {(error.strerror or '').lower()}") from None


def _trust(made: ssl.SSLContext, authority: bytes) -> None:
    blocks = [m[0] for m in _BLOCK.finditer(authority) if m[1] == b"CERTIFICATE"]
    try:
        made.load_verify_locations(cadata=b"\n".join(blocks).decode("ascii"))
    except (ValueError, ssl.SSLError):
        raise InvalidArgument(_TLS_INFO + "ca.pem seems invalid") from None


def _check_pair(certificate: bytes, key: bytes) -> None:
    """What Go's tls.X509KeyPair refuses by the kinds of PEM blocks. Raises InvalidArgument."""
    keys = [m[1].decode("latin-1") for m in _BLOCK.finditer(key)]
    if not keys:
        raise InvalidArgument("no valid private key found")
    if b"Proc-Type: 4,ENCRYPTED" in key:
        raise InvalidArgument(
            "private key is encrypted - support for encrypted private keys has been removed, see "
            "https://docs.docker.com/go/deprecated/"
        )
    found = [m[1].decode("latin-1") for m in _BLOCK.finditer(certificate)]
    wrong = ""
    if not found:
        wrong = "failed to find any PEM data in certificate input"
    elif "CERTIFICATE" not in found and len(found) == 1 and found[0].endswith("PRIVATE KEY"):
        wrong = (
            "failed to find certificate PEM data in certificate input, but did find a private "
            "key; PEM inputs may have been switched"
        )
    elif "CERTIFICATE" not in found:
        wrong = (
            'failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM '
            f"blocks of the following types: [{' '.join(found)}]"
        )
    elif keys == ["CERTIFICATE"]:
        wrong = "found a certificate rather than a key in the PEM for the private key"
    elif "ENCRYPTED PRIVATE KEY" in keys:
        wrong = "failed to parse private key"
    if wrong:
        raise InvalidArgument(f"{_TLS_INFO}tls: {wrong}")


def _load_pair(made: ssl.SSLContext, certificate: str, key: str) -> None:
    try:
        made.load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ValueError) as error:
        mismatch = "MISMATCH" in (getattr(error, "reason", None) or "")
        wrong = "private key does not match public key" if mismatch else "failed to parse them"
        raise InvalidArgument(f"{_TLS_INFO}tls: {wrong}") from None


def _no_password() -> str:
    """OpenSSL would ask at the terminal."""
    raise ValueError("encrypted")


def words(error: ssl.SSLError) -> str:
    """What Go says of it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in _UNKNOWN_CA:
            text = "certificate signed by unknown authority"
        elif error.verify_code in _DATES:
            text = "certificate has expired or is not yet valid"
        else:
            text = error.verify_message.rstrip(".").rpartition(", ")[2]
        return f"tls: failed to verify certificate: x509: {text}"
    reason = error.reason or ""
    if "EOF" in reason or isinstance(error, ssl.SSLEOFError):
        return "EOF"
    if reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST"):
        return "http: server gave HTTP response to HTTPS client"
    for name, text in _ALERTS.items():
        if name in reason and "ALERT" in reason:
            return f"remote error: tls: {text}"
    return f"tls: {reason.replace('_', ' ').lower() or error.strerror or error}"
