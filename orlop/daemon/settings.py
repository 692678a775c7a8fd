"""Flags and daemon.json into one Config, with dockerd's texts where they contradict each other."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from orlop.config import OWN_RUNTIMES, Config, from_json
from orlop.daemon import filetypes, validation
from orlop.daemon.flags import Flags
from orlop.daemon.hardened import harden
from orlop.errors import InvalidArgument

DEFAULT_FILE = "/etc/orlop/daemon.json"
_ONLY_FLAGS = ("config-file", "help", "validate", "version")
# daemon.json keys of dockerd that mean nothing here; a file written for it must still be read
_IGNORED = frozenset(
    (
        "allow-direct-routing", "authorization-plugins", "builder", "containerd",
        "containerd-namespace", "containerd-plugin-namespace", "default-gateway-v6",
        "default-network-opts", "deprecated-key-path", "experimental", "features",
        "firewall-backend", "fixed-cidr-v6", "host-gateway-ip", "host-gateway-ips", "ip6tables",
        "metrics-addr", "min-api-version", "network-control-plane-mtu",
        "node-generic-resources", "oom-score-adjust", "raw-logs", "rootless",
        "swarm-default-advertise-addr", "userland-proxy-path",
    )
)  # fmt: skip
RELOADABLE = (
    "debug", "labels", "insecure_registries", "registry_mirrors", "max_concurrent_downloads",
    "max_concurrent_uploads", "max_download_attempts", "blob_cache_size", "push_compression",
    "default_shm_size", "default_ipc_mode",
    "runtimes", "default_runtime", "live_restore", "shutdown_timeout", "log_level",
)  # fmt: skip


def rootless_defaults() -> Config:
    """A user other than root: runtime and data directories of their own."""
    uid = os.getuid()
    runtime = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{uid}"
    data = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    return Config(data_root=Path(data) / "orlop", exec_root=Path(runtime) / "orlop", group="")


def load(flags: Flags) -> Config:
    """Raises InvalidArgument."""
    base = Config() if os.getuid() == 0 else rootless_defaults()
    given = {k: v for k, v in flags.values.items() if k not in _ONLY_FLAGS}
    document = read(flags)
    both = [k for k in given if k in document and k != "runtimes"]
    if both:
        named = ", ".join(
            f"{k}: (from flag: {_go(given[k])}, from file: {_go(document[k])})"
            for k in sorted(both)
        )
        raise InvalidArgument(
            f"unable to configure the Docker daemon with file {file_of(flags)}: the following "
            f"directives are specified both as a flag and in the configuration file: {named}"
        )
    if "runtimes" in given and "runtimes" in document:
        given["runtimes"] = {**document["runtimes"], **given["runtimes"]}
    config = _merged(flags, document, given, base)
    _check_host(config)
    return config


def _merged(flags: Flags, document: dict[str, Any], given: dict[str, Any], base: Config) -> Config:
    prefix = f"unable to configure the Docker daemon with file {file_of(flags)}: "
    try:
        filetypes.check(document)
        if document.get("authorization-plugins"):  # ignored, they would let everything pass
            raise InvalidArgument("authorization plugins are not supported")
        known = {k: v for k, v in document.items() if k not in _IGNORED}
        if {**known, **given}.get("hardened"):
            base = harden(base, {**known, **given})
        config = from_json(given, from_json(known, base))
    except InvalidArgument as error:
        raise InvalidArgument(prefix + error.message) from None
    try:
        validation.check(config)
    except InvalidArgument as error:
        if document or "config-file" in flags.values:
            prefix += "merged configuration validation from file and command line flags failed: "
            raise InvalidArgument(prefix + error.message) from None
        raise
    return config


def file_of(flags: Flags) -> str:
    return str(flags.values.get("config-file") or DEFAULT_FILE)


def read(flags: Flags) -> dict[str, Any]:
    """daemon.json. A missing file is an error only when it was named."""
    path = file_of(flags)
    prefix = f"unable to configure the Docker daemon with file {path}: "
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        if "config-file" in flags.values:
            raise InvalidArgument(f"{prefix}open {path}: no such file or directory") from None
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidArgument(f"{prefix}{error}") from None
    if not text.strip():
        return {}
    try:
        document = json.loads(text)
    except RecursionError:
        raise InvalidArgument(f"{prefix}exceeded max depth") from None
    except json.JSONDecodeError as error:
        short = error.pos >= len(text.rstrip())
        said = "unexpected end of JSON input" if short else str(error)
        raise InvalidArgument(f"{prefix}invalid JSON: {said}") from None
    if not isinstance(document, dict):
        kind = {list: "array", str: "string", bool: "bool"}.get(type(document), "number")
        raise InvalidArgument(
            f"{prefix}invalid JSON: json: cannot unmarshal {kind} into Go value of type "
            "map[string]interface {}"
        )
    return document


def _go(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + " ".join(map(_go, value)) + "]"
    if isinstance(value, dict):
        return "map[" + " ".join(f"{k}:{_go(v)}" for k, v in sorted(value.items())) + "]"
    return str(value)


def _check_host(config: Config) -> None:
    """What dockerd finds out only when it starts."""
    validation.conflicts(config.labels)
    if config.default_runtime not in (*OWN_RUNTIMES, *config.runtimes):
        raise InvalidArgument(
            f"specified default runtime '{config.default_runtime}' does not exist"
        )
    if (config.tlsverify or config.tls) and not (config.tlscert and config.tlskey):
        missing = config.tlskey if config.tlscert else config.tlscert
        raise InvalidArgument(
            "invalid TLS configuration: Could not load X509 key pair "
            f'(cert: "{config.tlscert}", key: "{config.tlskey}"): '
            f"open {missing}: no such file or directory"
        )
    if config.tlsverify and not config.tlscacert:
        raise InvalidArgument("TLS needs --tlscacert")
