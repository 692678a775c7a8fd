"""`-p` and `--expose`: [ip:][host:]container[/proto] with ranges. Source:
docker/go-connections/nat."""

import _socket

from orlop.cli.units import go_int

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

Binding = dict[str, str]  # HostIp, HostPort


def canonical_ip(text: str) -> str | None:
    """The address as Go prints it, None when it is none."""
    for family in (_socket.AF_INET, _socket.AF_INET6):
        try:
            packed = _socket.inet_pton(family, text)
        except (OSError, ValueError):
            continue
        if len(packed) == 16 and packed[:12] == b"\0" * 10 + b"\xff\xff":
            return _socket.inet_ntop(_socket.AF_INET, packed[12:])
        return _socket.inet_ntop(family, packed)
    return None


def split_port(text: str) -> tuple[str, str]:
    """(port, protocol) of "80/udp"; tcp when none is given."""
    port, _, rest = text.partition("/")
    if not port:
        return "", ""
    return port, rest.split("/")[0] or "tcp"


def parse_number(text: str) -> int:
    return go_int(text, 16, 10, "ParseUint")


def parse_range(text: str) -> tuple[int, int]:
    """(first, last) of "8000-9000" or "80". Raises ValueError."""
    if not text:
        raise ValueError("empty string specified for ports")
    parts = text.split("-")
    first = parse_number(parts[0])
    last = parse_number(parts[1]) if len(parts) > 1 else first
    if last < first:
        raise ValueError(f"invalid range specified for port: {text}")
    return first, last


def _split(spec: str) -> tuple[str, str, str]:
    parts = spec.split(":")
    if len(parts) == 1:
        return "", "", parts[0]
    return ":".join(parts[:-2]), parts[-2], parts[-1]


def parse_spec(spec: str) -> list[tuple[str, Binding]]:
    """[("80/tcp", binding)…] of one -p value. Raises ValueError."""
    ip, host, container = _split(spec)
    container, proto = split_port(container)
    if ip.startswith("["):
        if not ip.endswith("]") or ip.count("]") > 1:
            raise ValueError(f"invalid IP address {ip}: address {ip}:: missing ']' in address")
        ip = ip[1:-1]
    if ip and canonical_ip(ip) is None:
        raise ValueError(f"invalid IP address: {ip}")
    if not container:
        raise ValueError(f"no port specified: {spec}<empty>")
    try:
        first, last = parse_range(container)
    except ValueError:
        raise ValueError(f"invalid containerPort: {container}") from None
    host_first = host_last = 0
    if host:
        try:
            host_first, host_last = parse_range(host)
        except ValueError:
            raise ValueError(f"invalid hostPort: {host}") from None
        if last - first != host_last - host_first and last != first:
            raise ValueError(
                f"invalid ranges specified for container and host Ports: {container} and {host}"
            )
    if proto.lower() not in ("tcp", "udp", "sctp"):
        raise ValueError(f"invalid proto: {proto}")
    found = []
    for at in range(last - first + 1):
        host_port = str(host_first + at) if host else ""
        # one container port with a host range: the daemon picks one of the range
        if first == last and host_first != host_last:
            host_port = f"{host_port}-{host_last}"
        binding = {"HostIp": ip, "HostPort": host_port}
        found.append((f"{first + at}/{proto.lower()}", binding))
    return found


def parse_specs(
    specs: "Iterable[str]",
) -> tuple[dict[str, dict[str, str]], dict[str, list[Binding]]]:
    """(exposed ports, bindings) of all -p values. Raises ValueError."""
    exposed: dict[str, dict[str, str]] = {}
    bindings: dict[str, list[Binding]] = {}
    for spec in specs:
        for port, binding in parse_spec(spec):
            exposed[port] = {}
            bindings.setdefault(port, []).append(binding)
    return exposed, bindings


def standard_notation(values: "Iterable[str]") -> list[str]:
    """Turn target=80,published=8080 into 8080:80/tcp. Raises ValueError."""
    found = []
    for value in values:
        if "=" not in value:
            found.append(value)
            continue
        params = {"protocol": "tcp"}
        for param in value.split(","):
            key, equals, text = param.partition("=")
            if not equals or not key:
                raise ValueError(
                    f"invalid publish opts format (should be name=value but got '{param}')"
                )
            params[key] = text
        target, published = params.get("target", ""), params.get("published", "")
        found.append(f"{published}:{target}/{params['protocol']}")
    return found


def expose(values: "Iterable[str]", ports: dict[str, dict[str, str]]) -> None:
    """Add the --expose values to `ports`. Raises ValueError."""
    for value in values:
        if ":" in value:
            raise ValueError(f"invalid port format for --expose: {value}")
        port, proto = split_port(value)
        try:
            first, last = parse_range(port)
        except ValueError as e:
            raise ValueError(f"invalid range format for --expose: {value}, error: {e}") from None
        for number in range(first, last + 1):
            ports.setdefault(f"{number}/{proto}", {})
