#!/bin/sh
# buildx.sh DIR: clients that speak BuildKit's protocol, unpacked from Debian's packages into
# DIR/<suite>: buildx 0.13 and compose 2.26 (trixie), buildx 0.29 and compose 2.40 (forky), docker
# 20.10 (bookworm). Nothing is installed.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dir=$1
[ ! -e "$dir/.done" ] || exit 0
mkdir -p "$dir"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

unpack() { # SUITE PACKAGE…
  suite=$1
  shift
  sh "$here/debian.sh" "$suite" "$(dpkg --print-architecture)" "$work/$suite/debs" "$@"
  for deb in "$work/$suite"/debs/*.deb; do dpkg-deb -x "$deb" "$work/$suite/tree"; done
  mkdir -p "$dir/$suite"
  for file in usr/bin/docker usr/libexec/docker/cli-plugins/docker-buildx usr/libexec/docker/cli-plugins/docker-compose; do
    [ ! -e "$work/$suite/tree/$file" ] || cp "$work/$suite/tree/$file" "$dir/$suite/"
  done
}

unpack trixie docker-cli docker-buildx docker-compose
unpack forky docker-cli docker-buildx docker-compose
unpack bookworm docker.io
touch "$dir/.done"
