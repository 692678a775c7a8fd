"""The JSON of `oci.jsonlite`, under the name that the client's files know."""

from orlop.oci.jsonlite import dumps, loads, loads_exact, split

__all__ = ["dumps", "loads", "loads_exact", "split"]
