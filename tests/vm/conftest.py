from __future__ import annotations

import os

# These tests need what only the virtual machine has; `make test-vm` runs them there.
if not os.environ.get("ORLOP_IN_VM"):
    collect_ignore_glob = ["test_*.py"]
