"""The command line: Docker's words over HTTP.

Not for: engine work of any kind. It parses words, speaks to a daemon through `client` and prints.
Invariant: the hot path (run, exec, ps) imports about 20 modules and none of argparse, json, re, os.
"""
