"""The engine's configuration: a frozen value made once from `daemon.json` and flags.

Pure: parsing of files and of argv lives in `daemon.py`; here are the fields, their defaults and the
mapping of daemon.json keys (Docker's names) to fields.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from orlop.errors import InvalidArgument

EMPTY: Mapping[str, str] = MappingProxyType({})
OWN_RUNTIMES = ("orlop", "runc", "io.containerd.runc.v2")  # all mean our own


@dataclass(frozen=True, slots=True)
class Config:
    data_root: Path = Path("/var/lib/orlop")
    exec_root: Path = Path("/run/orlop")
    hosts: tuple[str, ...] = ()  # empty: the default socket in exec_root
    group: str = "docker"
    pidfile: str = ""
    storage_driver: str = ""  # empty: probe
    storage_opts: tuple[str, ...] = ()
    registry_mirrors: tuple[str, ...] = ()
    insecure_registries: tuple[str, ...] = ()
    http_proxy: str = ""  # of the daemon; empty: as the environment says
    https_proxy: str = ""
    no_proxy: str = ""
    blob_cache_size: int = 512 << 20  # bytes of packed layers that are kept for the next push
    push_compression: str = ""  # gzip[:0-9] or zstd[:1-22]; empty: gzip, fast
    max_concurrent_downloads: int = 3
    max_concurrent_uploads: int = 5
    max_download_attempts: int = 5
    bridge: str = ""  # name of the default bridge; "none" turns the network off
    bip: str = ""  # address of the default bridge, CIDR
    bip6: str = ""
    fixed_cidr: str = ""
    default_gateway: str = ""
    default_address_pools: tuple[tuple[str, int], ...] = ()  # (base CIDR, prefix length)
    mtu: int = 1500
    ip: str = "0.0.0.0"  # default host address of published ports
    icc: bool = True
    iptables: bool = True
    ip_forward: bool = True
    ip_masq: bool = True
    ipv6: bool = False
    userland_proxy: bool = True
    dns: tuple[str, ...] = ()
    dns_opts: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()
    log_driver: str = "json-file"
    log_opts: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    log_level: str = "info"
    log_format: str = "text"  # or json
    debug: bool = False
    cgroup_parent: str = ""  # empty: /orlop, or orlop.slice with the systemd driver
    exec_opts: tuple[str, ...] = ()  # native.cgroupdriver=cgroupfs|systemd
    default_ulimits: Mapping[str, tuple[int, int]] = field(
        default_factory=lambda: MappingProxyType({})
    )  # name: (soft, hard)
    default_shm_size: int = 64 << 20
    default_runtime: str = "runc"
    runtimes: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: MappingProxyType({})
    )  # name: path of an OCI runtime and its own arguments
    default_ipc_mode: str = "private"
    default_cgroupns_mode: str = ""
    init: bool = False
    init_path: str = ""
    no_new_privileges: bool = False
    rootless: bool = False  # set by the daemon itself: a user runs it, in namespaces of its own
    hardened: bool = False  # stricter defaults: daemon/hardened.py
    default_userns_mode: str = ""  # of containers that name none: host or auto[:size=N]
    default_pids_limit: int = 0  # of containers that name none; 0 or -1: as many as the host bears
    cdi_spec_dirs: tuple[str, ...] = ("/etc/cdi", "/var/run/cdi")
    userns_remap: str = ""  # "default" or user[:group]; empty: containers have the host's users
    seccomp_profile: str = ""
    selinux_enabled: bool = False
    labels: tuple[str, ...] = ()
    shutdown_timeout: int = 15
    live_restore: bool = True
    stop_containers_on_exit: bool = False
    tls: bool = False
    tlsverify: bool = False
    tlscacert: str = ""
    tlscert: str = ""
    tlskey: str = ""
    unsafe_tcp: bool = False  # plain TCP on other addresses than loopback

    @property
    def socket(self) -> Path:
        """The default API socket."""
        return self.exec_root / "orlop.sock"

    @property
    def root_hash(self) -> str:
        """8 hex characters that tell the daemons of one host apart (nft table, cgroup)."""
        return hashlib.sha256(bytes(self.data_root)).hexdigest()[:8]


_PROXIES = ("http-proxy", "https-proxy", "no-proxy")
_RENAMED = {
    "data-root": "data_root",
    "exec-root": "exec_root",
    "registry-mirrors": "registry_mirrors",
    "insecure-registries": "insecure_registries",
    "hosts": "hosts",
    "dns-opts": "dns_opts",
    "dns-search": "dns_search",
    "storage-opts": "storage_opts",
    "exec-opts": "exec_opts",
    "cdi-spec-dirs": "cdi_spec_dirs",
}


def from_json(document: Mapping[str, Any], base: Config | None = None) -> Config:
    """Overlay daemon.json keys on `base`. Raises InvalidArgument for unknown keys and types."""
    known = {f.name: f for f in dataclasses.fields(Config)}
    base = base or Config()
    changes: dict[str, Any] = {}
    unknown: list[str] = []
    for key, value in _flat(document):
        name = _RENAMED.get(key, key.replace("-", "_"))
        if name not in known:
            unknown += value if isinstance(value, dict) and value else [key]
            continue
        if value is not None:
            changes[name] = _convert(key, value, getattr(base, name))
    if unknown:
        raise InvalidArgument(
            "the following directives don't match any configuration option: " + ", ".join(unknown)
        )
    return dataclasses.replace(base, **changes)


def _flat(document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The members of `proxies` count as keys of their own: so the flags are called."""
    for key, value in document.items():
        if key != "proxies":
            yield key, value
            continue
        if not isinstance(value, dict) or not set(value) <= set(_PROXIES):
            raise InvalidArgument(f"invalid value for configuration option {key}: {value!r}")
        yield from value.items()


def _convert(key: str, value: Any, like: Any) -> Any:
    wrong = InvalidArgument(f"invalid value for configuration option {key}: {value!r}")
    if key == "default-address-pools":
        try:
            return tuple((str(p["base"]), int(p["size"])) for p in value)
        except (KeyError, TypeError, ValueError):
            raise wrong from None
    if key == "default-ulimits":
        try:
            return {n: (int(u["Soft"]), int(u["Hard"])) for n, u in value.items()}
        except (AttributeError, KeyError, TypeError, ValueError):
            raise wrong from None
    if key == "runtimes":
        try:
            return {
                n: (str(r["path"]), *map(str, r.get("runtimeArgs") or ())) for n, r in value.items()
            }
        except (AttributeError, KeyError, TypeError):
            raise wrong from None
    if key == "default-shm-size" and isinstance(value, str):
        digits = value.lower().rstrip("ib").rstrip()
        shift = {"k": 10, "m": 20, "g": 30, "t": 40, "p": 50}.get(digits[-1:], 0)
        try:
            return int(float(digits[:-1] if shift else digits) * (1 << shift))
        except ValueError:
            raise wrong from None
    if isinstance(like, bool):
        if not isinstance(value, bool):
            raise wrong
        return value
    if isinstance(like, int):
        if isinstance(value, bool) or not isinstance(value, int):
            raise wrong
        return value
    if isinstance(like, Path):
        if not isinstance(value, str | Path) or not str(value):
            raise wrong  # Path("") is the current directory
        return Path(os.path.abspath(value))
    if isinstance(like, tuple):
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            raise wrong
        return tuple(value)
    if isinstance(like, Mapping):
        if not isinstance(value, dict):
            raise wrong
        return {str(k): str(v) for k, v in value.items()}
    if not isinstance(value, str):
        raise wrong
    return value
