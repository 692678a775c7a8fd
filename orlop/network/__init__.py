"""How containers reach each other, the host and the world.

For: networks (bridge, host, none, user-defined), addresses, endpoints, published ports, the
firewall, hosts and resolv.conf contents. Not for: entering namespaces (the runtime executes what
this room decides as op tuples) and container records (the container room stores what it gets).

Invariant: an address or host port is handed out once; whatever a failed attach took is given back.
"""
