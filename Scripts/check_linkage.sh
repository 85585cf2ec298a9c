#!/usr/bin/env bash
# Proves that an app which imports EXray gets the Swift standard library and the system's own libraries, and no
# Foundation; and that what an app links calls the operating system in one file only.
#
#   Scripts/check_linkage.sh
set -euo pipefail
cd "$(dirname "$0")/.."

stop() { printf 'check_linkage: %s\n' "$*" >&2; exit 1; }

linked='EXray EXrayC EXrayCore EXrayJSON EXraySketch EXraySystem EXrayTrace MCAP'
for module in $linked; do
  if grep -rnE '^ *(@[a-z_A-Z]+ )?((public|package|internal|private) )?import (Foundation|FoundationEssentials|Dispatch|Glibc|Musl|Android|Darwin)' \
    "Sources/$module"; then
    stop "$module imports what not every system has; go through EXraySystem"
  fi
done
others=$(grep -rlE '__linux__|os\(Linux\)|/proc/' $(printf 'Sources/%s ' $linked) Sources/CSystem |
  grep -v '^Sources/CSystem/system.c$' || true)
[ -z "$others" ] || stop "Linux alone is spoken of outside of Sources/CSystem/system.c: $others"

swift build -c release --package-path Tests/Linkage
program=Tests/Linkage/.build/release/linkage
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
"$program" "$folder/linkage.mcap"
[ -s "$folder/linkage.mcap" ] || stop 'the program wrote no trace'

case "$(uname -s)" in
  Darwin) loaded=$(otool -L "$program") ;;
  *) loaded=$(ldd "$program") ;;
esac
# libdispatch is Swift's own: every program in Swift loads it on Linux, for concurrency.
unwanted=$(printf '%s\n' "$loaded" | awk '{print $1}' | grep -iE 'foundation|icu|lz4|zstd|png|jpeg' || true)
[ -z "$unwanted" ] || stop "an app would load: $unwanted"
printf 'check_linkage: an app loads %s\n' \
  "$(printf '%s\n' "$loaded" | awk '{print $1}' | sed 's|.*/||' | sort | tr '\n' ' ')"
