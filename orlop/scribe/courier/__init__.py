"""The courier: a process that carries log records to syslog, fluentd, gelf and journald.

For: reading the spool that the scribe writes for a container (in the local driver's format) and
sending it on, one thread per container. Not for: what is written where (the scribe's), or which
options are right (the daemon's). Beside the scribe and alive while the daemon is not, so that a
server that hangs delays nobody but its own container's records, and never the container.

Jobs are files `<id>.json` in a directory; that directory is the truth, watched by inotify:

    {"driver", "path", "keep", "endpoint": {…}, "tag", "attrs", "info": {…}, "ended": bool}

`<id>.pos` says how far a spool is sent: what a killed courier had in hand is sent again, nothing is
left out. A job whose container has ended goes once all of it is sent.
"""
