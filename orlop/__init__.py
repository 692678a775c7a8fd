"""Orlop: a container engine in Python that speaks Docker's words, files and API."""

__version__ = "0.1.0"
