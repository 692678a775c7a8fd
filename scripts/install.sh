#!/bin/sh
# make install: a venv of the system's Python under PREFIX/lib/orlop for the libraries, the package
# beside it, and two sh stubs on the PATH. No file outside PREFIX is touched.
set -eu
PREFIX=${PREFIX:-/usr/local} DESTDIR=${DESTDIR:-} PYTHON=${PYTHON:-/usr/bin/python3}
here=$(cd "$(dirname "$0")/.." && pwd)
lib=$DESTDIR$PREFIX/lib/orlop
bin=$DESTDIR$PREFIX/bin

want=$(PYTHON=$PYTHON sh "$here/scripts/packages.sh" run)
if [ -n "$want" ]; then
  echo "orlop needs these distribution packages:" $want >&2
  echo "install them first:  apt-get install -y --no-install-recommends" $want >&2
  exit 1
fi
"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
  { echo "orlop needs Python 3.11 or newer; $PYTHON is $("$PYTHON" --version 2>&1)" >&2; exit 1; }

rm -rf "$lib.new"
mkdir -p "$lib.new/app" "$bin"
"$PYTHON" -m venv "$lib.new/venv"
"$lib.new/venv/bin/python" -m pip install -q --disable-pip-version-check --require-hashes -r "$here/requirements/run.txt"
# pip itself is not part of a running engine
"$lib.new/venv/bin/python" -m pip uninstall -q -y pip setuptools >/dev/null 2>&1 || true
(cd "$here" && tar -cf - --exclude='__pycache__' orlop) | tar -C "$lib.new/app" -xf -
# PYTHONDONTWRITEBYTECODE is common on build machines; a module without .pyc is compiled at every start
env -u PYTHONDONTWRITEBYTECODE "$PYTHON" -m compileall -q -j 0 "$lib.new/app" "$lib.new/venv/lib"
rm -rf "$lib.old"
[ ! -e "$lib" ] || mv "$lib" "$lib.old"
mv "$lib.new" "$lib"
rm -rf "$lib.old"

exe=$("$PYTHON" -c 'import os, sys; print(os.path.realpath(sys.executable))')
stub() {
  printf '#!/bin/sh\nexec %s -I -S %s/lib/orlop/app/orlop/%s "$@"\n' "$exe" "$PREFIX" "$2" >"$bin/.$1.new"
  chmod 755 "$bin/.$1.new"
  mv "$bin/.$1.new" "$bin/$1"
}
stub orlop cli/entry.py
stub orlopd daemon/entry.py
"$exe" -I -S "$lib/app/orlop/runtime/pack.py" "$lib/app/orlop/runtime/orlop-runtime.pack"
sed -e "s|@CLONE@|/run/orlop-runtime.python/python|; s|@PYTHON@|$exe|g; s|@APP@|$PREFIX/lib/orlop/app|" "$here/scripts/orlop-runtime.in" >"$bin/.orlop-runtime.new"
chmod 755 "$bin/.orlop-runtime.new"
mv "$bin/.orlop-runtime.new" "$bin/orlop-runtime"
mkdir -p "$DESTDIR$PREFIX/share/bash-completion/completions" "$DESTDIR$PREFIX/share/zsh/site-functions" "$DESTDIR$PREFIX/share/fish/vendor_completions.d"
complete() { "$exe" -I -S "$lib/app/orlop/cli/entry.py" completion "$1" >"$DESTDIR$PREFIX/share/$2"; }
complete bash bash-completion/completions/orlop
complete zsh zsh/site-functions/_orlop
complete fish fish/vendor_completions.d/orlop.fish
mkdir -p "$DESTDIR$PREFIX/lib/systemd/system"
sed "s|@BIN@|$PREFIX/bin|" "$here/contrib/orlopd.service" >"$DESTDIR$PREFIX/lib/systemd/system/orlopd.service"
echo "installed orlop, orlopd and orlop-runtime in $PREFIX/bin"
