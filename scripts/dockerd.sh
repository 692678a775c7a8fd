#!/bin/sh
# dockerd.sh SUITE DIR: a root filesystem in DIR with the dockerd of any Debian suite and what it needs to run
# (26.1 in trixie, 28.5 in forky), unpacked. Nothing is installed, no maintainer's script runs.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
suite=$1
mkdir -p "$2"
dir=$(cd "$2" && pwd)
[ ! -e "$dir/.done" ] || exit 0
rm -rf "$dir/debs"
WITH=depends sh "$here/debian.sh" "$suite" "$(dpkg --print-architecture)" "$dir/debs" docker.io iptables mount
for name in bin sbin lib lib64; do
  mkdir -p "$dir/usr/$name"
  ln -sfn "usr/$name" "$dir/$name"
done
mkdir -p "$dir/proc" "$dir/sys" "$dir/dev" "$dir/run" "$dir/tmp" "$dir/etc" "$dir/var"
for deb in "$dir"/debs/*.deb; do dpkg-deb --fsys-tarfile "$deb" | tar -x --keep-directory-symlink -C "$dir"; done
ln -sfn iptables-nft "$dir/usr/sbin/iptables"
ln -sfn ip6tables-nft "$dir/usr/sbin/ip6tables"
rm -rf "$dir/debs"
touch "$dir/.done"
