"""Volumes: data that outlives containers.

For: naming, making, finding, mounting and removing volumes of the local driver, and knowing who
uses them. Not for: mount points of containers (container room) or copying content into them.
Invariant: a volume is listed if and only if its directory exists; one in use is never removed.
"""
