"""Control groups, v1, v2 and the hybrid of both, through their files.

For: what the host has (`layout`), resources to file values (`v1`, `v2`, `values`, pure), making
and entering groups (`create`, in the child), living groups (`group`, `stats`, daemon side). Not
for: D-Bus; with the systemd driver groups are made below a slice delegated to us. Invariant: only
groups below our own parent are ever written or removed.
"""
