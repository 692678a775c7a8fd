"""The Docker Engine API over HTTP/1.1: decode, call a verb, encode.

For: sockets, HTTP, routes, versions, the shapes of requests and answers. Not for: what the verbs do
(the rooms below). Invariant: a connection belongs to the loop between requests and to one thread
during a request; every failure leaves as a status from `status.py` and `{"message": …}`, never as a
traceback.
"""
