#!/bin/sh
# debian.sh SUITE ARCHITECTURE DIR PACKAGE…: packages of any Debian suite, downloaded into DIR. Nothing is
# installed, the machine's own list of packages is not touched. On Ubuntu from Debian's own site.
# WITH=depends: and all that they depend on, as for a machine that has nothing.
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
get="download $*"
if [ "${WITH:-}" = depends ]; then
  : >"$state/status"
  get="install --download-only --no-install-recommends -o Dir::State::status=$state/status -o Dir::Cache::archives=$dir -o Debug::NoLocking=true $*"
  mkdir -p partial
fi
for step in update "$get"; do
  # shellcheck disable=SC2086
  apt-get -qq -o Dir::Etc::sourcelist="$state/sources.list" -o Dir::Etc::sourceparts=/dev/null \
    -o Dir::State::lists="$state/lists" -o Dir::Cache="$state" \
    -o APT::Architecture="$architecture" -o APT::Architectures="$architecture" -o APT::Sandbox::User=root $step
done
