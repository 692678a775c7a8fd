#!/bin/sh
# Distribution packages that orlop uses, and which of them are missing. Sourced or run.
#   packages.sh run|test|vm       prints the missing packages
#   packages.sh install run|test|vm  installs them (Debian, Ubuntu; needs root)
set -eu

missing() {
  # what a running engine loads or executes
  "${PYTHON:-/usr/bin/python3}" -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
  lib libseccomp.so.2 libseccomp2
  lib libnftables.so.1 libnftables1
  [ -e /etc/ssl/certs/ca-certificates.crt ] || echo ca-certificates
  if [ "$1" = vm ]; then
    tool busybox busybox-static
    tool qemu-system-x86_64 qemu-system-x86
    [ -x /usr/lib/qemu/virtiofsd ] || [ -x /usr/libexec/virtiofsd ] || virtiofsd
  fi
  [ "$1" = test ] || return 0
  tool busybox busybox-static
  [ -x /usr/bin/tini-static ] || echo tini
  [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || echo debian-archive-keyring  # for debian.sh
  tool docker-registry docker-registry
  tool nft nftables
  tool ip iproute2
  tool strace strace
  tool skopeo skopeo
  tool openssl openssl
  tool xz xz-utils
  tool curl curl
  tool iptables iptables
  tool mkfs.btrfs btrfs-progs
  tool fuse-overlayfs fuse-overlayfs
  tool zfs-fuse "$(offered zfs-fuse)"
  tool runc runc
  tool newuidmap uidmap
  tool pasta passt
  tool slirp4netns slirp4netns
  tool git git
  tool ps procps
  [ -x /usr/libexec/docker/cli-plugins/docker-compose ] || tool docker-compose docker-compose
}

offered() {  # its name, where the distribution has it
  if apt-cache show "$1" >/dev/null 2>&1; then echo "$1"; fi
}

virtiofsd() {  # a package of its own since Debian 13; before, a part of QEMU's
  offered virtiofsd
}

lib() { /sbin/ldconfig -p | grep -q "$1" || echo "$2"; }
tool() { command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || [ -x "/sbin/$1" ] || echo "$2"; }

install() {
  want=$(missing "$1")
  [ -n "$want" ] || return 0
  # Packages bring services; none may start because a test needs a binary.
  policy=/usr/sbin/policy-rc.d
  made=
  [ -e "$policy" ] || { printf '#!/bin/sh\nexit 101\n' >"$policy"; chmod 755 "$policy"; made=1; }
  DEBIAN_FRONTEND=noninteractive
  export DEBIAN_FRONTEND
  # shellcheck disable=SC2086
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends $want; } >/dev/null || code=$?
  [ -z "$made" ] || rm -f "$policy"
  return "${code:-0}"
}

case ${1:-} in
  run|test|vm) missing "$1" ;;
  install) install "$2" ;;
  *) echo "usage: packages.sh [install] run|test|vm" >&2; exit 2 ;;
esac
