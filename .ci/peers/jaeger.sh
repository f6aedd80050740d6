#!/usr/bin/env bash
# Builds a real Jaeger for the tests of telemetry: from the sources in its Go module, into a cache folder. As root on
# Debian it also installs Docker, dockerd included, for the test of docker-compose.yml.
# Prints the path of the Jaeger to run; progress goes to stderr.
#
#   SIMPLE_IPC_JAEGER     a Jaeger to use: nothing is built then
#   SIMPLE_IPC_PEERS_DIR  the cache folder (default: simple-ipc/peers in the user's cache)
set -euo pipefail

module=github.com/jaegertracing/jaeger
# The module of Jaeger 2.13. Later ones are not published as modules.
version=v1.76.0
peers=${SIMPLE_IPC_PEERS_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/simple-ipc/peers}
home=$peers/jaeger

say() { printf 'peers/jaeger: %s\n' "$*" >&2; }
die() {
  say "$*"
  say "Without it, set SIMPLE_IPC_JAEGER to a jaeger of 2.13 or newer, or run the tests without" \
    "SIMPLE_IPC_PEERS=required: those that need it are then skipped."
  exit 1
}

# Whether it is a Jaeger 2 that runs here.
works() {
  local about
  about=$("$1" --help 2>&1) || { say "$about"; return 1; }
  grep -q '^Jaeger backend v2' <<<"$about"
}
is_there() { [[ -x $home/bin/jaeger && $(cat "$home/version") == "$version" ]] && works "$home/bin/jaeger"; }

. "$(dirname "${BASH_SOURCE[0]}")/../attempt.sh"

# Docker with compose, and a busybox without libraries for the image that stands in for Jaeger's own.
install_docker() {
  local busybox missing=()
  command -v dockerd >/dev/null && command -v docker >/dev/null || missing+=(docker.io)
  command -v docker-compose >/dev/null || docker compose version >/dev/null 2>&1 || missing+=(docker-compose)
  # ldd fails on a program that needs no libraries.
  { busybox=$(command -v busybox) && ! ldd "$busybox" >/dev/null 2>&1; } || missing+=(busybox-static)
  ((${#missing[@]} > 0)) || return 0
  if ((EUID != 0)) || ! command -v apt-get >/dev/null; then
    say "the test of docker-compose.yml needs root on Linux, and ${missing[*]}."
    return 0
  fi
  say "installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  attempt apt-get -qq update >&2 &&
    attempt apt-get -qq install -y --no-install-recommends "${missing[@]}" >&2 ||
    say "could not install ${missing[*]}"
}

install_docker

if [[ -n ${SIMPLE_IPC_JAEGER:-} ]]; then
  works "$SIMPLE_IPC_JAEGER" || die "SIMPLE_IPC_JAEGER is '$SIMPLE_IPC_JAEGER', which is no Jaeger 2 that runs here."
  say "SIMPLE_IPC_JAEGER names one"
  echo "$SIMPLE_IPC_JAEGER"
  exit
fi

if is_there; then
  say "$version is there already"
  echo "$home/bin/jaeger"
  exit
fi

command -v go >/dev/null || die "'go' is missing: Jaeger is built with it. Install Go 1.25 or newer, and have it on the PATH."

say "fetching the sources of $module $version"
attempt go mod download "$module@$version" || die "could not download the module $module $version."
sources=$(go list -m -f '{{.Dir}}' "$module@$version") || die "go does not know where it put $module $version."

mkdir -p "$peers"
work=$(mktemp -d "$peers/.jaeger-XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/peer/bin"
echo "$version" >"$work/peer/version"

# Built inside the module's own folder: its go.mod has a replace, which `go install` refuses.
say "building it takes some minutes"
build() { CGO_ENABLED=0 go build -C "$sources" -trimpath -ldflags '-s -w' -o "$work/peer/bin/jaeger" ./cmd/jaeger >&2; }
attempt build || die "could not build $module $version. See what go said above."
works "$work/peer/bin/jaeger" || die "what was built is no Jaeger 2 that runs here."

# Another run may have put its own there meanwhile: that one is as good. What is there and does not work makes room.
if [[ -e $home ]] && ! is_there; then mv -T "$home" "$work/old"; fi
mv -T "$work/peer" "$home" 2>/dev/null || is_there || die "could not put it at '$home'."
say "$version is in $home"
echo "$home/bin/jaeger"
