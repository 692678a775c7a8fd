"""The only room with ctypes, ioctl, netlink and prctl: thin typed functions that raise OSError."""
