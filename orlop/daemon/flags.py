"""dockerd's flags: one table, parsed as its pflag does. Values come out in daemon.json's terms."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Any

from orlop.errors import InvalidArgument
from orlop.text import parse_bool

# (long, short, kind, daemon.json key or "" for the flag's own name, help)
# kinds: text, bool, int, list, map (key=value), ulimits, pools, runtimes, size
TABLE: tuple[tuple[str, str, str, str, str], ...] = (
    ("add-runtime", "", "runtimes", "runtimes", "Register an additional OCI compatible runtime"),
    ("bip", "", "text", "", "IPv4 address for the default bridge"),
    ("bip6", "", "text", "", "IPv6 address for the default bridge"),
    ("blob-cache-size", "", "size", "", "Bytes of packed layers kept for the next push (0: none)"),
    ("bridge", "b", "text", "", "Attach containers to a network bridge of this name"),
    ("cdi-spec-dir", "", "list", "cdi-spec-dirs", "CDI specification directories to use"),
    ("cgroup-parent", "", "text", "", "Set parent cgroup for all containers"),
    ("config-file", "", "text", "", "Daemon configuration file"),
    ("data-root", "", "text", "", "Root directory of persistent state"),
    ("debug", "D", "bool", "", "Enable debug mode"),
    ("default-address-pool", "", "pools", "default-address-pools", "Default address pools"),
    ("default-cgroupns-mode", "", "text", "", "Default mode for containers cgroup namespace"),
    ("default-gateway", "", "text", "", "Default gateway IPv4 address for the default bridge"),
    ("default-ipc-mode", "", "text", "", "Default mode for containers ipc"),
    ("default-pids-limit", "", "int", "", "Default limit of processes in a container"),
    ("default-runtime", "", "text", "", "Default OCI runtime for containers"),
    ("default-shm-size", "", "size", "", "Default shm size for containers"),
    ("default-ulimit", "", "ulimits", "default-ulimits", "Default ulimits for containers"),
    ("default-userns-mode", "", "text", "", 'Default user namespace of containers ("host"|"auto")'),
    ("dns", "", "list", "", "DNS server to use"),
    ("dns-opt", "", "list", "dns-opts", "DNS options to use"),
    ("dns-search", "", "list", "", "DNS search domains to use"),
    ("exec-opt", "", "list", "exec-opts", "Runtime execution options"),
    ("exec-root", "", "text", "", "Root directory for execution state files"),
    ("fixed-cidr", "", "text", "", "IPv4 subnet for the default bridge network"),
    ("group", "G", "text", "", "Group for the unix socket"),
    ("hardened", "", "bool", "", "Stricter defaults: user namespaces, no new privileges, limits"),
    ("host", "H", "list", "hosts", "Daemon socket(s) to connect to"),
    ("http-proxy", "", "text", "", "HTTP proxy URL to use for outgoing traffic"),
    ("https-proxy", "", "text", "", "HTTPS proxy URL to use for outgoing traffic"),
    ("icc", "", "bool", "", "Enable inter-container communication for the default bridge"),
    ("init", "", "bool", "", "Run an init in the container to forward signals and reap processes"),
    ("init-path", "", "text", "", "Path to the init binary"),
    ("insecure-registry", "", "list", "insecure-registries", "Enable insecure registry access"),
    ("ip", "", "text", "", "Host IP for port publishing from the default bridge network"),
    ("ip-forward", "", "bool", "", "Enable IP forwarding in system configuration"),
    ("ip-masq", "", "bool", "", "Enable IP masquerading for the default bridge network"),
    ("iptables", "", "bool", "", "Enable addition of firewall rules"),
    ("ipv6", "", "bool", "", "Enable IPv6 networking for the default bridge network"),
    ("label", "", "list", "labels", "Set key=value labels to the daemon"),
    ("live-restore", "", "bool", "", "Containers live on without the daemon (always so)"),
    ("log-driver", "", "text", "", "Default driver for container logs"),
    ("log-format", "", "text", "", 'Set the logging format ("text"|"json")'),
    ("log-level", "l", "text", "", 'Set the logging level ("debug"|"info"|"warn"|"error"|"fatal")'),
    ("log-opt", "", "map", "log-opts", "Default log driver options for containers"),
    ("max-concurrent-downloads", "", "int", "", "Set the max concurrent downloads"),
    ("max-concurrent-uploads", "", "int", "", "Set the max concurrent uploads"),
    ("max-download-attempts", "", "int", "", "Set the max download attempts for each pull"),
    ("mtu", "", "int", "", "Set the MTU for the default bridge network"),
    ("no-new-privileges", "", "bool", "", "Set no-new-privileges by default for new containers"),
    ("no-proxy", "", "text", "", "Hosts and IP addresses that no proxy is used for"),
    ("pidfile", "p", "text", "", "Path to use for daemon PID file"),
    ("push-compression", "", "text", "", "Compression of pushed layers: gzip[:0-9] or zstd[:1-22]"),
    ("registry-mirror", "", "list", "registry-mirrors", "Preferred registry mirror"),
    ("seccomp-profile", "", "text", "", "Path to seccomp profile, or unconfined"),
    ("selinux-enabled", "", "bool", "", "Enable selinux support"),
    ("shutdown-timeout", "", "int", "", "Set the default shutdown timeout"),
    ("storage-driver", "s", "text", "", "Storage driver to use"),
    ("storage-opt", "", "list", "storage-opts", "Storage driver options"),
    ("tls", "", "bool", "", "Use TLS; implied by --tlsverify"),
    ("tlscacert", "", "text", "", "Trust certs signed only by this CA"),
    ("tlscert", "", "text", "", "Path to TLS certificate file"),
    ("tlskey", "", "text", "", "Path to TLS key file"),
    ("tlsverify", "", "bool", "", "Use TLS and verify the remote"),
    ("unsafe-tcp", "", "bool", "", "Serve the API on other addresses than loopback without TLS"),
    ("userland-proxy", "", "bool", "", "Use userland proxy for loopback traffic"),
    ("userns-remap", "", "text", "", "User/Group setting for user namespaces"),
    ("validate", "", "bool", "", "Validate daemon configuration and exit"),
    ("version", "v", "bool", "", "Print version information and quit"),
    ("help", "h", "bool", "", "Print usage"),
)  # fmt: skip
# Accepted for the sake of existing unit files; nothing here has them.
_IGNORED = {
    "containerd": True, "containerd-namespace": True, "containerd-plugins-namespace": True,
    "cri-containerd": False, "experimental": False, "raw-logs": False, "oom-score-adjust": True,
    "ip6tables": False, "rootless": False, "metrics-addr": True, "userland-proxy-path": True,
    "default-network-opt": True, "network-control-plane-mtu": True, "host-gateway-ip": True,
    "fixed-cidr-v6": True,
    "default-gateway-v6": True, "feature": True, "firewall-backend": True,
}  # fmt: skip

_SIZE = re.compile(r"(\d+)\s*([kmgtKMGT]?)[iI]?[bB]?", re.ASCII)
_SHIFTS = {"": 0, "k": 10, "m": 20, "g": 30, "t": 40}
_ULIMITS = (
    "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc",
    "rss", "rtprio", "rttime", "sigpending", "stack",
)  # fmt: skip


@dataclass(slots=True)
class Flags:
    """What was given: daemon.json key → value."""

    values: dict[str, Any] = field(default_factory=dict)


def parse(argv: list[str]) -> Flags:
    """Raises InvalidArgument with pflag's text."""
    long = {row[0]: row for row in TABLE}
    short = {row[1]: row for row in TABLE if row[1]}
    out = Flags()
    words = list(argv)
    while words:
        word = words.pop(0)
        if word.startswith("--"):
            name, separator, value = word[2:].partition("=")
            if name in _IGNORED:
                if _IGNORED[name] and not separator and words:
                    words.pop(0)
                continue
            row = long.get(name)
            shown = f"--{name}"
        elif word.startswith("-") and len(word) > 1:
            row = short.get(word[1])
            rest = word[2:]
            separator, value = ("=", rest.removeprefix("=")) if rest else ("", "")
            shown = f"-{word[1]}"
            if row is not None and row[2] == "bool" and rest and not rest.startswith("="):
                words.insert(0, f"-{rest}")  # -Dv
                separator = value = ""
        else:
            raise InvalidArgument(f'"orlopd" accepts no arguments.\n\nUnexpected: {word}')
        if row is None:
            kind = "unknown flag: " if word.startswith("--") else "unknown shorthand flag: "
            what = f"--{name}" if word.startswith("--") else f"'{word[1]}' in {word}"
            raise InvalidArgument(kind + what)
        if not separator:
            if row[2] == "bool":
                value = "true"
            elif words:
                value = words.pop(0)
            else:
                raise InvalidArgument(f"flag needs an argument: {shown}")
        _put(out, row, value)
    return out


def _put(out: Flags, row: tuple[str, str, str, str, str], text: str) -> None:
    name, short, kind, key, _ = row
    key = key or name
    try:
        value = _convert(name, kind, text, out.values.get(key))
    except ValueError as error:
        shown = f"-{short}, --{name}" if short else f"--{name}"
        raise InvalidArgument(f'invalid argument "{text}" for "{shown}" flag: {error}') from None
    out.values[key] = value


def _convert(name: str, kind: str, text: str, old: Any) -> Any:
    """Raises ValueError with Go's text."""
    if kind == "bool":
        return parse_bool(text)
    if kind == "int":
        if not re.fullmatch(r"[+-]?\d{1,18}", text, re.ASCII):
            raise ValueError(f'strconv.ParseInt: parsing "{text}": invalid syntax')
        return int(text)
    if kind == "size":
        match = _SIZE.fullmatch(text)
        if match is None:
            raise ValueError(f"invalid size: '{text}'")
        return int(match[1]) << _SHIFTS[match[2].lower()]
    if kind == "list":
        _check_member(name, text)
        return [*(old or ()), text]
    if kind == "text":
        return text
    return _pairs(kind, text, old)


def _check_member(name: str, text: str) -> None:
    if name == "dns":
        try:
            ipaddress.ip_address(text)
        except ValueError:
            raise ValueError(f"invalid string being converted to IP address: {text}") from None
    elif name == "label" and "=" not in text:
        raise ValueError(f"bad attribute format: {text}")


def _pairs(kind: str, text: str, old: Any) -> Any:
    name, separator, value = text.partition("=")
    if kind == "pools":
        fields = dict(part.partition("=")[::2] for part in text.split(","))
        if set(fields) != {"base", "size"} or not fields["size"].isdigit():
            raise ValueError(f"invalid default address pool: {text}")
        return [*(old or ()), {"base": fields["base"], "size": int(fields["size"])}]
    if not separator or not name:
        what = "runtime argument" if kind == "runtimes" else "format"
        raise ValueError(
            f"invalid {what}: {text}" + ("" if kind == "runtimes" else ", expected name=value")
        )
    if kind == "runtimes":
        if name == "runc":
            raise ValueError("runtime name 'runc' is reserved")
        return {**(old or {}), name: {"path": value}}
    if kind == "ulimits":
        soft, colon, hard = value.partition(":")
        if name not in _ULIMITS:
            raise ValueError(f"invalid ulimit type: {name}")
        for number in (soft, hard if colon else soft):
            if not re.fullmatch(r"-?\d{1,18}", number, re.ASCII):
                raise ValueError(f'strconv.ParseInt: parsing "{number}": invalid syntax')
        limits = [int(soft), int(hard if colon else soft)]
        return {**(old or {}), name: {"Name": name, "Soft": limits[0], "Hard": limits[1]}}
    return {**(old or {}), name: value}


def usage() -> str:
    rows = []
    for name, short, kind, _, text in TABLE:
        word = {"bool": "", "text": "string", "int": "int", "size": "bytes", "map": "map"}.get(
            kind, "list"
        )
        left = f"  {'-' + short + ', ' if short else '    '}--{name} {word}".rstrip()
        rows.append((left, text))
    width = max(len(left) for left, _ in rows) + 3
    listing = "\n".join(f"{left:<{width}}{text}" for left, text in rows)
    return (
        "\nUsage:  orlopd [OPTIONS]\n\nA container engine that speaks the Docker API.\n\n"
        f"Options:\n{listing}\n"
    )
