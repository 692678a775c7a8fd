"""Named and anonymous volumes: directories that outlive containers.

For: creating, finding, mounting and removing volumes of the `local` driver. Not for: what a
container mounts where, and the copy-up of image content (the container room does both).

Invariant: a volume that is listed has its directory; a removed one leaves the list before its
content goes, so that a crash never leaves half a volume under its name.
"""
