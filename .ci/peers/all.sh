#!/usr/bin/env bash
# Fetches every peer that has a script here. Each prints where it is; one that fails does not keep the others back.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
failed=0
for peer in "$here"/*.sh; do
  [[ $peer == "$here/all.sh" ]] || bash "$peer" || failed=1
done
exit "$failed"
