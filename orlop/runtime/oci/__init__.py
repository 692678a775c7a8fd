"""The command `orlop-runtime`: containers from OCI bundles, driven by other engines.

For: one verb per file with runc's options and exit codes, the state directory, hooks, terminals.
Not for: building containers, which `plan`, `launch` and `exec` do for the keeper too. Invariant: a
state directory exists as long as its container or the container's cgroups do; whoever changes it
holds its lock.
"""
