"""The engine inside a Python program: no daemon, no socket, no command line.

Requests go over socket pairs to the same API code that orlopd serves, so that what works with a
daemon works here, and file descriptors of attached clients can travel on to the scribe. Invariants:
no signal handler, no change of the process's umask, limits or working directory; the process is
never forked (keeper, scribe and workers are executed); the data root is closed when the block ends,
containers run on with the keeper.
"""
