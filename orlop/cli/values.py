"""Flag values that are more than text: numbers, sizes, addresses, devices, files of variables.

PARSERS maps a kind of the flag table to a function (values, name, text) that checks and stores, and
raises ValueError with Docker's words. Source of the rules: docker/cli `opts`.
"""

import posix

from orlop.cli.ports import canonical_ip
from orlop.cli.units import go_int, parse_duration, parse_ulimit, ram_in_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Values = dict[str, Any]
    Parser = Callable[[Values, str, str], None]

_SYSCTLS = frozenset(
    "kernel." + n
    for n in ("msgmax", "msgmnb", "msgmni", "sem", "shmall", "shmmax", "shmmni", "shm_rmid_forced")
)
_RATE = (
    "The correct format is <device-path>:<number>[<unit>]. Number must be a positive integer. "
    "Unit is optional and can be kb, mb, or gb"
)


def validate_ip(text: str) -> str:
    found = canonical_ip(text.strip())
    if found is None:
        raise ValueError(f"IP address is not correctly formatted: {text}")
    return found


def validate_mac(text: str) -> None:
    """net.ParseMAC: 6, 8 or 20 bytes in pairs by : or -, or in fours by dots."""
    text = text.strip()
    for separator, width in ((":", 2), ("-", 2), (".", 4)):
        parts = text.split(separator)
        if len(parts) * width // 2 in (6, 8, 20) and all(
            len(p) == width and all(c in "0123456789abcdefABCDEF" for c in p) for p in parts
        ):
            return
    raise ValueError(f"address {text}: invalid MAC address")


def validate_dns_search(text: str) -> str:
    text = text.strip(" ")
    if text == ".":
        return text
    name = text.rstrip()
    name = name.removesuffix(".")
    labels = name.split(".")
    good = len(name) < 255 and all(
        part
        and part.isascii()
        and part.replace("-", "a").isalnum()
        and part[0] != "-"
        and part[-1] != "-"
        for part in labels
    )
    if not good or not any(c.isalpha() and c.isascii() for c in text):
        raise ValueError(f"{text} is not a valid domain")
    return name


def validate_label(text: str) -> str:
    key = text.partition("=")[0].lstrip(" \t")
    if not key:
        raise ValueError(f"invalid label '{text}': empty name")
    if " " in key or "\t" in key:
        raise ValueError(f"label '{key}' contains whitespaces")
    return text


def validate_env(text: str) -> str:
    """NAME=value, or NAME taken from our environment when it is there."""
    name, equals, _ = text.partition("=")
    if not name:
        raise ValueError("invalid environment variable: " + text)
    if equals:
        return text
    value = posix.environ.get(name.encode("utf-8", "surrogateescape"))
    return text if value is None else f"{name}={value.decode('utf-8', 'surrogateescape')}"


def validate_attach(text: str) -> str:
    if text.lower() not in ("stdin", "stdout", "stderr"):
        raise ValueError("valid streams are STDIN, STDOUT and STDERR")
    return text.lower()


def validate_host(text: str) -> str:
    """--add-host name:ip or name=ip."""
    from orlop.text import go_quote

    name, found, address = text.partition("=")
    if not found:
        name, found, address = text.partition(":")
    if not found or not name or ":" in name:
        raise ValueError(f"bad format for add-host: {go_quote(text)}")
    if address != "host-gateway":
        if len(address) > 2 and address[0] == "[" and address[-1] == "]":
            address = address[1:-1]
        if canonical_ip(address.strip()) is None:
            raise ValueError(f"invalid IP address in add-host: {go_quote(address)}")
    return f"{name}:{address}"


def parse_link(text: str) -> tuple[str, str]:
    """(name, alias)."""
    if not text:
        raise ValueError("empty string specified for links")
    parts = text.split(":")
    if len(parts) > 2:
        raise ValueError("bad format for links: " + text)
    if len(parts) == 1:
        return text, text
    if parts[0].startswith("/"):
        return parts[0][1:], parts[1].rpartition("/")[2]
    return parts[0], parts[1]


def validate_link(text: str) -> str:
    parse_link(text)
    return text


def validate_device_rule(text: str) -> str:
    """`type major:minor mode`, as cgroup v1 takes it."""
    parts = text.split(" ")
    numbers = parts[1].split(":") if len(parts) == 3 else []
    if (
        len(parts) != 3
        or parts[0] not in ("a", "b", "c")
        or len(numbers) != 2
        or not all(n == "*" or (n.isascii() and n.isdigit()) for n in numbers)
        or not 1 <= len(parts[2]) <= 3
        or not set(parts[2]) <= set("rwm")
    ):
        raise ValueError(f"invalid device cgroup format '{text}'")
    return text


def validate_sysctl(text: str) -> str:
    key, equals, _ = text.partition("=")
    if not equals or not key or not (key in _SYSCTLS or key.startswith(("net.", "fs.mqueue."))):
        raise ValueError(f"sysctl '{text}' is not allowed")
    return text


def parse_cpus(text: str) -> int:
    """Billionths of a CPU of "1.5" or "3/2"."""
    wrong = ValueError(f"failed to parse {text} as a rational number")
    above, slash, below = text.partition("/")
    try:
        numerator, ten = _decimal(above)
        denominator = int(below) if slash else 1
    except ValueError:
        raise wrong from None
    if denominator == 0:
        raise wrong
    nano, rest = divmod(numerator * 10**9, denominator * ten)
    if rest:
        raise ValueError("value is too precise")
    return nano


def _decimal(text: str) -> tuple[int, int]:
    mantissa, _, exponent = text.lower().partition("e")
    whole, _, part = mantissa.partition(".")
    power = int(exponent or 0)
    if not (whole + part).lstrip("+-").isdigit() or abs(power) > 100:
        raise ValueError
    numerator, ten = int(whole + part), 10 ** len(part)
    return (numerator * 10**power, ten) if power >= 0 else (numerator, ten * 10**-power)


def _device(text: str) -> tuple[str, str]:
    path, colon, rest = text.partition(":")
    if not colon or not path:
        raise ValueError(f"bad format: {text}")
    if not path.startswith("/dev/"):
        raise ValueError(f"bad format for device path: {text}")
    return path, rest


def parse_bps(text: str) -> "dict[str, Any]":
    path, rate = _device(text)
    try:
        return {"Path": path, "Rate": ram_in_bytes(rate)}
    except ValueError:
        raise ValueError(f"invalid rate for device: {text}. {_RATE}") from None


def parse_iops(text: str) -> "dict[str, Any]":
    path, rate = _device(text)
    try:
        return {"Path": path, "Rate": go_int(rate, 64, 10, "ParseUint")}
    except ValueError:
        raise ValueError(
            f"invalid rate for device: {text}. The correct format is <device-path>:<number>. "
            "Number must be a positive integer"
        ) from None


def parse_weight(text: str) -> "dict[str, Any]":
    path, weight = _device(text)
    try:
        number = go_int(weight, 16, 10, "ParseUint")
    except ValueError:
        number = -1
    if number != 0 and not 10 <= number <= 1000:
        raise ValueError(f"invalid weight for device: {text}")
    return {"Path": path, "Weight": number}


def parse_memswap(text: str) -> int:
    return -1 if text == "-1" else ram_in_bytes(text)


def read_variables(path: str, lookup: bool) -> list[str]:
    """NAME=value lines of an --env-file or --label-file. Raises ValueError.

    With `lookup`, a bare NAME takes its value from our environment, or is left out.
    """
    try:
        with open(path, "rb") as f:
            data = f.read()
    except OSError as e:
        reason = (e.strerror or "").lower()
        if isinstance(e, IsADirectoryError):
            raise ValueError(f"invalid env file ({path}): read {path}: {reason}") from None
        raise ValueError(f"open {path}: {reason}") from None
    found: list[str] = []
    try:
        lines = data.split(b"\n")
        if lines and not lines[-1]:
            lines.pop()
        for number, raw in enumerate(lines, 1):
            _variable(raw.removesuffix(b"\r"), raw, number, found, lookup)
    except ValueError as e:
        raise ValueError(f"invalid env file ({path}): {e}") from None
    return found


def _variable(raw: bytes, whole: bytes, number: int, found: list[str], lookup: bool) -> None:
    if number == 1:
        raw = raw.removeprefix(b"\xef\xbb\xbf")
    try:
        line = raw.decode("utf-8").lstrip()
    except UnicodeDecodeError:
        shown = " ".join(str(b) for b in whole.removesuffix(b"\r"))
        raise ValueError(f"invalid utf8 bytes at line {number}: [{shown}]") from None
    if not line or line.startswith("#"):
        return
    key, equals, _ = line.partition("=")
    if not key:
        raise ValueError(f"no variable name on line '{line}'")
    if " " in key or "\t" in key:
        raise ValueError(f"variable '{key}' contains whitespaces")
    if equals:
        found.append(line)
    elif lookup:
        value = posix.environ.get(line.encode())
        if value is not None:
            found.append(f"{key}={value.decode('utf-8', 'surrogateescape')}")


def _one(convert: "Callable[[str], Any]") -> "Parser":
    def parser(values: "Values", name: str, text: str) -> None:
        values[name] = convert(text)

    return parser


def _many(convert: "Callable[[str], Any]") -> "Parser":
    def parser(values: "Values", name: str, text: str) -> None:
        found = convert(text)
        values.setdefault(name, []).append(found)

    return parser


def _map(check: "Callable[[str], str]") -> "Parser":
    def parser(values: "Values", name: str, text: str) -> None:
        key, _, value = check(text).partition("=")
        values.setdefault(name, {})[key] = value

    return parser


def _strings(values: "Values", name: str, text: str) -> None:
    from orlop.cli.csv import fields

    values.setdefault(name, []).extend(fields(text) if text else [])


def _pairs(values: "Values", name: str, text: str) -> None:
    """pflag's stringToString: key=value,…; one pair alone may hold commas and quotes."""
    from orlop.cli.csv import fields

    found = values.setdefault(name, {})
    for field in [text] if text.count("=") == 1 else fields(text):
        key, equals, value = field.partition("=")
        if not equals:
            raise ValueError(f"{field} must be formatted as key=value")
        found[key] = value


def _filter(values: "Values", name: str, text: str) -> None:
    found = values.setdefault(name, {})
    if not text:
        return
    key, equals, value = text.partition("=")
    if not equals:
        raise ValueError("bad format of filter (expected name=value)")
    found.setdefault(key.strip().lower(), {})[value.strip()] = True


def _ulimit(values: "Values", name: str, text: str) -> None:
    kind, soft, hard = parse_ulimit(text)
    values.setdefault(name, {})[kind] = {"Name": kind, "Hard": hard, "Soft": soft}


def _attachment(kind: str) -> "Parser":
    def parser(values: "Values", name: str, text: str) -> None:
        from orlop.cli import attachments

        found = getattr(attachments, kind)(text)
        values.setdefault(name, []).append(found)

    return parser


PARSERS: "dict[str, Parser]" = {
    "int": _one(lambda t: go_int(t, 64)),
    "int64": _one(lambda t: go_int(t, 64)),
    "uint16": _one(lambda t: go_int(t, 16, 0, "ParseUint")),
    "uint64": _one(lambda t: go_int(t, 64, 0, "ParseUint")),
    "bytes": _one(ram_in_bytes),
    "memswap": _one(parse_memswap),
    "duration": _one(parse_duration),
    "cpus": _one(parse_cpus),
    "env": _many(validate_env),
    "label": _many(validate_label),
    "link": _many(validate_link),
    "ip": _many(validate_ip),
    "attach": _many(validate_attach),
    "add_host": _many(validate_host),
    "dns_search": _many(validate_dns_search),
    "device_rule": _many(validate_device_rule),
    "bps": _many(parse_bps),
    "iops": _many(parse_iops),
    "weight": _many(parse_weight),
    "map": _map(lambda t: t),
    "sysctl": _map(validate_sysctl),
    "pairs": _pairs,
    "strings": _strings,
    "filter": _filter,
    "ulimit": _ulimit,
    "mount": _attachment("mount"),
    "network": _attachment("network"),
    "gpus": _attachment("gpus"),
}
