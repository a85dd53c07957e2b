#!/bin/sh
# Puts Docker Compose v2 into the cache of examctl, for its tests, from Debian's newest package: Debian 12 has v1 only.
set -eu

plugins="${XDG_CACHE_HOME:-$HOME/.cache}/examctl/cli-plugins"

if [ -x "$plugins/docker-compose" ]; then
  echo "docker compose $("$plugins/docker-compose" version --short) is already in $plugins"
  exit 0
fi

helper=/usr/lib/apt/apt-helper
if [ ! -x "$helper" ]; then
  echo 'this takes Debian; elsewhere: https://docs.docker.com/compose/install' >&2
  exit 3
fi
# wherever this machine gets Debian from
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' | head -n 1)
if [ -z "$mirror" ]; then
  echo 'apt knows no Debian: run apt-get update, or see https://docs.docker.com/compose/install' >&2
  exit 3
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work" # apt downloads as another user
"$helper" download-file "${mirror}dists/sid/main/binary-$(dpkg --print-architecture)/Packages.gz" "$work/packages.gz" >&2
entry=$(gzip -dc "$work/packages.gz" | awk -v RS= '/^Package: docker-compose\n/')
path=$(echo "$entry" | sed -n 's/^Filename: //p')
sum=$(echo "$entry" | sed -n 's/^SHA256: //p')
"$helper" download-file "$mirror$path" "$work/compose.deb" "SHA256:$sum" >&2
dpkg-deb -x "$work/compose.deb" "$work/compose"
mkdir -p "$plugins"
mv "$work/compose/usr/libexec/docker/cli-plugins/docker-compose" "$plugins/docker-compose"
"$plugins/docker-compose" version
