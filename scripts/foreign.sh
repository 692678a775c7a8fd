#!/bin/sh
# foreign.sh DIR: what RUN for another machine is tested with, unpacked from Debian's packages into DIR:
# qemu-aarch64-static, and arm64's busybox. Nothing is installed or registered; the machine's own list
# of packages is not touched.
set -eu
dir=$1
[ ! -e "$dir/.done" ] || exit 0
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
site=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Codename: bookworm' | head -n 1)
[ -n "$site" ] || site=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | head -n 1)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

file() { # ARCHITECTURE PACKAGE PATH: a file of a package
  state=$work/$1
  mkdir -p "$state/lists/partial" "$state/archives/partial"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $site bookworm main" >"$state/sources.list"
  for step in update "download $2"; do
    # shellcheck disable=SC2086
    (cd "$state" && apt-get -qq -o Dir::Etc::sourcelist="$state/sources.list" -o Dir::Etc::sourceparts=/dev/null \
      -o Dir::State::lists="$state/lists" -o Dir::Cache="$state" -o APT::Architecture="$1" -o APT::Architectures="$1" \
      -o APT::Sandbox::User=root $step)
  done
  dpkg-deb --fsys-tarfile "$state/$2"_*.deb | tar -x -C "$work" "./$3"
  mv "$work/$3" "$dir/"
}

file "$(dpkg --print-architecture)" qemu-user-static usr/bin/qemu-aarch64-static
file arm64 busybox-static bin/busybox
touch "$dir/.done"
