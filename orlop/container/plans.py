"""OCI spec → launch plan → keeper: the one file that knows the runtime's and keeper's calls."""
