#!/usr/bin/env bash
# Makes the suite of mutants in a temporary folder, asks `exray validate` about every case, and prints the score.
#
#   Scripts/mutants.sh                  all 400 cases
#   Scripts/mutants.sh --cases 40       a part of them, with all mechanisms; also --seed, --threshold-op,
#                                       --threshold-mechanism, --jobs, --only NAME, --json FILE
#
# The tool is .build/release/exray, or EXRAY; the data ../shared/data, or EXRAY_DATA.
set -euo pipefail

here=$(cd "$(dirname "$0")/.." && pwd)
tool=${EXRAY:-$here/.build/release/exray}
data=${EXRAY_DATA:-$here/../shared/data}
python=$here/.deps/python/bin/python3
stop() { printf 'mutants: %s\n' "$*" >&2; exit 2; }

make=() score=()
while [ $# -gt 0 ]; do
  [ $# -ge 2 ] || stop "$1 needs a value"
  case $1 in
    --cases | --seed) make+=("$1" "$2") ;;
    --threshold-op | --threshold-mechanism | --json | --jobs | --only) score+=("$1" "$2") ;;
    *) stop "$1 is not known; there are --cases, --seed, --threshold-op, --threshold-mechanism, --jobs, --only and --json" ;;
  esac
  shift 2
done
[ -x "$tool" ] || stop "$tool is not here; run make build"
[ -x "$python" ] || stop "$python is not here; run make setup"
[ -e "$data/manifest.json" ] || stop "$data has no manifest.json; say where the data is in EXRAY_DATA"

suite=$(mktemp -d)
trap 'rm -rf "$suite"' EXIT
"$python" "$here/Scripts/make_mutants.py" "$data" "$suite" ${make[@]+"${make[@]}"} >&2
"$python" "$here/Scripts/score_mutants.py" "$suite" "$tool" ${score[@]+"${score[@]}"}
