"""Move the bytes of containers: log files, attached clients, stdin.

For: reading what containers write, appending it to their logs in Docker's json-file format,
rotation, fan-out to attached clients with bounded buffers; and reading those logs back (`readlog`,
`follow`, used by the daemon). Not for: starting, reaping or signalling processes (the keeper's).
Invariant: at any instant, a byte of a logged FIFO is in the kernel's pipes or in the ledger until
its log record is on file, and the ledger tells which: killing the scribe loses and repeats nothing.
"""
