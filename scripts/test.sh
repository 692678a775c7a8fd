#!/bin/sh
# make test: install what the tests need, then lint, types, floors and every suite.
set -eu
cd "$(dirname "$0")/.."
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  sh scripts/packages.sh install run
  sh scripts/packages.sh install test
  sh scripts/docker-cli.sh
  sh scripts/buildx.sh .venv/tools/buildkit
  sh scripts/foreign.sh .venv/tools/foreign
fi
PATH=$PWD/.venv/tools:$PATH:/usr/sbin:/sbin
export PATH
make -s dev
docker --version
make -s check
exec .venv/bin/python -m pytest -q --durations=15 ${PYTEST_ARGS:-} tests
