#!/bin/sh
# buildx.sh DIR: clients that speak BuildKit's protocol, unpacked from Debian's packages into
# DIR/<suite>: buildx 0.13 and compose 2.26 (trixie), buildx 0.29 and compose 2.40 (forky), docker
# 20.10 (bookworm). Nothing is installed; the machine's own list of packages is not touched.
set -eu
dir=$1
[ ! -e "$dir/.done" ] || exit 0
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
site=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Codename: bookworm' | head -n 1)
[ -n "$site" ] || site=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | head -n 1)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

unpack() { # SUITE PACKAGE…
  suite=$1
  shift
  state=$work/$suite
  mkdir -p "$state/lists/partial" "$state/archives/partial" "$state/debs"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $site $suite main" >"$state/sources.list"
  set -- "$@"
  for step in update "download $*"; do
    # shellcheck disable=SC2086
    (cd "$state/debs" && apt-get -qq -o Dir::Etc::sourcelist="$state/sources.list" -o Dir::Etc::sourceparts=/dev/null \
      -o Dir::State::lists="$state/lists" -o Dir::Cache="$state" -o APT::Sandbox::User=root $step)
  done
  for deb in "$state"/debs/*.deb; do dpkg-deb -x "$deb" "$state/tree"; done
  mkdir -p "$dir/$suite"
  for file in usr/bin/docker usr/libexec/docker/cli-plugins/docker-buildx usr/libexec/docker/cli-plugins/docker-compose; do
    [ ! -e "$state/tree/$file" ] || cp "$state/tree/$file" "$dir/$suite/"
  done
}

unpack trixie docker-cli docker-buildx docker-compose
unpack forky docker-cli docker-buildx docker-compose
unpack bookworm docker.io
touch "$dir/.done"
