"""A program: the confined process that unpacks one archive.

    python -I -S worker.py REQUEST      (REQUEST: a marshalled dict, base64)

It changes its root to the tree before it looks at the archive, drops what it does not need, and
answers on standard output with a marshalled dict:
{"diff_id", "size"} or {"error", "kind"}.

    request: root_fd, base, layer (bool), split_fd (-1: no tar-split), opaque, owner, keep,
             namespace (of a user, -1: none), package, site, parent (pid that waits for us)
"""

from __future__ import annotations

import binascii
import marshal
import os
import resource
import sys

# CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, FSETID, SYS_ADMIN (trusted.*), MKNOD, SETFCAP
_CAPABILITIES = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 21 | 1 << 27 | 1 << 31
_MEMORY = 1 << 30  # bytes of address space: a bomb ends here, not in the host's memory


def main() -> None:
    request = marshal.loads(binascii.a2b_base64(sys.argv[1]))
    sys.path[:0] = [request["package"], *request["site"]]
    os.write(1, marshal.dumps(_run(request)))
    os._exit(0)


def _confine(root_fd: int, parent: int, user_namespace: int) -> None:
    from orlop.kernel import namespace, process

    process.set_parent_death_signal(9)  # the signal module costs 2 ms
    if os.getppid() != parent:
        os._exit(1)  # nobody waits for the tree any more, and it may be swept
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.fchdir(root_fd)
    os.chroot(".")
    if user_namespace >= 0:  # gives all capabilities, over that namespace alone
        namespace.setns(user_namespace, namespace.CLONE_NEWUSER)
        os.close(user_namespace)
        os.setgroups([])
        os.setresgid(0, 0, 0)
        os.setresuid(0, 0, 0)
        process.set_parent_death_signal(9)  # a change of IDs takes it back
    sys.path.clear()
    process.limit_bounding_set(_CAPABILITIES)
    process.set_capabilities(_CAPABILITIES, _CAPABILITIES, 0)
    process.set_no_new_privs()
    os.umask(0)


def _run(request: dict[str, object]) -> dict[str, object]:
    import hashlib
    import io

    from orlop.errors import OrlopError
    from orlop.kernel.namespace import in_user_namespace
    from orlop.paths import Root
    from orlop.storage import apply, compression, split, tar

    root_fd = int(str(request["root_fd"]))
    split_fd = int(str(request["split_fd"]))
    owner = request["owner"]
    digest = hashlib.sha256()
    source = io.FileIO(0, closefd=False)
    head = compression.read_head(source)
    compression.prepare(head)  # imports of this form of compression: there is no other time
    applier: apply.Applier | None = None
    rootless = in_user_namespace()

    def hashed() -> object:
        for chunk in compression.decompressed(source, head):
            digest.update(chunk)
            yield chunk

    # Of what `cp` brings nobody asks for a digest.
    chunks = hashed() if request["layer"] else compression.decompressed(source, head)
    try:
        _confine(root_fd, int(str(request["parent"])), int(str(request["namespace"])))
        reader = tar.TarReader(chunks, keep_raw=split_fd >= 0)  # type: ignore[arg-type]
        with Root(root_fd) as root:
            applier = apply.Applier(
                root,
                base=os.fsencode(str(request["base"])),
                whiteouts=bool(request["layer"]),
                opaque=str(request["opaque"]),
                owner=owner if isinstance(owner, tuple) else None,
                keep_directories=bool(request["keep"]),
                no_devices=rootless,
            )
            if split_fd < 0:
                applier.run(reader)
                for _ in reader.rest():
                    pass
            else:
                with io.FileIO(split_fd, "w") as sink:
                    writer = split.Writer(sink)
                    applier.run(split.Splitter(reader, writer))
                    writer.close()
        return {"diff_id": "sha256:" + digest.hexdigest(), "size": applier.size}
    except OrlopError as e:
        return {"kind": type(e).__name__, "error": e.message}
    except OSError as e:
        name = (applier.current if applier else b"").decode("utf-8", "replace")
        return {"kind": "OSError", "errno": e.errno or 0, "error": e.strerror or "", "name": name}
    except Exception as e:
        # no traceback: to print one, Python would open files of the tree it is locked into
        return {"kind": "InvalidArgument", "error": f"{type(e).__name__}: {e}"}


if __name__ == "__main__":
    main()
