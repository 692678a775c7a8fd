#!/bin/sh
# debian.sh SUITE ARCHITECTURE DIR PACKAGE…: packages of any Debian suite, downloaded into DIR. Nothing is
# installed, the machine's own list of packages is not touched. On Ubuntu from Debian's own site.
set -eu
suite=$1 architecture=$2 dir=$3
shift 3
ring=/usr/share/keyrings/debian-archive-keyring.gpg
if [ ! -e "$ring" ]; then
  echo "debian.sh: $ring is missing: apt-get install debian-archive-keyring" >&2
  exit 1
fi
site=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Label: Debian' | head -n 1)
mkdir -p "$dir"
state=$(mktemp -d)
trap 'rm -rf "$state"' EXIT
mkdir -p "$state/lists/partial" "$state/archives/partial"
echo "deb [signed-by=$ring] ${site:-http://deb.debian.org/debian} $suite main" >"$state/sources.list"
cd "$dir"
for step in update "download $*"; do
  # shellcheck disable=SC2086
  apt-get -qq -o Dir::Etc::sourcelist="$state/sources.list" -o Dir::Etc::sourceparts=/dev/null \
    -o Dir::State::lists="$state/lists" -o Dir::Cache="$state" \
    -o APT::Architecture="$architecture" -o APT::Architectures="$architecture" -o APT::Sandbox::User=root $step
done
