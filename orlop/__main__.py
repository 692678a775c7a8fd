"""`python -m orlop` is the command line."""

from orlop.cli.entry import main

main()
