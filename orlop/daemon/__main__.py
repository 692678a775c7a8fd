"""`python -m orlop.daemon`."""

import sys

from orlop.daemon.main import main

sys.exit(main(sys.argv[1:]))
