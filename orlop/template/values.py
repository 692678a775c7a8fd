"""Values as a template sees them, beyond plain JSON, and how Go names and prints them."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    _List = list[Any]
    _Map = dict[str, Any]
else:
    _List, _Map = list, dict


class NilPointer:
    """A typed nil: false, printed `<nil>`; its fields cannot be asked for."""

    __slots__ = ("type_name",)

    def __init__(self, type_name: str = "*struct") -> None:
        self.type_name = type_name

    def __bool__(self) -> bool:
        return False


class Number(str):
    """json.Number: digits as text, what raw JSON gives."""

    __slots__ = ()


class NilList(_List):
    """A nil slice: as an empty one, but null in JSON."""

    __slots__ = ()


class TypedMap(_Map):
    """A Go map whose values have a type: a missing key gives its zero by `index`, and "" is a
    string."""

    __slots__ = ("element", "is_nil", "methods", "zero")

    def __init__(self, values: dict[str, Any], element: str = "string", zero: Any = "") -> None:
        super().__init__(values)
        self.methods: dict[str, Any] = {}
        self.is_nil = False
        self.element = element
        self.zero = zero


class Struct:
    """A Go struct: fields in order under Go's names, methods by name.

    `json` is what {{json .}} prints; `escape` says that it went through json.Marshal, which escapes
    `<`, `>` and `&`.
    """

    __slots__ = ("embedded", "escape", "fields", "json", "known", "methods", "type_name")

    def __init__(
        self,
        type_name: str,
        fields: dict[str, Any],
        json: Any = None,
        methods: dict[str, Any] | None = None,
        escape: bool = False,
    ) -> None:
        self.type_name = type_name
        self.fields = fields
        self.json = json
        self.methods = methods or {}
        self.escape = escape
        self.embedded: tuple[str, ...] = ()  # fields whose own fields are promoted
        self.known: set[str] = set()  # JSON keys that the fields stand for

    def find(self, name: str) -> tuple[bool, Any]:
        """(whether there is such a field, its value)."""
        if name in self.fields:
            return True, self.fields[name]
        for inner in self.embedded:
            struct = self.fields[inner]
            if isinstance(struct, Struct):
                known, value = struct.find(name)
                if known:
                    return True, value
        return False, None


_KINDS = {
    "bool": "bool", "int": "int", "float64": "float", "complex128": "complex",
    "json.Number": "string", "string": "string",
}  # fmt: skip


def type_name(value: Any) -> str:
    """Go's name of the type."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int"
    if isinstance(value, float):
        return "float64"
    if isinstance(value, complex):
        return "complex128"
    if isinstance(value, Number):
        return "json.Number"
    if isinstance(value, str):
        return "string"
    if isinstance(value, Struct | NilPointer):
        return value.type_name
    if isinstance(value, TypedMap):
        return f"map[string]{value.element}"
    if isinstance(value, dict):
        return "map[string]interface {}"
    return "[]interface {}"


def kind(value: Any) -> str:
    """Basic kind for comparison: bool int float complex string, or "" ."""
    return _KINDS.get(type_name(value), "")


def truth(value: Any) -> bool:
    """What `if` takes as true: not the zero value; a struct always is."""
    if isinstance(value, Struct):
        return True
    return bool(value)


def float_text(value: float, verb: str = "v") -> str:
    """%v of a float64: shortest digits, exponent form below 1e-4 and from 1e21."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "+Inf" if value > 0 else "-Inf"
    if value == 0:
        return "0" if str(value)[0] != "-" else "-0"
    magnitude = abs(value)
    text = repr(value)
    if 1e-4 <= magnitude < 1e21:
        if "e" in text:
            text = format(value, "f") if magnitude >= 1 else format(value, ".17f").rstrip("0")
        return text.removesuffix(".0")
    mantissa, _, exponent = format(value, "e").partition("e")
    digits, _, _ = text.partition("e")
    if "e" not in text:
        from decimal import Decimal

        digits = format(Decimal(text), "e").partition("e")[0]
        digits = digits.lower().partition("e")[0]
    return f"{digits.removesuffix('.0') or mantissa}e{exponent}"


def print_value(value: Any, depth: int = 0) -> str:
    """fmt's %v."""
    if value is None or isinstance(value, NilPointer):
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float):
        return float_text(value)
    if isinstance(value, complex):
        imaginary = float_text(value.imag)
        sign = "" if imaginary[0] in "+-" else "+"
        return f"({float_text(value.real)}{sign}{imaginary}i)"
    if isinstance(value, dict):
        inner = " ".join(
            f"{print_value(k)}:{print_value(value[k], depth + 1)}" for k in sorted(value)
        )
        return f"map[{inner}]"
    if isinstance(value, list | tuple):
        return "[" + " ".join(print_value(v, depth + 1) for v in value) + "]"
    if isinstance(value, Struct):
        text = value.methods.get("String")
        if text is not None:
            return str(text())
        if value.type_name.startswith("*") and depth:
            return f"0xc{id(value) & 0xFFFFFFFF:09x}"
        return "{" + " ".join(print_value(v, depth + 1) for v in value.fields.values()) + "}"
    return str(value)
