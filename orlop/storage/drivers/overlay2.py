"""overlay2: layers as directories, merged by the kernel's overlay filesystem.

On disk exactly what Docker's driver of this name writes:

    overlay2/<id>/{diff,link,lower,work,merged,committed}   overlay2/l/<26 chars> -> ../<id>/diff

`lower` is the stack below, top first, in short links, so that 128 of them fit a page.
Source: kernel Documentation/filesystems/overlayfs.rst; Docker, "Use the OverlayFS storage driver".
"""

from __future__ import annotations

import base64
import os
import re
import secrets
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from orlop.errors import InvalidArgument, NotFound, SystemFailure
from orlop.kernel import libc, mount, mountinfo
from orlop.kernel.fsidentity import as_owner
from orlop.kernel.namespace import in_directory, in_user_namespace
from orlop.kernel.spread import spread
from orlop.paths import remove_entry
from orlop.storage.driver import Owners, Pause
from orlop.storage.drivers import mapped as views
from orlop.storage.drivers.mapped import mapped
from orlop.storage.recordfile import put, text

MAX_LAYERS = 128
_PAGE = 4096  # what mount(2) takes as options, with its closing zero
_LINK = 26
_SHORT = re.compile(r"[A-Z2-7]{26}")


class Overlay2:
    name = "overlay2"
    whole = False
    opaque = "trusted.overlay.opaque"

    def __init__(self, home: Path) -> None:
        """Makes `home` and checks that the kernel can overlay on it. Raises SystemFailure."""
        self.home = home
        self._lock = threading.Lock()
        self._one_by_one = True
        # Root of a user namespace may set no trusted.* attributes, and overlay takes user.* then.
        self._user = in_user_namespace()
        if self._user:
            self.opaque = "user.overlay.opaque"
        home.mkdir(mode=0o710, parents=True, exist_ok=True)
        home.chmod(0o710)
        spread(home)
        (home / "l").mkdir(mode=0o700, exist_ok=True)
        views.sweep(home)
        self._probe()
        self._make_private()

    # --- layers on disk -----------------------------------------------------------------------

    def create(self, id: str) -> Path:
        base = self.home / id
        base.mkdir(mode=0o710)
        base.chmod(0o710)
        tree = base / "diff"
        tree.mkdir(mode=0o755)
        tree.chmod(0o755)
        link = base64.b32encode(secrets.token_bytes(17)).decode()[:_LINK]
        try:
            # First: who removes the tree finds the link by it.
            put(base / "link", link, durable=False)
            os.symlink(f"../{id}/diff", self.home / "l" / link)
        except BaseException:
            self.remove(id)
            raise
        return tree

    def attach(self, id: str, parent: str) -> None:
        base, below = self.home / id, self.home / parent
        link = (below / "link").read_text()
        stack = [f"l/{link}"]
        try:
            stack += (below / "lower").read_text().split(":")
        except FileNotFoundError:
            pass
        if len(stack) > MAX_LAYERS:
            raise InvalidArgument("max depth exceeded")
        put(base / "lower", ":".join(stack), durable=False)
        (base / "work").mkdir(mode=0o700, exist_ok=True)
        committed = below / "committed"
        if not committed.exists():
            os.close(os.open(committed, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))

    def tree(self, id: str) -> Path:
        return self.home / id / "diff"

    def mend(self, id: str, parent: str | None) -> bool:
        base, target = self.home / id, f"../{id}/diff"
        mended = False
        if not self._has_short_name(id):
            links = self.home / "l"
            found = next((n for n in os.listdir(links) if os.readlink(links / n) == target), "")
            kept = text(base / "link")
            if found:
                put(base / "link", found)
            elif _SHORT.fullmatch(kept) and not os.path.lexists(links / kept):
                os.symlink(target, links / kept)
            else:
                return False  # it never came to be
            mended = True
        if parent is not None and text(base / "lower") != self._stack_on(parent):
            self.attach(id, parent)
            mended = True
        return mended

    def stacking_problem(self, id: str, parent: str | None) -> str:
        if not self._has_short_name(id):
            return "its short name (link) does not lead to it"
        found = text(self.home / id / "lower")
        wanted = "" if parent is None else self._stack_on(parent)
        return "" if found == wanted else "its list of layers below (lower) is not theirs"

    def _has_short_name(self, id: str) -> bool:
        link = text(self.home / id / "link")
        if not _SHORT.fullmatch(link):
            return False
        try:
            return os.readlink(self.home / "l" / link) == f"../{id}/diff"
        except OSError:
            return False

    def _stack_on(self, parent: str) -> str:
        below = self.home / parent
        stack = f"l/{text(below / 'link')}", text(below / "lower")
        return ":".join(part for part in stack if part)

    def exists(self, id: str) -> bool:
        return self.tree(id).is_dir()

    def all(self) -> list[str]:
        names = [e.name for e in os.scandir(self.home) if e.is_dir()]
        return [name for name in names if name != "l" and not name.startswith(".")]

    def remove(self, id: str, pause: Pause | None = None) -> None:
        link = text(self.home / id / "link")
        if _SHORT.fullmatch(link):  # a full disk or a power cut may have left anything
            (self.home / "l" / link).unlink(missing_ok=True)
        home = os.open(self.home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            remove_entry(home, os.fsencode(id), pause)
        except FileNotFoundError:
            pass
        finally:
            os.close(home)

    def tidy(self) -> None:
        for entry in os.scandir(self.home / "l"):
            if not os.path.exists(entry.path):
                os.unlink(entry.path)

    def sync(self) -> None:
        fd = os.open(self.home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            libc.call("syncfs", fd, path=str(self.home))
        finally:
            os.close(fd)

    # --- merged views -------------------------------------------------------------------------

    def mount(self, id: str, *, volatile: bool = False, owners: Owners | None = None) -> Path:
        merged = self.home / id / "merged"
        with self._lock:
            if os.path.ismount(merged):
                return merged
            try:
                merged.mkdir(mode=0o700)
            except FileExistsError:
                pass
            except FileNotFoundError:
                raise NotFound(f"layer {id} does not exist") from None
            self._clear_incompat(id)
            if owners is None:
                self._mount(id, merged, volatile)
            else:
                self._mount_mapped(id, merged, volatile, owners)
        return merged

    def _mount(self, id: str, merged: Path, volatile: bool) -> None:
        extra = ",volatile" if volatile else ""
        lowers = self._lowers(id)
        options = self._options(id, [str(self.home / n) for n in lowers], str(self.home)) + extra
        if len(options) < _PAGE:
            mount.mount("overlay", str(merged), "overlay", 0, options)
            return
        if not self._one_by_one:
            self._mount_from_home(self._options(id, lowers, "."), extra, merged)
            return
        # Too long for a page. fsconfig takes the layers one by one; mountinfo then shows them
        # differently, which is why this is not the usual way.
        fd = self._detached(id, lowers, volatile=volatile)
        try:
            target = os.open(merged, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                mount.move_mount(fd, target, path=str(merged))
            finally:
                os.close(target)
        finally:
            os.close(fd)

    def _mount_mapped(self, id: str, merged: Path, volatile: bool, owners: Owners) -> None:
        """Over an idmapped view of all layers: what the container owns is 0 and up on disk.

        The kernel makes whiteouts and copies as who mounted, so that has to be the container's
        root as the host sees it: an owner without a place in the mapping could write nothing.
        """
        lowers, extra = self._lowers(id), ",volatile" if volatile else ""
        with mapped(self.home, owners) as home:
            options = self._options(id, [f"{home}/{n}" for n in lowers], home) + extra
            relative = self._options(id, lowers, ".") + extra

            def merge() -> None:
                if len(options) < _PAGE:
                    mount.mount("overlay", str(merged), "overlay", 0, options)
                else:
                    in_directory(
                        home, lambda: mount.mount("overlay", str(merged), "overlay", 0, relative)
                    )

            as_owner(*owners.root, merge)

    def _options(self, id: str, lowers: list[str], home: str) -> str:
        base = f"{home}/{id}"
        extra = ",userxattr" if self._user else ""
        return f"lowerdir={':'.join(lowers)},upperdir={base}/diff,workdir={base}/work{extra}"

    def _lowers(self, id: str) -> list[str]:
        try:
            return (self.home / id / "lower").read_text().split(":")
        except FileNotFoundError:
            raise SystemFailure(f"layer {id} has no parent to merge with") from None

    def _mount_from_home(self, options: str, extra: str, where: Path) -> None:
        """With relative paths, which 128 layers fit a page by. Raises OSError."""
        in_directory(
            self.home, lambda: mount.mount("overlay", str(where), "overlay", 0, options + extra)
        )

    def _opened(self, mounting: Callable[[Path], None]) -> int:
        """A merged view by descriptor only: it goes when the last one is closed."""
        where = Path(tempfile.mkdtemp(prefix=views.PREFIX, dir=self.home))
        try:
            mounting(where)
            try:
                return os.open(where, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            finally:
                mount.umount(str(where), mount.MNT_DETACH)
        finally:
            where.rmdir()

    def _detached(self, id: str, lowers: list[str], *, volatile: bool) -> int:
        if not self._one_by_one:
            extra = ",volatile" if volatile else ""
            merged = self._options(id, lowers, ".")
            return self._opened(lambda where: self._mount_from_home(merged, extra, where))
        base = self.home / id
        options: list[tuple[str, str | None]] = [
            ("lowerdir+", str(self.home / name)) for name in lowers
        ]
        options += [("upperdir", str(base / "diff")), ("workdir", str(base / "work"))]
        if volatile:
            options.append(("volatile", None))
        options += self._flags()
        return mount.new_mount("overlay", options, source="overlay")

    def temporary(self, id: str) -> int:
        """Volatile: closing must not sync the whole filesystem. `settle` afterwards."""
        self._clear_incompat(id)
        return self._detached(id, self._lowers(id), volatile=True)

    def settle(self, id: str) -> None:
        """After `temporary`: the layer may be mounted again."""
        self._clear_incompat(id)

    def view(self, id: str) -> int:
        lowers = [f"l/{(self.home / id / 'link').read_text()}"]
        try:
            lowers += self._lowers(id)
        except SystemFailure:
            pass  # the lowest
        return self._merged(lowers)

    def _merged(self, lowers: list[str]) -> int:
        if len(lowers) == 1:
            return os.open(self.home / lowers[0], os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        if not self._one_by_one:
            merged = f"lowerdir={':'.join(lowers)}" + (",userxattr" if self._user else "")
            return self._opened(lambda where: self._mount_from_home(merged, "", where))
        options: list[tuple[str, str | None]] = [("lowerdir+", str(self.home / n)) for n in lowers]
        options += self._flags()
        return mount.new_mount("overlay", options, source="overlay", attributes=mount.ATTR_RDONLY)

    def _flags(self) -> list[tuple[str, str | None]]:
        return [("userxattr", None)] if self._user else []

    def unmount(self, id: str) -> None:
        merged = self.home / id / "merged"
        with self._lock:
            try:
                mount.umount(str(merged), mount.MNT_DETACH)
            except FileNotFoundError:
                return
            except OSError as e:
                if e.errno != 22:  # EINVAL: not a mount point
                    raise
            try:
                merged.rmdir()
            except OSError:
                pass  # still busy or already gone; the next mount uses it as it is
            self._clear_incompat(id)

    def mounted(self) -> set[str]:
        home, end = f"{os.path.realpath(self.home)}/", "/merged"
        points = [each.point for each in mountinfo.mounts()]
        return {p[len(home) : -len(end)] for p in points if p.startswith(home) and p.endswith(end)}

    def _clear_incompat(self, id: str) -> None:
        """A volatile mount leaves this mark, and the kernel refuses the next mount on it."""
        try:
            fd = os.open(self.home / id / "work" / "work", os.O_RDONLY | os.O_DIRECTORY)
        except (FileNotFoundError, NotADirectoryError):
            return
        try:
            remove_entry(fd, b"incompat")
        except FileNotFoundError:
            pass
        finally:
            os.close(fd)

    # --- the host -----------------------------------------------------------------------------

    def _make_private(self) -> None:
        """Mounts below must not spread into namespaces made meanwhile and keep layers busy."""
        home = str(self.home)
        # A second bind on top would hide the containers' mounts from the daemon that comes next.
        if not mountinfo.is_point(os.path.realpath(home)):
            mount.mount(home, home, None, mount.MS_BIND)
        mount.mount(None, home, None, mount.MS_PRIVATE)

    def leave(self) -> None:
        for id in self.mounted():
            self.unmount(id)
        home = str(self.home)
        if mountinfo.is_bound_on_itself(os.path.realpath(home)):  # else it is a disk of its own
            mount.umount(home, mount.MNT_DETACH)

    def _probe(self) -> None:
        """Merge two empty directories. Raises SystemFailure that says what is missing.

        By way of it: does this kernel (6.5) take the layers one by one?
        """
        with tempfile.TemporaryDirectory(prefix=".probe-", dir=self.home) as scratch:
            for name in ("a", "b", "u", "w", "m"):
                os.mkdir(f"{scratch}/{name}")
            parts = [(k, f"{scratch}/{v}") for k, v in (("upperdir", "u"), ("workdir", "w"))]
            lowers = [("lowerdir+", f"{scratch}/{name}") for name in ("a", "b")]
            # Volatile: its end must not sync the whole filesystem.
            volatile: list[tuple[str, str | None]] = [
                *lowers,
                *parts,
                ("volatile", None),
                *self._flags(),
            ]
            try:
                os.close(mount.new_mount("overlay", volatile, source="overlay"))
                return
            except OSError:
                self._one_by_one = False
            options = [
                f"lowerdir={scratch}/a:{scratch}/b",
                *(f"{k}={v}" for k, v in parts),
                "volatile",
                *(name for name, _ in self._flags()),
            ]
            try:
                mount.mount("overlay", f"{scratch}/m", "overlay", 0, ",".join(options))
                mount.umount(f"{scratch}/m", mount.MNT_DETACH)
            except OSError as e:
                raise SystemFailure(
                    f"storage driver overlay2 is not supported on {self.home}: {e.strerror}; "
                    "load the kernel module overlay, or put --data-root on ext4, xfs or btrfs"
                ) from e

    def status(self) -> list[tuple[str, str]]:
        from orlop.storage.drivers.backing import backing_filesystem

        def on(name: str) -> bool:
            try:
                return Path(f"/sys/module/overlay/parameters/{name}").read_text().strip() == "Y"
            except OSError:
                return False

        return [
            ("Backing Filesystem", backing_filesystem(self.home)),
            ("Supports d_type", "true"),
            ("Using metacopy", str(on("metacopy")).lower()),
            ("Native Overlay Diff", str(not (on("redirect_dir") or on("metacopy"))).lower()),
            ("userxattr", str(self._user).lower()),
        ]

    def data(self, id: str) -> dict[str, str]:
        base = self.home / id
        out = {"UpperDir": str(base / "diff")}
        try:
            out["LowerDir"] = ":".join(
                str(self.home / os.path.normpath(f"l/{os.readlink(self.home / n)}"))
                for n in (base / "lower").read_text().split(":")
            )
        except FileNotFoundError:
            pass
        out["MergedDir"] = str(base / "merged")
        out["WorkDir"] = str(base / "work")
        return dict(sorted(out.items()))
