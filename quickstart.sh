#!/bin/sh
# From a clean clone to a running container: packages, installation, a first image, `orlop run`.
set -eu
cd "$(dirname "$0")"
[ "$(id -u)" = 0 ] || { echo "run this as root: sudo sh quickstart.sh" >&2; exit 1; }
command -v apt-get >/dev/null || { echo "quickstart.sh knows Debian and Ubuntu; elsewhere install python3 (>= 3.11, with venv), libseccomp, libnftables and make, then run make install" >&2; exit 1; }
command -v make >/dev/null || { apt-get update -qq; apt-get install -y -qq --no-install-recommends make >/dev/null; }
sh scripts/packages.sh install run
make -s install PREFIX="${PREFIX:-/usr/local}"
PATH=${PREFIX:-/usr/local}/bin:$PATH
orlop image inspect busybox >/dev/null 2>&1 || orlop bootstrap busybox
orlop run --rm busybox echo 'hello from a container'
