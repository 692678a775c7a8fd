"""A program: how a union mount works, run for real in a private mount namespace.

    python -I -S overlaydemo.py [--dir DIR] [--keep]

Root is not needed where the kernel lets users make namespaces. Prints each command and what it did.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from orlop.kernel import mount, namespace

_FILES = (
    ("U", "U", ("U/u", "U/c1")),
    ("L1", "L1", ("L1/l1", "L1/c2")),
    ("L2", "L2", ("L2/l2", "L2/c1", "L2/c2")),
    ("W", "W", ("W/w",)),
)


def say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def tree(top: str) -> str:
    """As tree(1) prints it, with its count of directories and files."""
    counts = [0, 0]
    lines = [top]

    def walk(path: str, indent: str) -> None:
        names = sorted(os.listdir(path))
        for number, name in enumerate(names):
            last = number == len(names) - 1
            full = f"{path}/{name}"
            lines.append(f"{indent}{'`-- ' if last else '|-- '}{name}")
            if os.path.isdir(full) and not os.path.islink(full):
                counts[0] += 1
                try:
                    walk(full, indent + ("    " if last else "|   "))
                except PermissionError:
                    continue  # work/work belongs to the kernel
            else:
                counts[1] += 1

    walk(top.rstrip("/"), "")
    directories = "1 directory" if counts[0] == 1 else f"{counts[0]} directories"
    files = "1 file" if counts[1] == 1 else f"{counts[1]} files"
    return "\n".join(lines) + f"\n\n{directories}, {files}\n"


def cat(path: str) -> None:
    say(f"$ cat {path}\n")
    with open(path) as file:
        say(file.read())


def look(path: str) -> str:
    """Like ls -l for one file, enough to see a whiteout."""
    status = os.lstat(path)
    device = (
        f" {os.major(status.st_rdev)}, {os.minor(status.st_rdev)}"
        if stat.S_ISCHR(status.st_mode)
        else f" {status.st_size}"
    )
    return f"{stat.filemode(status.st_mode)} {status.st_nlink}{device} {path}\n"


def prepare() -> None:
    say("$ mkdir -p {U,L1,L2,W,M}\n")
    for name in ("U", "L1", "L2", "W", "M"):
        os.mkdir(name)
    for text, _, paths in _FILES:
        say(f"$ echo {text} | tee {' '.join(paths)}\n{text}\n")
        for path in paths:
            with open(path, "w") as file:
                file.write(text + "\n")
    say("$ tree .\n" + tree(".") + "\n")


def merge(unprivileged: bool) -> None:
    options = "lowerdir=L2:L1,upperdir=U,workdir=W"
    if unprivileged:
        options += ",userxattr"
    say(f"$ mount -t overlay overlaytest -o {options} M\n")
    mount.mount("overlaytest", "M", "overlay", 0, options)
    say("$ tree M/\n" + tree("M/") + "\n")
    cat("M/c1")
    cat("M/c2")
    say("# upper hides lower, the left lower hides the right one\n\n")


def create() -> None:
    say("$ echo create > M/x\n")
    with open("M/x", "w") as file:
        file.write("create\n")
    say("$ tree .\n" + tree(".") + "\n# a new file is in U and, merged, in M: nowhere else\n\n")


def delete() -> None:
    say("$ rm M/u\n$ rm M/c1\n")
    os.unlink("M/u")
    os.unlink("M/c1")
    say("$ ls -l U\n" + "".join(look(f"U/{n}") for n in sorted(os.listdir("U"))))
    cat("L2/c1")
    say("# u was only in U: gone. c1 is in L2 too: a whiteout (character device 0, 0) hides it\n\n")


def modify() -> None:
    say("$ echo x > M/l1\n")
    with open("M/l1", "w") as file:
        file.write("x\n")
    cat("U/l1")
    cat("L1/l1")
    say("# the file was copied up to U and changed there; L1 is as it was\n")


def main(arguments: list[str]) -> int:
    keep = "--keep" in arguments
    where = arguments[arguments.index("--dir") + 1] if "--dir" in arguments else ""
    if where:
        os.makedirs(where, exist_ok=True)
        if os.listdir(where):
            sys.stderr.write(f"overlay demo: {where} is not empty; name another directory\n")
            return 1
    base = where or tempfile.mkdtemp(prefix="orlop-overlay-")
    unprivileged = os.geteuid() != 0
    uid, gid = os.geteuid(), os.getegid()
    try:
        namespace.unshare(namespace.CLONE_NEWNS | (namespace.CLONE_NEWUSER if unprivileged else 0))
        if unprivileged:
            for name, text in (
                ("setgroups", "deny"),
                ("uid_map", f"0 {uid} 1"),
                ("gid_map", f"0 {gid} 1"),
            ):
                with open(f"/proc/self/{name}", "w") as file:
                    file.write(text)
        mount.mount(None, "/", None, mount.MS_REC | mount.MS_PRIVATE)
        os.chdir(base)
        prepare()
        merge(unprivileged)
        create()
        delete()
        modify()
    except OSError as error:
        sys.stderr.write(
            f"overlay demo: {error.strerror or error}: {error.filename or ''}\n"
            "it needs a kernel with overlay and, without root, unprivileged user namespaces\n"
        )
        return 1
    finally:
        os.chdir("/")
        try:
            mount.umount(f"{base}/M", mount.MNT_DETACH)
        except OSError:
            pass
        if not keep and not where:
            shutil.rmtree(base, ignore_errors=True)
    if keep or where:
        say(f"# left behind: {base}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
