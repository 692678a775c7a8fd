"""Registries: the v2 API spoken over HTTP, and nothing of what is done with the answers.

What it is for: endpoints of a domain, authentication, manifests, blobs, uploads, tags, search. What
not: no image store, no layers, no progress texts.

Invariant: credentials leave this process only towards the configured registry and the token realm
that this registry itself named, and never over plain http unless the registry is an insecure one;
bytes returned for a digest hash to that digest.
"""
