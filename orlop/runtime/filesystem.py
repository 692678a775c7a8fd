"""The steps of a launch that build the container's mount tree, on fds, and switch to it."""

from __future__ import annotations

import os
import stat

from orlop.kernel import mount
from orlop.runtime import copyup, rootfs
from orlop.runtime.process import Failure
from orlop.runtime.state import Setup

_MISSING = (2, 20)  # ENOENT, ENOTDIR
_LINK_OR_FILE = (20, 40)  # ENOTDIR, ELOOP
_AT_FDCWD = -100


def attach_root(setup: Setup, propagation: int) -> None:
    """Cut the copied host tree off from the host's, then lay the rootfs over its root."""
    mount.mount(None, "/", None, propagation)
    # pivot_root refuses a shared parent; what is mounted below keeps what was asked for
    mount.mount(None, "/", None, mount.MS_PRIVATE)
    root = setup.sources.pop(0)
    mount.mount_setattr(root, propagation=mount.MS_PRIVATE, recursive=True)
    host = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    mount.move_mount(root, host)
    os.close(host)
    setup.root = root


def mount_filesystem(
    setup: Setup,
    target: str,
    fstype: str,
    source: str,
    options: list[tuple[str, str | None]],
    attributes: int,
    propagation: int,
    copy_up: bool = False,
) -> None:
    """Mount a new instance of a file system; its text options go through fsconfig.

    `copy_up`: a tmpfs begins with what the image has at `target`.
    """
    if fstype in ("proc", "sysfs"):
        place = _ordinary_directory(setup.root, target)
    else:
        place, existed = _directory(setup.root, target)
        if fstype == "tmpfs" and existed:
            mode = stat.S_IMODE(os.fstat(place).st_mode)
            options = [("mode", f"{mode:04o}"), *options]
    try:
        before = attributes & ~mount.ATTR_RDONLY if copy_up else attributes
        made = mount.new_mount(fstype, options, source=source, attributes=before)
        if copy_up:
            copyup.fill(place, made)
            mount.mount_setattr(made, set=attributes & mount.ATTR_RDONLY)
        mount.move_mount(made, place, path=target)
        if propagation:
            mount.mount_setattr(made, propagation=propagation)
    except OSError as error:
        raise _mount_failure("mount", source or fstype, target, error) from None
    finally:
        os.close(place)
    if fstype == "devpts":
        setup.terminals = made
    else:
        os.close(made)


def mount_bind(
    setup: Setup,
    index: int,
    source: str,
    target: str,
    attributes: tuple[int, int, int, int],
    propagation: int,
    propagation_recursive: bool,
) -> None:
    """Attach a clone made by an "open" step. `attributes`: set, clear, both again recursively."""
    made = setup.sources.pop(index)
    try:
        if rootfs.is_directory(made):
            place, _ = _directory(setup.root, target)
        else:
            place = rootfs.make_file(setup.root, target)
            if rootfs.is_directory(place):  # the kernel would only say EINVAL
                raise NotADirectoryError(20, "Not a directory")
        set_one, clear_one, set_all, clear_all = attributes
        if set_all or clear_all:
            mount.mount_setattr(made, set=set_all, clear=clear_all, recursive=True)
        if set_one or clear_one:
            mount.mount_setattr(made, set=set_one, clear=clear_one)
        if propagation:
            mount.mount_setattr(made, propagation=propagation, recursive=propagation_recursive)
        mount.move_mount(made, place, path=target)
        os.close(place)
    except OSError as error:
        raise _mount_failure("bind", source, target, error) from None
    finally:
        os.close(made)


def mount_cgroups(
    setup: Setup,
    target: str,
    attributes: int,
    hierarchies: list[tuple[str, list[tuple[str, str | None]] | int]],
    links: list[tuple[str, str]],
) -> None:
    """Show the cgroups: v2 as one mount (no hierarchies given), v1 as a tmpfs of mounts.

    A hierarchy is (directory name, options of a mount of its own | index of an opened clone).
    """
    place, _ = _directory(setup.root, target)
    try:
        if not hierarchies:
            made = mount.new_mount("cgroup2", [], source="cgroup", attributes=attributes)
            mount.move_mount(made, place, path=target)
            return
        flags = attributes & ~mount.ATTR_RDONLY
        made = mount.new_mount("tmpfs", [("mode", "755")], source="tmpfs", attributes=flags)
        mount.move_mount(made, place, path=target)
        for name, how in hierarchies:
            os.mkdir(name, 0o755, dir_fd=made)
            inner = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=made)
            if isinstance(how, int):
                one = setup.sources.pop(how)
                mount.mount_setattr(one, set=attributes, propagation=mount.MS_PRIVATE)
            else:
                one = mount.new_mount("cgroup", how, source="cgroup", attributes=attributes)
            mount.move_mount(one, inner, path=f"{target}/{name}")
            os.close(one)
            os.close(inner)
        for text, name in links:
            os.symlink(text, name, dir_fd=made)
    except OSError as error:
        raise _mount_failure("cgroups", "cgroup", target, error) from None
    finally:
        os.close(place)


def make_directory(setup: Setup, path: str) -> None:
    """A directory the process needs to be there: its working directory."""
    os.close(rootfs.make_directory(setup.root, path))


def mask(setup: Setup, paths: list[str]) -> None:
    """Hide files behind /dev/null and directories behind an empty read-only tmpfs."""
    for path in paths:
        try:
            place = rootfs.open_in(setup.root, path)
        except OSError as error:
            if error.errno in _MISSING:
                continue
            raise
        if rootfs.is_directory(place) and setup.empty < 0:
            setup.empty = _empty()
            mount.move_mount(setup.empty, place, path=path)
        else:
            # A clone of what stands somewhere: of a detached mount only since Linux 6.15.
            origin = setup.empty if rootfs.is_directory(place) else _null(setup)
            cover = mount.open_tree(origin)
            mount.move_mount(cover, place, path=path)
            os.close(cover)
        os.close(place)


def _empty() -> int:
    options: list[tuple[str, str | None]] = [("ro", None), ("nr_blocks", "1"), ("nr_inodes", "1")]
    return mount.new_mount("tmpfs", options, source="tmpfs", attributes=mount.ATTR_RDONLY)


def _null(setup: Setup) -> int:
    """The container's /dev/null, only if it is the null device (CVE-2025-31133)."""
    if setup.null < 0:
        fd = rootfs.open_in(setup.root, "/dev/null")
        if not rootfs.is_null_device(fd):
            raise OSError(22, "not the null device", "/dev/null")
        setup.null = fd
    return setup.null


def make_readonly(setup: Setup, paths: list[str]) -> None:
    for path in paths:
        try:
            place = rootfs.open_in(setup.root, path)
        except OSError as error:
            if error.errno in _MISSING:
                continue
            raise
        cover = mount.open_tree(place, recursive=True)
        mount.mount_setattr(cover, set=mount.ATTR_RDONLY)
        mount.move_mount(cover, place, path=path)
        os.close(cover)
        os.close(place)


def set_root_attributes(setup: Setup, attributes: int, propagation: int, recursive: bool) -> None:
    if attributes:
        mount.mount_setattr(setup.root, set=attributes)
    if propagation:
        mount.mount_setattr(setup.root, propagation=propagation, recursive=recursive)


def switch_root(setup: Setup, pivot: bool = True) -> None:
    """pivot_root(".", "."): the old root ends up on top of the new and is let go.

    Not `pivot`: for a host on an initramfs, which pivot_root refuses, chroot alone.
    """
    old = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    os.fchdir(setup.root)
    if not pivot:
        os.chroot(".")
        os.chdir("/")
        os.close(old)
        return
    mount.pivot_root(".", ".")
    os.fchdir(old)
    mount.umount(".", mount.MNT_DETACH)
    os.chdir("/")
    os.close(old)


def _directory(root: int, path: str) -> tuple[int, bool]:
    """(fd, whether it was there)."""
    try:
        return rootfs.open_in(root, path, os.O_PATH | os.O_DIRECTORY), True
    except FileNotFoundError:
        return rootfs.make_directory(root, path), False


def _ordinary_directory(root: int, path: str) -> int:
    """proc and sysfs may not follow a link of the image (CVE-2019-19921, CVE-2023-27561)."""
    flags = os.O_PATH | os.O_DIRECTORY
    how = rootfs.RESOLVE_IN_ROOT | rootfs.RESOLVE_NO_SYMLINKS
    try:
        try:
            return rootfs.open_beneath(root, path, flags, how)
        except FileNotFoundError:
            os.close(rootfs.make_directory(root, path))
            return rootfs.open_beneath(root, path, flags, how)
    except OSError as error:
        if error.errno in _LINK_OR_FILE:
            text = f"filesystem {path!r} must be mounted on ordinary directory"
            raise Failure("mount", error.errno, path, text.replace("'", '"')) from None
        raise


def _mount_failure(stage: str, source: str, target: str, error: OSError) -> Failure:
    reason = (error.strerror or "").lower()
    text = f'error mounting "{source}" to rootfs at "{target}": {reason}'
    return Failure(stage, error.errno or 0, target, text)
