"""Sizes and durations as Docker writes and reads them. Sources: docker/go-units, Go's time."""

_DECIMAL = ("B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB")
_BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB")
_POWERS = {"k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
_UNITS = {"ns": 1, "us": 1000, "µs": 1000, "μs": 1000, "ms": 10**6, "s": 10**9,
          "m": 60 * 10**9, "h": 3600 * 10**9}  # fmt: skip
_RLIMITS = {
    "core": 4, "cpu": 0, "data": 2, "fsize": 1, "locks": 10, "memlock": 8, "msgqueue": 12,
    "nice": 13, "nofile": 7, "nproc": 6, "rss": 5, "rtprio": 14, "rttime": 15,
    "sigpending": 11, "stack": 3,
}  # fmt: skip


def _scaled(size: float, base: float, names: tuple[str, ...], precision: int) -> str:
    at = 0
    while size >= base and at < len(names) - 1:
        size /= base
        at += 1
    return f"{size:.{precision}g}{names[at]}"


def human_size(size: float, precision: int = 4) -> str:
    """1.234MB: powers of 1000."""
    return _scaled(float(size), 1000.0, _DECIMAL, precision)


def bytes_size(size: float) -> str:
    """1.178MiB: powers of 1024."""
    return _scaled(float(size), 1024.0, _BINARY, 4)


def human_duration(seconds: float) -> str:
    """About an hour, 4 weeks."""
    whole = int(seconds)
    if whole < 1:
        return "Less than a second"
    if whole < 60:
        return "1 second" if whole == 1 else f"{whole} seconds"
    minutes = int(seconds / 60)
    if minutes < 60:
        return "About a minute" if minutes == 1 else f"{minutes} minutes"
    hours = int(seconds / 3600 + 0.5)
    if hours < 48:
        return "About an hour" if hours == 1 else f"{hours} hours"
    if hours < 24 * 14:
        return f"{hours // 24} days"
    if hours < 24 * 60:
        return f"{hours // 24 // 7} weeks"
    if hours < 24 * 730:
        return f"{hours // 24 // 30} months"
    return f"{int(seconds / 3600) // 24 // 365} years"


def _parse_size(text: str, base: int) -> int:
    at = max(text.rfind(c) for c in "0123456789. ")
    if at < 0:
        raise ValueError(f"invalid size: '{text}'")
    number = text[: at + 1] if text[at] != " " else text[:at]
    suffix = text[at + 1 :]
    size = go_float(number)
    if size < 0:
        raise ValueError(f"invalid size: '{text}'")
    if not suffix:
        return int(size)
    lower = suffix.lower()
    if len(suffix) > 3:
        raise ValueError(f"invalid suffix: '{suffix}'")
    if lower == "b":
        return int(size)
    power = _POWERS.get(lower[0])
    if power is None or lower[1:] not in ("", "b", "ib"):
        raise ValueError(f"invalid suffix: '{lower}'")
    return int(size * base**power)


def ram_in_bytes(text: str) -> int:
    """ "1g" = 1024**3. Raises ValueError."""
    return _parse_size(text, 1024)


def from_human_size(text: str) -> int:
    """ "1g" = 1000**3. Raises ValueError."""
    return _parse_size(text, 1000)


def go_float(text: str) -> float:
    try:
        if not text or text != text.strip() or not text.isascii():
            raise ValueError
        return float(text)
    except ValueError:
        raise ValueError(f'strconv.ParseFloat: parsing "{text}": invalid syntax') from None


def go_int(text: str, bits: int = 64, base: int = 0, function: str = "ParseInt") -> int:
    """strconv.ParseInt/ParseUint: base 0 takes 0x, 0o, 0b, a leading 0, and underscores."""
    signed = function != "ParseUint"
    wrong = ValueError(f'strconv.{function}: parsing "{text}": invalid syntax')
    digits = text[1:] if signed and text[:1] in ("+", "-") else text
    if not digits or not digits.isascii() or not (digits[0].isalnum()):
        raise wrong
    try:
        if base == 0 and len(digits) > 1 and digits[0] == "0" and digits[1].isdigit():
            value = int(digits[1:], 8)
        else:
            if base == 10 and not digits.isdigit():
                raise wrong
            value = int(digits, base)
    except ValueError:
        raise wrong from None
    value = -value if text[0] == "-" else value
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    if not low <= value <= high:
        raise ValueError(f'strconv.{function}: parsing "{text}": value out of range')
    return value


def parse_duration(text: str) -> int:
    """Nanoseconds of "1h15m30.918s". Raises ValueError with the words of Go."""
    from orlop.text import go_quote

    rest, sign = text, 1
    if rest[:1] in ("+", "-"):
        sign = -1 if rest[0] == "-" else 1
        rest = rest[1:]
    if rest == "0":
        return 0
    if not rest:
        raise ValueError(f"time: invalid duration {go_quote(text)}")
    total = 0
    while rest:
        at = 0
        while at < len(rest) and (rest[at] in "0123456789."):
            at += 1
        number = rest[:at]
        if not number.strip(".") or number.count(".") > 1:
            raise ValueError(f"time: invalid duration {go_quote(text)}")
        rest = rest[at:]
        at = 0
        while at < len(rest) and rest[at] not in "0123456789.":
            at += 1
        unit, rest = rest[:at], rest[at:]
        if not unit:
            raise ValueError(f"time: missing unit in duration {go_quote(text)}")
        if unit not in _UNITS:
            raise ValueError(f"time: unknown unit {go_quote(unit)} in duration {go_quote(text)}")
        whole, _, part = number.partition(".")
        total += int(whole or 0) * _UNITS[unit]
        if part:
            total += int(part) * _UNITS[unit] // 10 ** len(part)
    if total > (1 << 63) - 1:
        raise ValueError(f"time: invalid duration {go_quote(text)}")
    return sign * total


def duration_text(nanoseconds: int) -> str:
    """Go's Duration.String: 5m0s, 1.5s, 300ms, 0s."""
    if nanoseconds == 0:
        return "0s"
    sign, n = ("-", -nanoseconds) if nanoseconds < 0 else ("", nanoseconds)
    if n < 10**9:
        for unit, size in (("ns", 1), ("µs", 1000), ("ms", 10**6)):
            if n < size * 1000:
                return sign + _fraction(n, size) + unit
    hours, rest = divmod(n, 3600 * 10**9)
    minutes, rest = divmod(rest, 60 * 10**9)
    text = _fraction(rest, 10**9) + "s"
    if hours:
        return f"{sign}{hours}h{minutes}m{text}"
    return f"{sign}{minutes}m{text}" if minutes else sign + text


def _fraction(n: int, size: int) -> str:
    whole, rest = divmod(n, size)
    if not rest:
        return str(whole)
    return f"{whole}.{str(rest).zfill(len(str(size)) - 1).rstrip('0')}"


def parse_ulimit(text: str) -> tuple[str, int, int]:
    """(name, soft, hard) of "nofile=512:1024"; -1 is unlimited. Raises ValueError."""
    name, equals, values = text.partition("=")
    if not equals:
        raise ValueError(f"invalid ulimit argument: {text}")
    if name not in _RLIMITS:
        raise ValueError(f"invalid ulimit type: {name}")
    parts = values.split(":")
    if len(parts) > 2:
        raise ValueError(
            f"too many limit value arguments - {values}, can only have up to two, `soft[:hard]`"
        )
    hard = go_int(parts[-1], 64, 10)
    soft = go_int(parts[0], 64, 10)
    wrong = "ulimit soft limit must be less than or equal to hard limit: "
    if hard != -1 and soft == -1:
        raise ValueError(f"{wrong}soft: -1 (unlimited), hard: {hard}")
    if hard != -1 and soft > hard:
        raise ValueError(f"{wrong}{soft} > {hard}")
    return name, soft, hard


def rlimit(name: str, soft: int, hard: int) -> tuple[int, int, int]:
    """(RLIMIT number, soft, hard) for setrlimit. Raises ValueError."""
    if name not in _RLIMITS:
        raise ValueError(f"invalid ulimit name {name}")
    return _RLIMITS[name], soft, hard
