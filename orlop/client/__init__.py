"""The client of the Engine API: transport and host resolution, standard library only.

Not for: option parsing or output (that is `cli`), or anything above oci, wire, config and errors.
Invariant: importing it costs few modules; `ssl`, `subprocess` and autostart load when first needed.
"""
