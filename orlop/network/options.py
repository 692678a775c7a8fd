"""The `-o` options of the bridge driver, checked with Docker's texts. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from orlop.errors import InvalidArgument, SystemFailure
from orlop.network import model
from orlop.network.rules import check_interface
from orlop.text import parse_bool

_BOOLEANS = (model.ICC, model.MASQUERADE, model.DEFAULT_BRIDGE, model.INHIBIT_IPV4)
_MODES = ("nat", "nat-unprotected", "routed", "isolated")


def check(options: Mapping[str, str], *, internal: bool = False) -> None:
    """Unknown options are kept and ignored, as Docker does. Raises InvalidArgument."""
    for key in _BOOLEANS:
        if key in options:
            try:
                parse_bool(options[key])
            except ValueError as error:
                raise InvalidArgument(
                    f"failed to parse {key} value: {options[key]} ({error})"
                ) from None
    if model.MTU in options:
        _mtu(options[model.MTU])
    if options.get(model.BRIDGE_NAME):
        _bridge_name(options[model.BRIDGE_NAME])
    for key in (model.GATEWAY_MODE_4, model.GATEWAY_MODE_6):
        mode = options.get(key) or "nat"
        if mode not in _MODES:
            raise InvalidArgument(
                f"failed to parse {key} value: {mode} (unknown gateway mode {mode})"
            )
        if mode == "isolated" and not internal:
            raise InvalidArgument(
                "gateway mode 'isolated' can only be used for an internal network"
            )
    if options.get(model.HOST_BINDING):
        try:
            ipaddress.IPv4Address(options[model.HOST_BINDING])
        except ValueError:
            raise InvalidArgument(
                f"failed to parse {model.HOST_BINDING} value: {options[model.HOST_BINDING]} "
                "(nil ip)"
            ) from None
    prefix = options.get(model.IFACE_PREFIX)
    if prefix:
        check_interface(prefix + "0")


def _bridge_name(name: str) -> None:
    """In the kernel's words, as Docker says them."""
    if len(name) > 15:
        raise SystemFailure("numerical result out of range")
    try:
        check_interface(name)
    except InvalidArgument:
        raise InvalidArgument("invalid argument") from None


def _mtu(text: str) -> None:
    digits = text.removeprefix("-").removeprefix("+")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 10):
        raise InvalidArgument(
            f"failed to parse {model.MTU} value: {text} "
            f'(strconv.Atoi: parsing "{text}": invalid syntax)'
        )
    if not 0 <= int(text) <= 65535:
        raise InvalidArgument(f"invalid MTU number: {text}")
