#!/usr/bin/env bash
# Fetches a real peer: git 2.55 or newer, whose fsmonitor--daemon speaks Simple-IPC on Linux too.
# It comes from Debian's unstable suite with the C library it needs, goes into a cache folder and touches nothing else
# of the machine. Prints the path of the git to run; progress goes to stderr.
#
#   SIMPLE_IPC_PEERS_DIR  the cache folder (default: simple-ipc/peers in the user's cache)
set -euo pipefail

minimum=2.55
suite=sid
# git, the libraries that its main program links to, and the C library that all of them were built for.
packages=(git libc6 libpcre2-8-0 zlib1g)
peers=${SIMPLE_IPC_PEERS_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/simple-ipc/peers}
home=$peers/git

say() { printf 'peers/git: %s\n' "$*" >&2; }
die() {
  say "$*"
  say "Without it, set SIMPLE_IPC_GIT to a git of $minimum or newer (feature: fsmonitor--daemon), or run the tests" \
    "without SIMPLE_IPC_PEERS=required: those that need it are then skipped."
  exit 1
}

# Whether it is a git that runs here, is new enough, and has the daemon.
works() {
  local about version
  about=$("$1" version --build-options 2>&1) || { say "$about"; return 1; }
  version=$(sed -n 's/^git version \([0-9.]*\).*/\1/p' <<<"$about")
  [[ $(printf '%s\n' "$minimum" "$version" | sort -V | head -n 1) == "$minimum" ]] || return 1
  grep -q '^feature: fsmonitor--daemon$' <<<"$about"
}

. "$(dirname "${BASH_SOURCE[0]}")/../attempt.sh"

if [[ -x $home/bin/git ]] && works "$home/bin/git"; then
  say "$("$home/bin/git" --version) is there already"
  echo "$home/bin/git"
  exit
fi

for tool in apt-get dpkg; do
  command -v "$tool" >/dev/null || die "'$tool' is missing: this installs from Debian's packages."
done

# The mirror that this machine uses, as apt itself reads its configuration (sources.list and *.sources).
codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
mirror=$(apt-get update --print-uris | sed -n "s|^'\(.*\)/dists/$codename/InRelease' .*|\1|p" | head -n 1) || true
[[ -n $mirror ]] || die "apt knows no Debian mirror for '$codename': add one to /etc/apt/sources.list."

mkdir -p "$peers"
work=$(mktemp -d "$peers/.git-XXXXXX")
trap 'rm -rf "$work"' EXIT
root=$work/peer/root
mkdir -p "$work"/{lists/partial,cache/archives/partial,debs} "$work"/peer/{bin,exec-path} "$root"

# A state of apt's own, so that the machine's package lists stay as they are. Its proxy settings still hold.
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[[ -r $keyring ]] && signed="[signed-by=$keyring] " || signed=
echo "deb $signed$mirror $suite main" >"$work/sources.list"
touch "$work/status"
cat >"$work/apt.conf" <<CONF
Dir::State::Lists "$work/lists";
Dir::State::status "$work/status";
Dir::Cache "$work/cache";
Dir::Etc::SourceList "$work/sources.list";
Dir::Etc::SourceParts "/dev/null";
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
CONF

say "fetching git from Debian's $suite"
attempt apt-get -q -c "$work/apt.conf" update >&2 || die "could not read the package lists of Debian's $suite."
cd "$work/debs"
attempt apt-get -q -c "$work/apt.conf" download "${packages[@]}" >&2 || die "could not download: ${packages[*]}."
for deb in ./*.deb; do dpkg -x "$deb" "$root"; done

# Its C library is not the machine's, so it is run by its own loader. git finds itself through GIT_EXEC_PATH: there too
# it must be this script. Both may be set by the caller, such as a test that puts a git of its own before this one.
cat >"$work/peer/bin/git" <<'WRAPPER'
#!/bin/sh
case $0 in /*) here=${0%/*} ;; *) here=$PWD/${0%/*} ;; esac
root=${here%/*}/root
for lib in "$root"/usr/lib/*-linux-gnu*; do break; done
for loader in "$lib"/ld-linux*.so.*; do break; done
: "${GIT_EXEC_PATH:=${here%/*}/exec-path}" "${GIT_TEMPLATE_DIR:=$root/usr/share/git-core/templates}"
export GIT_EXEC_PATH GIT_TEMPLATE_DIR
exec "$loader" --argv0 git --library-path "$lib" "$root/usr/bin/git" "$@"
WRAPPER
chmod +x "$work/peer/bin/git"
cp "$work/peer/bin/git" "$work/peer/exec-path/git"
works "$work/peer/bin/git" || die "what was fetched is no working git of $minimum or newer."

# Another run may have put its own there meanwhile: that one is as good. What is there and does not work makes room.
if [[ -e $home ]] && ! works "$home/bin/git"; then mv -T "$home" "$work/broken"; fi
mv -T "$work/peer" "$home" 2>/dev/null || works "$home/bin/git" || die "could not put it at '$home'."
say "$("$home/bin/git" --version) is in $home"
echo "$home/bin/git"
