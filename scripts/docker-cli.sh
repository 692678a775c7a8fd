#!/bin/sh
# The docker CLI for the compatibility tests: the one on the PATH, else unpacked from the
# distribution's package (no daemon is installed or started).
set -eu
command -v docker >/dev/null 2>&1 && exit 0
dir=.venv/tools
mkdir -p "$dir"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && { apt-get download -qq docker-cli || apt-get download -qq docker.io; } && for f in ./*.deb; do dpkg-deb -x "$f" .; done)
cp "$work/usr/bin/docker" "$dir/docker"
