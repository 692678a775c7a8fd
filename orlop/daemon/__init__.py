"""orlopd: read flags and daemon.json, open the engine, serve the API, let go on SIGTERM.

Not for: what the engine does. Invariant: containers never depend on this process; they live on with
the keeper when it ends, however it ends.
"""
