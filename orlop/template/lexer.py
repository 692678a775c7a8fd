"""Text to tokens."""

from orlop.template.errors import TemplateError

KEYWORDS = frozenset(
    ("block", "break", "continue", "define", "else", "end", "if", "range", "template", "with")
)
_SPACE = " \t\r\n"
_TRIM = "- "
_DIGITS = "0123456789_"
_HEX = "0123456789abcdefABCDEF_"


class Token:
    __slots__ = ("kind", "line", "pos", "value")

    def __init__(self, kind: str, pos: int, value: str, line: int) -> None:
        self.kind = kind
        self.pos = pos
        self.value = value
        self.line = line

    def __str__(self) -> str:
        if self.kind == "eof":
            return "EOF"
        if self.kind in ("dot", "nil") or (self.value in KEYWORDS and self.kind == self.value):
            return f"<{self.value}>"
        from orlop.text import go_quote

        if len(self.value) > 10:
            return go_quote(self.value[:10]) + "..."
        return go_quote(self.value)


def is_word(char: str) -> bool:
    return char == "_" or char.isalpha() or char.isdigit()


class Lexer:
    def __init__(self, name: str, text: str, comments: bool = False) -> None:
        self.name = name
        self.text = text
        self.pos = 0
        self.line = 1
        self.depth = 0
        self.comments = comments
        self.tokens: list[Token] = []

    def run(self) -> list[Token]:
        """All tokens. Raises TemplateError."""
        while self.pos < len(self.text):
            self._text()
        self._emit("eof", "")
        return self.tokens

    def error(self, message: str, line: int | None = None) -> TemplateError:
        return TemplateError(f"template: {self.name}:{line or self.line}: {message}")

    def _emit(self, kind: str, value: str) -> None:
        self.tokens.append(Token(kind, self.pos, value, self.line))
        self.line += value.count("\n")
        self.pos += len(value)

    def _text(self) -> None:
        text = self.text
        at = text.find("{{", self.pos)
        if at < 0:
            self._emit("text", text[self.pos :])
            return
        piece = text[self.pos : at]
        trim = text.startswith("{{-", at) and at + 3 < len(text) and text[at + 3] in _SPACE
        kept = piece.rstrip(_SPACE) if trim else piece
        if kept:
            self._emit("text", kept)
        self.line += piece[len(kept) :].count("\n")
        self.pos = at
        after = at + 2 + (2 if trim else 0)
        if text.startswith("/*", after):
            self._comment(after)
            return
        self._emit("left", "{{")
        self.line += text[self.pos : after].count("\n")
        self.pos = after
        self.depth = 0
        start_line = self.line
        while not self._action(start_line):
            pass

    def _comment(self, at: int) -> None:
        text = self.text
        end = text.find("*/", at)
        if end < 0:
            raise self.error("unclosed comment")
        self.pos = at
        close = end + 2
        trim = close < len(text) and text[close] in _SPACE and text.startswith("-}}", close + 1)
        if not trim and not text.startswith("}}", close):
            raise self.error("comment ends before closing delimiter")
        if self.comments:
            self._emit("comment", text[at:close])
        else:
            self.line += text[at:close].count("\n")
        self._after(close + (4 if trim else 2), trim)

    def _after(self, at: int, trim: bool) -> None:
        self.pos = at
        if trim:
            rest = self.text[at:].lstrip(_SPACE)
            end = len(self.text) - len(rest)
            self.line += self.text[at:end].count("\n")
            self.pos = end

    def _right(self) -> tuple[bool, bool]:
        """(at a right delimiter, with a trim marker)."""
        text, pos = self.text, self.pos
        if pos < len(text) and text[pos] in _SPACE and text.startswith("-}}", pos + 1):
            return True, True
        return text.startswith("}}", pos), False

    def _action(self, start_line: int) -> bool:
        """One token inside an action; True after the right delimiter."""
        closed, trim = self._right()
        if closed:
            if self.depth:
                raise self.error("unclosed left paren")
            if trim:
                self.pos += 2
            self._emit("right", "}}")
            self._after(self.pos, trim)
            return True
        text = self.text
        if self.pos >= len(text):
            raise self.error("unclosed action")
        char = text[self.pos]
        if char in _SPACE:
            self._space()
        elif char == "=":
            self._emit("assign", char)
        elif char == ":":
            if not text.startswith(":=", self.pos):
                raise self.error("expected :=")
            self._emit("declare", ":=")
        elif char == "|":
            self._emit("pipe", char)
        elif char in "\"'":
            self._quoted(char)
        elif char == "`":
            self._raw()
        elif char == "$":
            self._name("variable")
        elif char == "." and not text[self.pos + 1 : self.pos + 2].isdigit():
            self._name("field")
        elif char in "+-." or char.isdigit():
            self._number()
        elif is_word(char):
            self._identifier()
        elif char == "(":
            self._emit("lparen", char)
            self.depth += 1
        elif char == ")":
            self.depth -= 1
            if self.depth < 0:
                raise self.error("unexpected right paren")
            self._emit("rparen", char)
        elif char.isascii() and char.isprintable():
            self._emit("char", char)
        else:
            raise self.error(f"unrecognized character in action: {code_point(char)}")
        return False

    def _space(self) -> None:
        end = self.pos
        while end < len(self.text) and self.text[end] in _SPACE:
            if self.text.startswith("-}}", end + 1) and end > self.pos:
                break
            end += 1
        self._emit("space", self.text[self.pos : end])

    def _quoted(self, quote: str) -> None:
        end = self.pos + 1
        what = "quoted string" if quote == '"' else "character constant"
        while True:
            char = self.text[end : end + 1]
            if not char or char == "\n":
                raise self.error(f"unterminated {what}")
            if char == "\\":
                end += 1
                if self.text[end : end + 1] in ("", "\n"):
                    raise self.error(f"unterminated {what}")
            elif char == quote:
                break
            end += 1
        self._emit("string" if quote == '"' else "charconst", self.text[self.pos : end + 1])

    def _raw(self) -> None:
        end = self.text.find("`", self.pos + 1)
        if end < 0:
            raise self.error("unterminated raw quoted string")
        self._emit("rawstring", self.text[self.pos : end + 1])

    def _word_end(self, at: int) -> int:
        while at < len(self.text) and is_word(self.text[at]):
            at += 1
        return at

    def _name(self, kind: str) -> None:
        end = self._word_end(self.pos + 1)
        if end == self.pos + 1 and kind == "field":
            if not self._terminates(end):
                raise self.error(f"bad character {code_point(self.text[end])}")
            self._emit("dot", ".")
            return
        self._check_end(end)
        self._emit(kind, self.text[self.pos : end])

    def _identifier(self) -> None:
        end = self._word_end(self.pos)
        self._check_end(end)
        word = self.text[self.pos : end]
        if word in KEYWORDS:
            self._emit(word, word)
        elif word in ("true", "false"):
            self._emit("bool", word)
        elif word == "nil":
            self._emit("nil", word)
        else:
            self._emit("identifier", word)

    def _terminates(self, at: int) -> bool:
        text = self.text
        return at >= len(text) or text[at] in " \t\r\n.,|:)(" or text.startswith("}}", at)

    def _check_end(self, end: int) -> None:
        if not self._terminates(end):
            raise self.error(f"bad character {code_point(self.text[end])}")

    def _number(self) -> None:
        end, good = self._scan_number(self.pos)
        if not good:
            from orlop.text import go_quote

            raise self.error(f"bad number syntax: {go_quote(self.text[self.pos : end])}")
        kind = "number"
        if self.text[end : end + 1] in ("+", "-"):
            end, good = self._scan_number(end)
            if not good or self.text[end - 1] != "i":
                from orlop.text import go_quote

                raise self.error(f"bad number syntax: {go_quote(self.text[self.pos : end])}")
            kind = "complex"
        self._emit(kind, self.text[self.pos : end])

    def _scan_number(self, at: int) -> tuple[int, bool]:
        text = self.text

        def run(start: int, allowed: str) -> int:
            while start < len(text) and text[start] in allowed:
                start += 1
            return start

        if text[at : at + 1] in ("+", "-"):
            at += 1
        digits = _DIGITS
        if text[at : at + 1] == "0":
            at += 1
            base = text[at : at + 1].lower()
            if base and base in "xob":
                digits = {"x": _HEX, "o": "01234567_", "b": "01_"}[base]
                at += 1
        at = run(at, digits)
        if text[at : at + 1] == ".":
            at = run(at + 1, digits)
        exponent = "eE" if digits is _DIGITS else "pP" if digits is _HEX else ""
        if exponent and text[at : at + 1] and text[at] in exponent:
            at += 1
            if text[at : at + 1] in ("+", "-"):
                at += 1
            at = run(at, _DIGITS)
        if text[at : at + 1] == "i":
            at += 1
        if at < len(text) and is_word(text[at]):
            return at + 1, False
        return at, True


def code_point(char: str) -> str:
    """Go's %#U."""
    text = f"U+{ord(char):04X}"
    return f"{text} '{char}'" if char.isprintable() else text
