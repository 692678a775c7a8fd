"""Images from Dockerfiles: text → parser → instructions → stages → steps → layers → image.

What it is for: the language, the content-based cache, running the steps. Not for: HTTP, clients'
output formats beyond the classic stream, registries' protocol.

Invariant: the same context and Dockerfile on the same base give the same image, bit for bit; what
a step may read is named in its cache key; a path in a context, stage or rootfs is walked by
`paths.py` or in the archive's own index, never as a string on the host.
"""
