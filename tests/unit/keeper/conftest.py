from keeper_host import host

__all__ = ["host"]
