"""Containers: their records, life cycle and everything done to one from outside.

What this room is for: the noun `Containers` (records on disk, lookup, names, locks) and one verb
per file (create, start, stop, ...). It joins images, layers, networks, volumes and the keeper.
What it is not: it never executes a set-up step itself (the keeper and `runtime` do), never walks a
path inside a rootfs by string (`paths` does) and knows nothing of HTTP.

Invariant: `config.v2.json` and `hostconfig.json` are Docker's, whole and readable at any moment; a
container is listed if and only if its record is on disk; the container's lock is never held while
waiting for a process.
"""
