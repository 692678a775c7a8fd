"""A Debian root filesystem from the distribution's own mirror, with the host's apt as the checker.

apt runs on private lists and a private (empty) package state: it verifies the mirror's signatures,
resolves dependencies and downloads. Unpacking is ours, in confined workers; only then do the
packages' own scripts run, chrooted, without network, in namespaces of their own.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

from orlop.errors import InvalidArgument, NotSupported, SystemFailure
from orlop.image import apt
from orlop.image.debs import merged
from orlop.image.staging import reader
from orlop.storage.unpack import unpack

_SUITE = re.compile(r"[a-z][a-z0-9.-]{0,40}", re.ASCII)
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_EXTRA = ("apt",)
_DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9)}
_DEBS = "var/cache/apt/archives"
_FIRST = ("base-passwd", "base-files", "dpkg", "libc6", "libc-bin", "perl-base", "mawk", "debconf")
_LEFTOVERS = ("var/log/dpkg.log", "var/log/bootstrap.log", "var/log/alternatives.log",
              "var/log/apt", "var/cache/debconf/config.dat-old",
              "var/cache/debconf/templates.dat-old", "var/lib/dpkg/status-old",
              "var/lib/dpkg/diversions-old", "var/cache/ldconfig/aux-cache")  # fmt: skip

Say = Callable[[str], None]


class Debian:
    """One bootstrap in a scratch folder of its own."""

    def __init__(self, folder: Path, suite: str, say: Say) -> None:
        """`suite` "": the host's. Raises InvalidArgument, NotSupported."""
        self.folder = folder
        self.root = folder / "root"
        self._say = say
        self._apt = apt.require("apt-get", "a Debian image is made through the host's apt")
        for tool in ("unshare", "chroot", "dpkg"):
            apt.require(tool, "a Debian image cannot be made without it")
        self.mirror, codename = _host_mirror(self._apt)
        self.suite = suite or codename
        if _SUITE.fullmatch(self.suite) is None:
            raise InvalidArgument(f"invalid suite {self.suite[:60]!r}")

    def make(self) -> Path:
        """The finished tree. Raises SystemFailure with apt's or dpkg's words."""
        self._prepare_apt()
        self._say(f"Reading the package lists of {self.suite} from {self.mirror}")
        self._run_apt("update", "--error-on=any")
        names = self._essential()
        self._say(f"Downloading {len(names)} essential packages and what they need")
        self._run_apt("install", "--download-only", "--yes", "--no-install-recommends", *names)
        debs = sorted((self.folder / "archives").glob("*.deb"))
        self._say(f"Unpacking {len(debs)} packages")
        self._unpack(debs)
        self._say("Configuring them")
        self._configure(debs)
        self._clean()
        return self.root

    def _prepare_apt(self) -> None:
        for name in ("etc", "lists/partial", "archives/partial", "root", "preferences", "parts"):
            (self.folder / name).mkdir(parents=True)
        self.root.chmod(0o755)
        signed = f"[signed-by={_KEYRING}] " if _KEYRING.exists() else ""
        (self.folder / "sources.list").write_text(f"deb {signed}{self.mirror} {self.suite} main\n")
        (self.folder / "status").write_text("")

    def _options(self) -> tuple[str, ...]:
        here = self.folder
        pairs = {
            "Dir::Etc::SourceList": here / "sources.list",
            "Dir::Etc::SourceParts": here / "parts",
            "Dir::Etc::Preferences": here / "none",
            "Dir::Etc::PreferencesParts": here / "preferences",
            "Dir::State": here,
            "Dir::State::status": here / "status",
            "Dir::State::extended_states": here / "extended",
            "Dir::State::Lists": here / "lists",
            "Dir::Cache": here,
            "Dir::Cache::Archives": here / "archives",
            "Dir::Log": here,
            "APT::Sandbox::User": "root",
            "APT::Get::List-Cleanup": "false",
            "Acquire::Languages": "none",
            "Acquire::Check-Valid-Until": "false",
            "DPkg::Use-Pty": "0",
        }
        return tuple(word for key, value in pairs.items() for word in ("-o", f"{key}={value}"))

    def _run_apt(self, *arguments: str) -> str:
        return apt.run([self._apt, *arguments], options=self._options())

    def _essential(self) -> list[str]:
        """Names of the Essential packages in the index, and of what an image needs beside them."""
        listing = self._run_apt("indextargets", "--format", "$(FILENAME)", "Created-By: Packages")
        helper = "/usr/lib/apt/apt-helper"
        names: set[str] = set(_EXTRA)
        for path in listing.split():
            text = apt.run([helper, "cat-file", path], options=self._options())
            for stanza in re.finditer(r"^Package: (\S+)\n(?:.+\n)*?Essential: yes$", text, re.M):
                names.add(stanza[1])
        if len(names) < 5:
            raise SystemFailure(f"the index of {self.suite} names no essential packages")
        return sorted(names)

    def _unpack(self, debs: list[Path]) -> None:
        """All packages as one archive, unpacked by one confined worker."""
        fd = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            unpack(reader(merged(debs)), root_fd=fd, base="/")
        finally:
            os.close(fd)

    def _configure(self, debs: list[Path]) -> None:
        target = self.root / _DEBS
        target.mkdir(parents=True, exist_ok=True)
        for deb in debs:
            os.link(deb, target / deb.name)
        dpkg = self.root / "var/lib/dpkg"
        (dpkg / "info").mkdir(parents=True, exist_ok=True)
        (dpkg / "updates").mkdir(exist_ok=True)
        (dpkg / "status").touch()
        (dpkg / "available").touch()
        self._devices()
        policy = self.root / "usr/sbin/policy-rc.d"
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
        names = {deb.name.partition("_")[0]: deb.name for deb in debs}
        first = [f"/{_DEBS}/{names[n]}" for n in _FIRST if n in names]
        everything = [f"/{_DEBS}/{deb.name}" for deb in debs]
        force = ("--force-depends", "--force-unsafe-io", "--force-confold")
        for package in first:
            self._inside("dpkg", *force, "--install", package)
        self._inside("dpkg", *force, "--force-overwrite", "--unpack", *everything)
        self._inside("dpkg", *force, "--force-configure-any", "--configure", "--pending")
        policy.unlink()

    def _devices(self) -> None:
        folder = self.root / "dev"
        folder.mkdir(exist_ok=True)
        for name, (major, minor) in _DEVICES.items():
            os.mknod(folder / name, stat.S_IFCHR | 0o666, os.makedev(major, minor))
            (folder / name).chmod(0o666)

    def _inside(self, *argv: str) -> None:
        (self.root / "proc").mkdir(exist_ok=True)
        unshare = apt.require("unshare", "scripts of packages run in namespaces")
        apt.run(
            [
                unshare, "--mount", "--pid", "--net", "--ipc", "--uts", "--fork", "--kill-child",
                f"--mount-proc={self.root}/proc", "chroot", str(self.root), *argv,
            ]
        )  # fmt: skip

    def _clean(self) -> None:
        for name in _DEVICES:
            (self.root / "dev" / name).unlink(missing_ok=True)
        for deb in (self.root / _DEBS).glob("*.deb"):
            deb.unlink()
        for name in _LEFTOVERS:
            path = self.root / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        sources = self.root / "etc/apt/sources.list"
        sources.parent.mkdir(parents=True, exist_ok=True)
        sources.write_text(f"deb {self.mirror} {self.suite} main\n")
        (self.root / "etc/hostname").write_text("debian\n")
        (self.root / "etc/resolv.conf").unlink(missing_ok=True)


def _host_mirror(tool: str) -> tuple[str, str]:
    """(mirror, codename) of the host's first Debian archive. Raises NotSupported."""
    shape = "$(CREATED_BY)|$(ORIGIN)|$(REPO_URI)|$(CODENAME)|$(COMPONENT)"
    for line in apt.run([tool, "indextargets", "--format", shape]).splitlines():
        created, origin, uri, codename, component = [*line.split("|"), *[""] * 5][:5]
        plain = "-" not in codename and "security" not in uri
        wanted = (created, origin, component) == ("Packages", "Debian", "main") and plain
        if wanted and uri.startswith(("http://", "https://", "file:")) and " " not in uri:
            return uri.rstrip("/"), codename
    raise NotSupported(
        "this host has no Debian mirror configured: add one to its apt sources "
        "(and install debian-archive-keyring where the host is not Debian)"
    )
