"""crypt_rn(3) of libxcrypt: the library that hashes the host's own passwords."""

from __future__ import annotations

import ctypes

_SIZE = 32768  # struct crypt_data


def crypt(password: bytes, setting: str) -> str:
    """The hash of `password` with the method and salt of `setting`; "" when it has none of them.

    Releases the interpreter lock: it takes its time by intent. Raises OSError without the library.
    """
    library = ctypes.CDLL("libcrypt.so.1", use_errno=True)
    library.crypt_rn.restype = ctypes.c_char_p
    library.crypt_rn.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int]
    if b"\0" in password:
        return ""
    buffer = ctypes.create_string_buffer(_SIZE)
    found = library.crypt_rn(password, setting.encode(), buffer, _SIZE)
    return found.decode("ascii", "replace") if found else ""
