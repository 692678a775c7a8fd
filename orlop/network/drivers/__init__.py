"""Network drivers: what a network of a kind needs on the host, and what an endpoint gets."""
