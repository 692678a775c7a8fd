"""Help texts and their printing; loaded only when somebody asks or errs.

Not for: parsing. Invariant: every command of `words.COMMANDS` that is not hidden has a text here.
"""
