"""Flags and daemon.json into one Config, with dockerd's texts where they contradict each other."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from orlop.config import Config, from_json
from orlop.daemon.flags import Flags
from orlop.errors import InvalidArgument

DEFAULT_FILE = "/etc/orlop/daemon.json"
_ONLY_FLAGS = ("config-file", "help", "validate", "version")
# daemon.json keys of dockerd that mean nothing here; a file written for it must still be read
_IGNORED = frozenset(
    (
        "allow-direct-routing", "authorization-plugins", "builder", "cdi-spec-dirs", "containerd",
        "containerd-namespace", "containerd-plugin-namespace", "default-gateway-v6",
        "default-network-opts", "deprecated-key-path", "experimental", "features",
        "firewall-backend", "fixed-cidr-v6", "host-gateway-ip", "host-gateway-ips", "ip6tables",
        "metrics-addr", "min-api-version", "network-control-plane-mtu",
        "node-generic-resources", "oom-score-adjust", "raw-logs", "rootless",
        "swarm-default-advertise-addr", "userland-proxy-path", "userns-remap",
    )
)  # fmt: skip
RELOADABLE = (
    "debug", "labels", "insecure_registries", "registry_mirrors", "max_concurrent_downloads",
    "max_concurrent_uploads", "max_download_attempts", "blob_cache_size",
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
    both = [k for k in given if k in document]
    if both:
        named = ", ".join(
            f"{k}: (from flag: {_go(given[k])}, from file: {_go(document[k])})"
            for k in sorted(both)
        )
        raise InvalidArgument(
            f"unable to configure the Docker daemon with file {file_of(flags)}: the following "
            f"directives are specified both as a flag and in the configuration file: {named}"
        )
    try:
        config = from_json(document, base)
    except InvalidArgument as error:
        raise InvalidArgument(
            f"unable to configure the Docker daemon with file {file_of(flags)}: {error.message}"
        ) from None
    config = from_json(given, config)
    _check(config)
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
        document = json.loads(text, object_pairs_hook=_no_duplicates)
    except RecursionError:
        raise InvalidArgument(f"{prefix}exceeded max depth") from None
    except ValueError as error:
        raise InvalidArgument(f"{prefix}invalid JSON: {error}") from None
    if not isinstance(document, dict):
        raise InvalidArgument(f"{prefix}invalid JSON: an object is expected")
    return {k: v for k, v in document.items() if k not in _IGNORED}


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        raise ValueError("a key occurs twice")
    return out


def _go(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + " ".join(map(_go, value)) + "]"
    if isinstance(value, dict):
        return "map[" + " ".join(f"{k}:{_go(v)}" for k, v in sorted(value.items())) + "]"
    return str(value)


def _check(config: Config) -> None:
    for name in ("max_concurrent_downloads", "max_concurrent_uploads", "max_download_attempts"):
        value = getattr(config, name)
        if value < 0 or (value == 0 and name == "max_download_attempts"):
            raise InvalidArgument(f"invalid max {name[4:].replace('_', ' ')}: {value}")
    if config.log_level not in ("debug", "info", "warn", "warning", "error", "fatal", "panic"):
        raise InvalidArgument(f"invalid logging level: {config.log_level}")
    for label in config.labels:
        if "=" not in label:
            raise InvalidArgument(f"bad attribute format: {label}")
    for option in config.exec_opts:
        key, _, value = option.partition("=")
        if key != "native.cgroupdriver":
            raise InvalidArgument(f"invalid option: {key}")
        if value not in ("cgroupfs", "systemd"):
            raise InvalidArgument(
                f'native.cgroupdriver option "{value}" is invalid: '
                'should be "cgroupfs" or "systemd"'
            )
    own = ("orlop", "runc", "io.containerd.runc.v2")
    if config.default_runtime not in (*own, *config.runtimes):
        raise InvalidArgument(
            f"specified default runtime '{config.default_runtime}' does not exist"
        )
    if config.tlsverify or config.tls:
        for name in ("tlscert", "tlskey", *(["tlscacert"] if config.tlsverify else [])):
            if not getattr(config, name):
                raise InvalidArgument(f"TLS needs --{name}")
