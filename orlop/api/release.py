"""The version that clients see: the Docker whose API this is, and ours."""

from orlop import __version__

ENGINE_VERSION = f"28.4.0+orlop{__version__}"
