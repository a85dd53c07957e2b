#!/bin/sh
# Builds k6 into the cache of examctl, where it is found without being on the PATH.
set -eu

version=v1.8.1
bin="${XDG_CACHE_HOME:-$HOME/.cache}/examctl/bin"

if [ -x "$bin/k6" ] && "$bin/k6" version | grep -q "^k6 $version"; then
  echo "k6 $version is already in $bin"
  exit 0
fi

if ! command -v go >/dev/null 2>&1; then
  cat >&2 <<'MESSAGE'
k6 is built with Go, and there is no "go" on the PATH. Either install Go and run this again:
  apt-get install golang-go      (Debian, Ubuntu)
  brew install go                (macOS)
or install k6 itself (brew install k6, https://grafana.com/docs/k6/latest/set-up/install-k6/).
Without k6, examctl uses its built-in engine: examctl load run answers --engine builtin
MESSAGE
  exit 3
fi

mkdir -p "$bin"
echo "building k6 $version into $bin; this takes some minutes" >&2
GOBIN="$bin" go install "go.k6.io/k6@$version"
"$bin/k6" version
