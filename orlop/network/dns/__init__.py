"""The resolver of user-defined networks: a small process beside the daemon, alive while it is not.

For: names of containers at 127.0.0.11 in each container's namespace, and passing other questions
on. Not for: deciding who is on which network (the daemon says so). Invariant: whatever a container
sends, the answer is a DNS message or nothing.
"""
