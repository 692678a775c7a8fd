"""Walk the tree over a value. Errors carry Go's position and context."""

from __future__ import annotations

from orlop.template import nodes
from orlop.template.errors import TemplateError
from orlop.template.functions import FUNCTIONS, CallError
from orlop.template.nodes import Command, ListNode, Node, Pipe
from orlop.template.parser import Parser
from orlop.template.values import (
    NilPointer,
    Struct,
    TypedMap,
    print_value,
    truth,
    type_name,
)
from orlop.text import go_quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

_MISSING = object()
_DEPTH = 100_000


class _Break(Exception):
    pass


class _Continue(Exception):
    pass


class Template:
    """Parsed text. `missing` is Go's missingkey option: "invalid", "zero" or "error"."""

    def __init__(
        self,
        name: str,
        text: str,
        trees: dict[str, ListNode],
        functions: dict[str, Any],
        texts: dict[str, str] | None = None,
    ) -> None:
        self.name = name
        self.trees = trees
        self.functions = functions
        self.missing = "invalid"
        self.texts = texts or {}
        self.text = text

    def execute(self, data: Any) -> str:
        """Raises TemplateError; what was written before the error is in its `output`."""
        state = _State(self, self.name, data)
        try:
            state.walk(data, self.trees[self.name])
        except TemplateError as e:
            e.output = "".join(state.out)
            raise
        except RecursionError:
            raise TemplateError(f"template: {self.name}: exceeded maximum template depth") from None
        return "".join(state.out)


def parse(
    text: str,
    name: str = "",
    functions: dict[str, Any] | None = None,
    define: str = "",
) -> Template:
    """Raises TemplateError. `define` is text of definitions parsed first."""
    known = {**FUNCTIONS, **(functions or {})}
    trees: dict[str, ListNode] = {}
    if define:
        trees.update(Parser("", define, known).parse())
        trees.pop("", None)
    trees.update(Parser(name, text, known).parse())
    return Template(name, text, trees, known)


class _State:
    def __init__(self, template: Template, name: str, data: Any) -> None:
        self.template = template
        self.name = name  # of the tree that is walked
        self.out: list[str] = []
        self.node: Node | None = None
        self.variables: list[tuple[str, Any]] = [("$", data)]

    def error(self, message: str) -> TemplateError:
        if self.node is None:
            return TemplateError(f"template: {self.name}: {message}")
        text = self.template.text[: self.node.pos]
        line = text.count("\n") + 1
        column = len(text.rpartition("\n")[2].encode())
        context = str(self.node)
        return TemplateError(
            f"template: {self.template.name}:{line}:{column}: executing {go_quote(self.name)} "
            f"at <{context}>: {message}"
        )

    def walk(self, dot: Any, node: Node) -> None:
        self.node = node
        if isinstance(node, nodes.Action):
            value = self.pipeline(dot, node.pipe)
            if not node.pipe.declared:
                self.print(node, value)
        elif isinstance(node, nodes.Text):
            self.out.append(node.text)
        elif isinstance(node, ListNode):
            for child in node.nodes:
                self.walk(dot, child)
        elif isinstance(node, nodes.Branch):
            if node.kind == "range":
                self.range(dot, node)
            else:
                self.branch(dot, node)
        elif isinstance(node, nodes.Jump):
            raise _Break if node.kind == "break" else _Continue
        elif isinstance(node, nodes.Invoke):
            self.invoke(dot, node)

    def print(self, node: Node, value: Any) -> None:
        self.node = node
        if value is None:
            self.out.append("<no value>")
        elif callable(value):
            raise self.error(f"can't print {node} of type func")
        else:
            self.out.append(print_value(value))

    def branch(self, dot: Any, node: nodes.Branch) -> None:
        mark = len(self.variables)
        value = self.pipeline(dot, node.pipe)
        if truth(value):
            self.walk(value if node.kind == "with" else dot, node.body)
        elif node.other is not None:
            self.walk(dot, node.other)
        del self.variables[mark:]

    def range(self, dot: Any, node: nodes.Branch) -> None:
        mark = len(self.variables)
        value = self.pipeline(dot, node.pipe)
        ran = False
        for key, item in self._entries(value):
            ran = True
            inner = len(self.variables)
            self._bind(node.pipe, key, item)
            try:
                self.walk(item, node.body)
            except _Break:
                del self.variables[inner:]
                break
            except _Continue:
                pass
            del self.variables[inner:]
        if not ran and node.other is not None:
            self.walk(dot, node.other)
        del self.variables[mark:]

    def _entries(self, value: Any) -> Iterator[tuple[Any, Any]]:
        pairs: Iterable[tuple[Any, Any]]
        if value is None:
            return
        if isinstance(value, NilPointer):
            return
        if isinstance(value, dict):
            pairs = ((k, value[k]) for k in sorted(value))
        elif isinstance(value, list | tuple):
            pairs = enumerate(value)
        elif isinstance(value, int) and not isinstance(value, bool):
            pairs = ((n, n) for n in range(value))
        else:
            raise self.error(f"range can't iterate over {print_value(value)}")
        yield from pairs

    def _bind(self, pipe: Pipe, key: Any, item: Any) -> None:
        declared = pipe.declared
        if pipe.assign:
            values = [item] if len(declared) == 1 else [key, item]
            for variable, value in zip(declared, values):
                self.assign(variable.names[0], value)
            return
        if len(declared) == 1:
            # the pipeline has pushed one variable; the item goes on top of it
            self.variables.append((declared[0].names[0], item))
        elif len(declared) > 1:
            self.variables.append((declared[0].names[0], key))
            self.variables.append((declared[1].names[0], item))

    def assign(self, name: str, value: Any) -> None:
        for at in range(len(self.variables) - 1, -1, -1):
            if self.variables[at][0] == name:
                self.variables[at] = (name, value)
                return
        raise self.error(f"undefined variable: {name}")

    def invoke(self, dot: Any, node: nodes.Invoke) -> None:
        tree = self.template.trees.get(node.name)
        if tree is None:
            raise self.error(f"template {go_quote(node.name)} not defined")
        data = self.pipeline(dot, node.pipe) if node.pipe is not None else None
        saved, name = self.variables, self.name
        self.variables, self.name = [("$", data)], node.name
        self.walk(data, tree)
        self.variables, self.name = saved, name

    def pipeline(self, dot: Any, pipe: Pipe) -> Any:
        value: Any = _MISSING
        for command in pipe.commands:
            value = self.command(dot, command, value)
        if value is _MISSING:
            value = None
        if pipe.assign:
            for variable in pipe.declared if len(pipe.declared) == 1 else ():
                self.assign(variable.names[0], value)
        else:
            for variable in pipe.declared:
                self.variables.append((variable.names[0], value))
        return value

    def command(self, dot: Any, command: Command, final: Any) -> Any:
        first = command.args[0]
        if isinstance(first, nodes.Field):
            self.node = first
            return self.field_chain(dot, dot, first, first.names, command.args, final)
        if isinstance(first, nodes.Chain):
            self.node = first
            value = self.argument(dot, first.node)
            return self.field_chain(dot, value, first, first.names, command.args, final)
        if isinstance(first, nodes.Identifier):
            return self.function(dot, first, command, final)
        if isinstance(first, Pipe):
            self._no_arguments(command, final)
            return self.pipeline(dot, first)
        if isinstance(first, nodes.Variable):
            return self.variable(dot, first, command.args, final)
        self.node = first
        self._no_arguments(command, final)
        if isinstance(first, nodes.Constant):
            return first.value
        if isinstance(first, nodes.Dot):
            return dot
        if isinstance(first, nodes.Nil):
            raise self.error("nil is not a command")
        raise self.error(f"can't evaluate command {go_quote(str(first))}")

    def _no_arguments(self, command: Command, final: Any) -> None:
        if len(command.args) > 1 or final is not _MISSING:
            self.node = command.args[0]
            raise self.error(f"can't give argument to non-function {command.args[0]}")

    def variable(self, dot: Any, node: nodes.Variable, args: list[Node], final: Any) -> Any:
        self.node = node
        value = self._lookup(node.names[0])
        if len(node.names) == 1:
            if len(args) > 1 or final is not _MISSING:
                raise self.error(f"can't give argument to non-function {args[0]}")
            return value
        return self.field_chain(dot, value, node, node.names[1:], args, final)

    def _lookup(self, name: str) -> Any:
        for known, value in reversed(self.variables):
            if known == name:
                return value
        raise self.error(f"undefined variable: {name}")

    def field_chain(
        self, dot: Any, receiver: Any, node: Node, names: list[str], args: list[Node], final: Any
    ) -> Any:
        for name in names[:-1]:
            receiver = self.field(dot, name, node, [], _MISSING, receiver)
        return self.field(dot, names[-1], node, args, final, receiver)

    def field(
        self, dot: Any, name: str, node: Node, args: list[Node], final: Any, receiver: Any
    ) -> Any:
        if receiver is None:
            if self.template.missing == "error":
                raise self.error(f"nil data; no entry for key {go_quote(name)}")
            return None
        has_arguments = len(args) > 1 or final is not _MISSING
        if isinstance(receiver, Struct):
            method = receiver.methods.get(name)
            if method is not None:
                values = [self.argument(dot, a) for a in args[1:]]
                if final is not _MISSING:
                    values.append(final)
                return self._call_method(name, method, values)
            known, found = receiver.find(name)
            if known:
                if has_arguments:
                    raise self.error(f"{name} has arguments but cannot be invoked as function")
                return found
        elif isinstance(receiver, TypedMap) and name in receiver.methods:
            values = [self.argument(dot, a) for a in args[1:]]
            return self._call_method(name, receiver.methods[name], values)
        elif isinstance(receiver, dict):
            if has_arguments:
                raise self.error(f"{name} is not a method but has arguments")
            if name in receiver:
                return receiver[name]
            if self.template.missing == "error":
                raise self.error(f"map has no entry for key {go_quote(name)}")
            return None
        elif isinstance(receiver, NilPointer):
            raise self.error(f"nil pointer evaluating {receiver.type_name}.{name}")
        raise self.error(f"can't evaluate field {name} in type {type_name(receiver)}")

    def _call_method(self, name: str, method: Any, values: list[Any]) -> Any:
        wanted = method.__code__.co_argcount if hasattr(method, "__code__") else len(values)
        if hasattr(method, "__self__"):
            wanted -= 1
        if len(values) != wanted:
            raise self.error(f"wrong number of args for {name}: want {wanted} got {len(values)}")
        return method(*values)

    def function(self, dot: Any, node: nodes.Identifier, command: Command, final: Any) -> Any:
        self.node = node
        name = node.name
        if name in ("and", "or"):
            return self._short_circuit(dot, command, final, name)
        function, kinds = self.template.functions[name]
        args = command.args[1:]
        count = len(args) + (final is not _MISSING)
        variadic = kinds[-1] == "…"
        fixed = len(kinds) - 2 if variadic else len(kinds)
        if variadic and count < fixed:
            raise self.error(f"wrong number of args for {name}: want at least {fixed} got {count}")
        if not variadic and count != fixed:
            raise self.error(f"wrong number of args for {name}: want {fixed} got {count}")
        values = [
            self.typed(dot, a, kinds[min(at, len(kinds) - 2)] if variadic else kinds[at])
            for at, a in enumerate(args)
        ]
        if final is not _MISSING:
            at = len(args)
            wanted = kinds[min(at, len(kinds) - 2)] if variadic else kinds[at]
            self.node = node
            values.append(self._convert(final, wanted))
        self.node = node
        try:
            return function(*values)
        except CallError as e:
            self.node = command
            raise self.error(f"error calling {name}: {e}") from None

    def _short_circuit(self, dot: Any, command: Command, final: Any, name: str) -> Any:
        args = command.args[1:]
        if not args and final is _MISSING:
            raise self.error(f"wrong number of args for {name}: want at least 1 got 0")
        value: Any = None
        for node in args:
            value = self.typed(dot, node, "any")
            if truth(value) == (name == "or"):
                return value
        return value if final is _MISSING else final

    def typed(self, dot: Any, node: Node, wanted: str) -> Any:
        """An argument for a parameter of that kind."""
        self.node = node
        if isinstance(node, nodes.Nil):
            if wanted == "any":
                return None
            raise self.error(f"cannot assign nil to {wanted}")
        if isinstance(node, nodes.Constant) and wanted != "any":
            good = {
                "string": isinstance(node.value, str),
                "int": isinstance(node.value, int) and not isinstance(node.value, bool),
            }[wanted]
            if not good:
                expected = "integer" if wanted == "int" else wanted
                raise self.error(f"expected {expected}; found {node}")
            return node.value
        value = self.argument(dot, node)
        self.node = node
        return self._convert(value, wanted)

    def _convert(self, value: Any, wanted: str) -> Any:
        if wanted == "any":
            return value
        if value is None:
            raise self.error(f"invalid value; expected {wanted}")
        good = isinstance(value, str) if wanted == "string" else isinstance(value, int)
        if not good or (wanted == "int" and isinstance(value, bool)):
            raise self.error(f"wrong type for value; expected {wanted}; got {type_name(value)}")
        return value

    def argument(self, dot: Any, node: Node) -> Any:
        self.node = node
        if isinstance(node, nodes.Dot):
            return dot
        if isinstance(node, nodes.Nil):
            raise self.error("evaluating nil")
        if isinstance(node, nodes.Constant):
            return node.value
        if isinstance(node, nodes.Field):
            return self.field_chain(dot, dot, node, node.names, [node], _MISSING)
        if isinstance(node, nodes.Variable):
            return self.variable(dot, node, [node], _MISSING)
        if isinstance(node, nodes.Chain):
            value = self.argument(dot, node.node)
            return self.field_chain(dot, value, node, node.names, [node], _MISSING)
        if isinstance(node, Pipe):
            return self.pipeline(dot, node)
        if isinstance(node, nodes.Identifier):
            command = Command(node.pos)
            command.args.append(node)
            return self.function(dot, node, command, _MISSING)
        raise self.error(f"can't handle {node} for arg")
