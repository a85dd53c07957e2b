#!/bin/sh
# Builds k6 into the cache of examctl, where it is found without being on the PATH. Prints, last, its place and its version.
# K6_VERSION: another one than the pinned, without its sum.
set -eu

pinned=v1.8.1
# of the module, as the checksum database of Go has it (go mod download -json)
sum=h1:orZsbZ2Od0CVZICs9YpTgkKcxfPghJW8VZtwg0cj8H8=
version=${K6_VERSION:-$pinned}
bin="${XDG_CACHE_HOME:-$HOME/.cache}/examctl/bin"
[ "$version" = "$pinned" ] || bin="$bin/$version"

if [ -x "$bin/k6" ] && "$bin/k6" version | grep -q "^k6 $version"; then
  echo "k6 $version is already there:"
  echo "$bin/k6"
  "$bin/k6" version
  exit 0
fi

if ! command -v go >/dev/null 2>&1; then
  cat >&2 <<'MESSAGE'
there is no "go" on the PATH to build it with
Either install Go and run this again:
  apt-get install golang-go      (Debian, Ubuntu)
  brew install go                (macOS)
or install k6 itself (brew install k6, https://grafana.com/docs/k6/latest/set-up/install-k6/).
Without k6, examctl uses its built-in engine: examctl load run answers --engine builtin
MESSAGE
  exit 3
fi

found=$(go mod download -json "go.k6.io/k6@$version" | sed -n 's/.*"Sum": "\(.*\)",*/\1/p')
if [ "$version" = "$pinned" ] && [ "$found" != "$sum" ]; then
  echo "the source of k6 $version has the checksum ${found:-none}, and not $sum" >&2
  echo "ask the proxy that Go uses (go env GOPROXY) why; nothing was built" >&2
  exit 3
fi

mkdir -p "$bin"
echo "building k6 $version into $bin; this takes some minutes" >&2
GOBIN="$bin" go install "go.k6.io/k6@$version"
echo "$bin/k6"
"$bin/k6" version
