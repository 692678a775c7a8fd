"""Run a container: from an OCI runtime config to a process, and no further.

For: planning (pure), launching, exec, cgroups, seccomp. Not for: images, storage, networks, logs,
restarts; a container is running once its program was executed. Invariant: a path inside a rootfs
is resolved once, on an fd, by the kernel (RESOLVE_IN_ROOT), and acted on through that fd; nothing
is imported after the root switch; a failed set-up ends in _exit with the reason on the socket.
"""
