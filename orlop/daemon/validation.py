"""What flags and daemon.json together must be, in dockerd's words. Pure."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from orlop.config import Config
from orlop.errors import InvalidArgument

_LEVELS = ("debug", "info", "warn", "warning", "error", "fatal", "panic")
_DOMAIN = re.compile(r"(?:\.|[a-zA-Z0-9](?:[\w-]*\w)?(?:\.[a-zA-Z0-9](?:[\w-]*\w)?)*\.?)", re.ASCII)
_COMPRESSION = re.compile(r"(?:gzip(?::[0-9])?|zstd(?::(?:[1-9]|1[0-9]|2[0-2]))?)?", re.ASCII)
_USERNS = re.compile(r"(?:host|auto(?::size=[1-9][0-9]{0,9})?)?", re.ASCII)
_SCHEMES = ("unix", "tcp", "fd", "npipe")


def check(config: Config) -> None:
    """Raises InvalidArgument."""
    _numbers(config)
    if config.log_level not in _LEVELS:
        raise InvalidArgument(f"invalid logging level: {config.log_level}")
    if config.log_format not in ("text", "json"):
        raise InvalidArgument(f"invalid log format: {config.log_format}")
    for host in config.hosts:
        scheme, separator, _ = host.partition("://")
        if separator and scheme not in _SCHEMES:
            raise InvalidArgument(f"invalid bind address ({host}): unsupported proto '{scheme}'")
    for domain in config.dns_search:
        if not _DOMAIN.fullmatch(domain.strip()):
            raise InvalidArgument(f"{domain} is not a valid domain")
    _labels(config.labels)
    if not _COMPRESSION.fullmatch(config.push_compression):
        raise InvalidArgument(f"invalid push compression: {config.push_compression}")
    for mirror in config.registry_mirrors:
        _mirror(mirror)
    _exec_opts(config.exec_opts)
    _modes(config)


def _numbers(config: Config) -> None:
    for name in ("max_concurrent_downloads", "max_concurrent_uploads", "max_download_attempts"):
        value = getattr(config, name)
        if value < 0:
            raise InvalidArgument(f"invalid {name.replace('_', ' ')}: {value}")
    if config.mtu < 0:
        raise InvalidArgument(f"invalid default MTU: {config.mtu}")


def _labels(labels: tuple[str, ...]) -> None:
    for label in labels:
        if "=" not in label:
            raise InvalidArgument(f"bad attribute format: {label}")


def conflicts(labels: tuple[str, ...]) -> None:
    """One key, two values. Raises InvalidArgument."""
    seen: dict[str, str] = {}
    for label in labels:
        key, _, value = label.partition("=")
        if seen.setdefault(key, value) != value:
            raise InvalidArgument(f"conflict labels for {label} and {key}={seen[key]}")


def _mirror(text: str) -> None:
    if "://" not in text:
        raise InvalidArgument(
            f"invalid mirror: no scheme specified for \"{text}\": must use either 'https://' "
            "or 'http://'"
        )
    url = urlsplit(text)
    if url.scheme not in ("http", "https"):
        raise InvalidArgument(
            f'invalid mirror: unsupported scheme "{url.scheme}" in "{text}": must use either '
            "'https://' or 'http://'"
        )
    if url.query or url.fragment:
        raise InvalidArgument(f'invalid mirror: query or fragment at end of the URI "{text}"')
    if url.username is not None:
        raise InvalidArgument("invalid mirror: username/password not allowed in URI")


def _exec_opts(options: tuple[str, ...]) -> None:
    for option in options:
        key, separator, value = option.partition("=")
        if not separator:
            raise InvalidArgument(f"invalid exec-opt ({option}): must be formatted 'opt=value'")
        if key != "native.cgroupdriver":
            raise InvalidArgument(f"invalid exec-opt ({option}): unknown option: '{key}'")
        if value not in ("cgroupfs", "systemd"):
            raise InvalidArgument(
                f'native.cgroupdriver option "{value}" is invalid: '
                'should be "cgroupfs" or "systemd"'
            )


def _modes(config: Config) -> None:
    mode = config.default_ipc_mode
    if mode not in ("private", "shareable"):
        if mode in ("host", "none") or mode.startswith("container:"):
            raise InvalidArgument(
                f'IPC mode "{mode}" is not supported as default value; use "shareable" or "private"'
            )
        raise InvalidArgument(
            f'default IPC mode setting ({mode}) is invalid; use "shareable" or "private"'
        )
    if not _USERNS.fullmatch(config.default_userns_mode):
        raise InvalidArgument(
            f"invalid default user namespace mode ({config.default_userns_mode}): "
            'use "host", "auto" or "auto:size=N"'
        )
    if config.default_cgroupns_mode not in ("", "host", "private"):
        raise InvalidArgument(
            f"invalid default cgroup namespace ({config.default_cgroupns_mode}): "
            'use "host" or "private"'
        )
