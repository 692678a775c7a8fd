"""Go's text/template, as far as Docker's `--format` needs it (which is nearly all of it).

lexer -> parser -> nodes -> execute; functions are those of Go and of the Docker CLI; values are
JSON (dict, list, str, bool, int, float, None) and the typed values of `values`. Error texts are
Go's.
Not for: html/template's escaping, method calls on arbitrary objects, custom delimiters.
Source: documentation of text/template and its behaviour.
"""

from orlop.template.errors import TemplateError
from orlop.template.execute import Template, parse

__all__ = ["Template", "TemplateError", "parse"]
