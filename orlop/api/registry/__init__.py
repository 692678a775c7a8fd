"""The built-in registry: the OCI distribution API over the local store.

What it is for: one server beside the Engine API while `orlop registry serve` runs. What not: no
store of its own (`image/published.py`), no client (`orlop/registry`).

Source: OCI distribution-spec 1.1.
"""
