#!/bin/sh
# Builds k6 into the cache of examctl, where it is found without being on the PATH. Prints, last, its place and its version.
# K6_VERSION: another one than the pinned, in a folder of its own.
set -eu

pinned=v2.2.0
version=${K6_VERSION:-$pinned}
# of the modules, as the checksum database of Go has them (go mod download -json); those that the tests run with
case $version in
  v2.2.0) sum=h1:FXtQJeClRQm25eraUvz/cbn2xcYZThs6cv2lBnid8tM= ;;
  v1.8.1) sum=h1:orZsbZ2Od0CVZICs9YpTgkKcxfPghJW8VZtwg0cj8H8= ;;
  *) sum= ;;
esac
case $version in
  v0.* | v1.*) module=go.k6.io/k6 ;;
  *) module="go.k6.io/k6/${version%%.*}" ;;
esac
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

module_json=$(go mod download -json "$module@$version")
json_field() { printf '%s\n' "$module_json" | sed -n "s/^[[:space:]]*\"$1\": \"\(.*\)\",*\$/\1/p"; }
found=$(json_field Sum)
if [ -n "$sum" ] && [ "$found" != "$sum" ]; then
  echo "the source of k6 $version has the checksum ${found:-none}, and not $sum" >&2
  echo "ask the proxy that Go uses (go env GOPROXY) why; nothing was built" >&2
  exit 3
fi

mkdir -p "$bin"
echo "building k6 $version into $bin; this takes some minutes" >&2
# In its own source, whose go.sum has the checksum of everything that goes into it. Renamed at the end: a build that is
# stopped leaves the k6 that was there.
cd "$(json_field Dir)"
go build -buildvcs=false -o "$bin/k6.new" .
mv "$bin/k6.new" "$bin/k6"
echo "$bin/k6"
"$bin/k6" version
