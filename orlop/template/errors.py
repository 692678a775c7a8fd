"""What can go wrong in a template."""


class TemplateError(Exception):
    """The text is Go's, beginning with `template:`; `output` is what was written before."""

    output = ""
