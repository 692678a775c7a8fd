#!/bin/sh
# callers.sh DIR: the programs that drive an OCI runtime, unpacked from the distribution's packages
# into DIR, and a venv that speaks CRI. Nothing is installed and no service starts.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
dir=$1
[ ! -e "$dir/.done" ] || exit 0
mkdir -p "$dir/debs/partial"
apt-get update -qq
apt-get install -y -qq --no-install-recommends --download-only --reinstall \
  -o Dir::Cache::archives="$dir/debs" -o APT::Sandbox::User=root \
  docker.io containerd podman conmon slurmctld slurmd slurm-client >/dev/null
for deb in "$dir"/debs/*.deb; do dpkg-deb -x "$deb" "$dir"; done
rm -rf "$dir/debs"
"${PYTHON:-/usr/bin/python3}" -m venv "$dir/venv"
"$dir/venv/bin/python" -m pip install -q --disable-pip-version-check --require-hashes -r "$here/requirements/callers.txt"
touch "$dir/.done"
