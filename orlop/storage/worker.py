"""A program: the confined process that unpacks one archive.

    python -I -S worker.py REQUEST      (REQUEST: JSON on the command line)

It changes its root to the tree before it reads the first byte of the archive, drops what it does
not need, and answers one JSON line on standard output:
{"diff_id", "size"} or {"error", "kind"}.

    request: root_fd, base, layer (bool), split_fd (-1: no tar-split), opaque, owner, keep, site
"""

from __future__ import annotations

import json
import os
import resource
import sys

# CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, FSETID, SYS_ADMIN (trusted.*), MKNOD, SETFCAP
_CAPABILITIES = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 21 | 1 << 27 | 1 << 31
_MEMORY = 1 << 30  # bytes of address space: a bomb ends here, not in the host's memory


def main() -> None:
    request = json.loads(sys.argv[1])
    sys.path[:0] = [request["package"], *request["site"]]
    answer = _run(request)
    os.write(1, json.dumps(answer).encode() + b"\n")
    os._exit(0)


def _run(request: dict[str, object]) -> dict[str, object]:
    import hashlib
    import io

    import zstandard  # noqa: F401  (before the root switch: compression imports it late)

    from orlop.errors import OrlopError
    from orlop.kernel import process
    from orlop.paths import Root
    from orlop.storage import apply, compression, tar, tarsplit

    root_fd = int(str(request["root_fd"]))
    split_fd = int(str(request["split_fd"]))
    owner = request["owner"]
    digest = hashlib.sha256()
    try:
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.fchdir(root_fd)
        os.chroot(".")
        sys.path.clear()
        process.limit_bounding_set(_CAPABILITIES)
        process.set_capabilities(_CAPABILITIES, _CAPABILITIES, 0)
        process.set_no_new_privs()
        os.umask(0)
        source = io.FileIO(0, closefd=False)

        def hashed() -> object:
            for chunk in compression.decompressed(source):
                digest.update(chunk)
                yield chunk

        reader = tar.TarReader(hashed(), keep_raw=split_fd >= 0)  # type: ignore[arg-type]
        with Root(root_fd) as root:
            applier = apply.Applier(
                root,
                base=os.fsencode(str(request["base"])),
                whiteouts=bool(request["layer"]),
                opaque=str(request["opaque"]),
                owner=tuple(owner) if isinstance(owner, list) else None,
                keep_directories=bool(request["keep"]),
            )
            if split_fd < 0:
                applier.run(reader)
                for _ in reader.rest():
                    pass
            else:
                with io.FileIO(split_fd, "w") as sink:
                    writer = tarsplit.Writer(sink)
                    applier.run(tarsplit.Splitter(reader, writer))
                    writer.close()
        return {"diff_id": "sha256:" + digest.hexdigest(), "size": applier.size}
    except OrlopError as e:
        return {"kind": type(e).__name__, "error": e.message}
    except OSError as e:
        return {"kind": "OSError", "errno": e.errno, "error": f"{e.strerror}: {e.filename!r}"}
    except (ValueError, MemoryError, RecursionError) as e:
        return {"kind": "InvalidArgument", "error": f"{type(e).__name__}: {e}"}


if __name__ == "__main__":
    main()
