"""Where bytes rest: layers on disk, their archives, the drivers that stack them.

For: layerdb, tar reading and writing, tar-split, whiteouts, storage drivers. Not for: names of
images or registries. Invariant: a committed layer is complete, durable and never changed.
"""
