"""BuildKit's protocol: what buildx, `docker build` and compose speak to a daemon's builder.

What it is for: HTTP/2 and gRPC over a hijacked connection, the client's session (its files, secrets
and agents), the calls Control and LLBBridge. It asks `builder` to build.
Not for: the language, the cache, layers.

Invariant: what a client sends is bounded before it is kept, and its paths go to a context's index,
never to the host's tree; secrets stay in memory and are never logged.
"""
