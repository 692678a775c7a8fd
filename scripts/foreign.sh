#!/bin/sh
# foreign.sh DIR: what RUN for another machine is tested with, unpacked from Debian's packages into DIR:
# qemu-aarch64-static, and arm64's busybox. Nothing is installed or registered.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dir=$1
[ ! -e "$dir/.done" ] || exit 0
mkdir -p "$dir"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

file() { # ARCHITECTURE PACKAGE PATH: a file of a package
  sh "$here/debian.sh" bookworm "$1" "$work/$1" "$2"
  dpkg-deb --fsys-tarfile "$work/$1/$2"_*.deb | tar -x -C "$work" "./$3"
  mv "$work/$3" "$dir/"
}

file "$(dpkg --print-architecture)" qemu-user-static usr/bin/qemu-aarch64-static
file arm64 busybox-static bin/busybox
touch "$dir/.done"
