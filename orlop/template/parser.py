"""Tokens to a tree, with the error texts of Go's parser."""

from __future__ import annotations

from orlop.template import nodes
from orlop.template.errors import TemplateError
from orlop.template.lexer import Lexer, Token
from orlop.template.literals import number, unquote
from orlop.template.nodes import Command, ListNode, Node, Pipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

_OPERANDS = ("bool", "charconst", "complex", "dot", "field", "identifier", "number", "nil",
             "rawstring", "string", "variable", "lparen")  # fmt: skip


class Parser:
    """One template text; `trees` holds the main tree and the defined ones by name."""

    def __init__(
        self, name: str, text: str, functions: Collection[str], comments: bool = False
    ) -> None:
        self.name = name
        self.text = text
        self.functions = functions
        self.trees: dict[str, ListNode] = {}
        self._variables = ["$"]
        self._loops = 0
        lexer = Lexer(name, text, comments)
        self._lexer = lexer
        try:
            lexer.run()
            self._failure: TemplateError | None = None
        except TemplateError as e:
            # Go lexes while it parses: what comes before the bad token errs first
            self._failure = e
            lexer.tokens.append(Token("error", lexer.pos, str(e), lexer.line))
        self._tokens = lexer.tokens
        self._at = 0

    def error(self, message: str, line: int | None = None) -> TemplateError:
        if line is None:
            line = self._tokens[max(0, min(self._at, len(self._tokens)) - 1)].line
        return TemplateError(f"template: {self.name}:{line}: {message}")

    def _next(self) -> Token:
        token = self._tokens[min(self._at, len(self._tokens) - 1)]
        self._at += 1
        if token.kind == "error" and self._failure is not None:
            raise self._failure
        return token

    def _peek(self) -> Token:
        token = self._next()
        self._at -= 1
        return token

    def _next_solid(self) -> Token:
        token = self._next()
        while token.kind == "space":
            token = self._next()
        return token

    def _peek_solid(self) -> Token:
        token = self._next_solid()
        self._at -= 1
        return token

    def _unexpected(self, token: Token, context: str) -> TemplateError:
        return self.error(f"unexpected {token} in {context}", token.line)

    def _expect(self, kind: str, context: str) -> Token:
        token = self._next_solid()
        if token.kind != kind:
            raise self._unexpected(token, context)
        return token

    def parse(self) -> dict[str, ListNode]:
        root = ListNode(0)
        while self._peek().kind != "eof":
            if self._peek().kind == "left":
                mark = self._at
                self._next()
                if self._next_solid().kind == "define":
                    self._define()
                    continue
                self._at = mark
            node = self._text_or_action()
            if isinstance(node, Token):
                raise self.error(f"unexpected {_clause(node)}", node.line)
            root.nodes.append(node)
        self._add(self.name, root)
        return self.trees

    def _add(self, name: str, tree: ListNode) -> None:
        old = self.trees.get(name)
        if old is not None and not is_empty(old) and not is_empty(tree):
            from orlop.text import go_quote

            raise TemplateError(f"template: multiple definition of template {go_quote(name)}")
        if old is None or is_empty(old):
            self.trees[name] = tree

    def _define(self) -> None:
        token = self._next_solid()
        if token.kind not in ("string", "rawstring"):
            raise self._unexpected(token, "define clause")
        name = unquote(token.value)
        self._expect("right", "define clause")
        saved, self._variables = self._variables, ["$"]
        body, end = self._items()
        if end.kind != "end":
            raise self.error(f"unexpected {_clause(end)} in define clause", end.line)
        self._variables = saved
        self._add(name, body)

    def _items(self) -> tuple[ListNode, Token]:
        """Nodes up to end or else, and that token."""
        found = ListNode(self._peek_solid().pos)
        while self._peek_solid().kind != "eof":
            node = self._text_or_action()
            if isinstance(node, Token):
                return found, node
            found.nodes.append(node)
        raise self.error("unexpected EOF")

    def _text_or_action(self) -> Node | Token:
        token = self._next_solid()
        if token.kind == "text":
            return nodes.Text(token.pos, token.value)
        if token.kind == "comment":
            return nodes.Comment(token.pos, token.value)
        if token.kind == "left":
            return self._action()
        raise self._unexpected(token, "input")

    def _action(self) -> Node | Token:
        token = self._next_solid()
        kind = token.kind
        if kind in ("if", "range", "with"):
            return self._branch(kind)
        if kind == "else":
            peek = self._peek_solid()
            if peek.kind in ("if", "with"):
                return token
            self._expect("right", "else")
            return token
        if kind == "end":
            self._expect("right", "end")
            return token
        if kind in ("break", "continue"):
            after = self._next_solid()
            if after.kind != "right":
                raise self._unexpected(after, "{{" + kind + "}}")
            if not self._loops:
                raise self.error("{{" + kind + "}} outside {{range}}")
            return nodes.Jump(token.pos, kind)
        if kind == "template":
            return self._template()
        if kind == "block":
            return self._block()
        self._at -= 1
        pos = self._peek().pos
        return nodes.Action(pos, self._pipeline("command", "right"))

    def _branch(self, kind: str) -> Node:
        count = len(self._variables)
        pipe = self._pipeline(kind, "right")
        if kind == "range":
            self._loops += 1
        body, end = self._items()
        if kind == "range":
            self._loops -= 1
        other: ListNode | None = None
        if end.kind == "else":
            chained = self._peek_solid()
            if chained.kind in ("if", "with") and chained.kind == kind:
                self._next_solid()
                other = ListNode(end.pos)
                other.nodes.append(self._branch(kind))
                del self._variables[count:]
                return nodes.Branch(pipe.pos, kind, pipe, body, other)
            if chained.kind in ("if", "with"):
                raise self._unexpected(self._next_solid(), "else")
            other, end = self._items()
            if end.kind != "end":
                raise self.error(f"expected end; found {_clause(end)}", end.line)
        del self._variables[count:]
        return nodes.Branch(pipe.pos, kind, pipe, body, other)

    def _template(self) -> Node:
        token = self._next_solid()
        if token.kind not in ("string", "rawstring"):
            raise self._unexpected(token, "template clause")
        pipe = None
        if self._next_solid().kind != "right":
            self._at -= 1
            pipe = self._pipeline("template clause", "right")
        return nodes.Invoke(token.pos, unquote(token.value), pipe)

    def _block(self) -> Node:
        token = self._next_solid()
        if token.kind not in ("string", "rawstring"):
            raise self._unexpected(token, "block clause")
        name = unquote(token.value)
        pipe = self._pipeline("block clause", "right")
        saved, self._variables = self._variables, ["$"]
        body, end = self._items()
        if end.kind != "end":
            raise self.error(f"unexpected {_clause(end)} in block clause", end.line)
        self._variables = saved
        self._add(name, body)
        return nodes.Invoke(token.pos, name, pipe)

    def _pipeline(self, context: str, end: str) -> Pipe:
        pipe = Pipe(self._peek_solid().pos)
        self._declarations(pipe, context)
        while True:
            token = self._next_solid()
            if token.kind == end:
                self._check_pipeline(pipe, context)
                return pipe
            if token.kind not in _OPERANDS:
                raise self._unexpected(token, context)
            self._at -= 1
            pipe.commands.append(self._command())

    def _declarations(self, pipe: Pipe, context: str) -> None:
        while self._peek_solid().kind == "variable":
            mark = self._at
            token = self._next_solid()
            after = self._peek_solid()
            if after.kind in ("assign", "declare"):
                pipe.assign = after.kind == "assign"
                self._next_solid()
                pipe.declared.append(nodes.Variable(token.pos, token.value.split(".")))
                self._variables.append(token.value)
                return
            if after.kind == "char" and after.value == ",":
                self._next_solid()
                pipe.declared.append(nodes.Variable(token.pos, token.value.split(".")))
                self._variables.append(token.value)
                if context == "range" and len(pipe.declared) < 2:
                    following = self._peek_solid()
                    if following.kind == "variable":
                        continue
                    if following.kind in ("right", "rparen"):
                        raise self.error("missing value for range")
                    raise self.error("range can only initialize variables")
                raise self.error(f"too many declarations in {context}")
            self._at = mark
            return

    def _check_pipeline(self, pipe: Pipe, context: str) -> None:
        if not pipe.commands:
            raise self.error(f"missing value for {context}")
        for at, command in enumerate(pipe.commands[1:], 2):
            if isinstance(command.args[0], nodes.Constant | nodes.Dot | nodes.Nil):
                raise self.error(f"non executable command in pipeline stage {at}")

    def _command(self) -> Command:
        command = Command(self._peek_solid().pos)
        while True:
            self._peek_solid()
            operand = self._operand()
            if operand is not None:
                command.args.append(operand)
            token = self._next()
            if token.kind == "space":
                continue
            if token.kind in ("right", "rparen"):
                self._at -= 1
            elif token.kind != "pipe":
                raise self._unexpected(token, "operand")
            break
        if not command.args:
            raise self.error("empty command")
        return command

    def _operand(self) -> Node | None:
        node = self._term()
        if node is None or self._peek().kind != "field":
            return node
        pos = self._peek().pos
        names = []
        while self._peek().kind == "field":
            names.append(self._next().value[1:])
        if isinstance(node, nodes.Field):
            return nodes.Field(pos, [*node.names, *names])
        if isinstance(node, nodes.Variable):
            return nodes.Variable(pos, [*node.names, *names])
        if isinstance(node, nodes.Constant | nodes.Dot | nodes.Nil):
            from orlop.text import go_quote

            raise self.error(f"unexpected . after term {go_quote(str(node))}")
        return nodes.Chain(pos, node, names)

    def _term(self) -> Node | None:
        token = self._next_solid()
        kind, value, pos = token.kind, token.value, token.pos
        if kind == "identifier":
            if value not in self.functions:
                from orlop.text import go_quote

                raise self.error(f"function {go_quote(value)} not defined")
            return nodes.Identifier(pos, value)
        if kind == "dot":
            return nodes.Dot(pos)
        if kind == "nil":
            return nodes.Nil(pos)
        if kind == "variable":
            if value not in self._variables:
                from orlop.text import go_quote

                raise self.error(f"undefined variable {go_quote(value)}")
            return nodes.Variable(pos, [value])
        if kind == "field":
            return nodes.Field(pos, [value[1:]])
        if kind == "bool":
            return nodes.Constant(pos, value, value == "true")
        if kind in ("charconst", "complex", "number"):
            try:
                return nodes.Constant(pos, value, number(value))
            except ValueError as e:
                raise self.error(str(e)) from None
        if kind == "lparen":
            return self._pipeline("parenthesized pipeline", "rparen")
        if kind in ("string", "rawstring"):
            try:
                return nodes.Constant(pos, value, unquote(value))
            except ValueError as e:
                raise self.error(str(e)) from None
        self._at -= 1
        return None


def _clause(token: Token) -> str:
    return "{{" + token.value + "}}"


def is_empty(node: Node) -> bool:
    """Only space and comments."""
    if isinstance(node, ListNode):
        return all(is_empty(n) for n in node.nodes)
    if isinstance(node, nodes.Text):
        return not node.text.strip()
    return isinstance(node, nodes.Comment)
