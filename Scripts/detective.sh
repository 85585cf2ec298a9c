#!/usr/bin/env bash
# Makes the detective's suite in a temporary folder, asks `exray identify` about every case, and prints the score.
#
#   Scripts/detective.sh                  all 1,400 cases
#   Scripts/detective.sh --cases 200      a part of them; also --seed, --threshold, --json FILE
#   Scripts/detective.sh sound            the same for sounds, 200 cases
#   Scripts/detective.sh text             the same for texts, 50 cases
#
# The tool is .build/release/exray, or EXRAY; the data ../shared/data, or EXRAY_DATA.
set -euo pipefail

here=$(cd "$(dirname "$0")/.." && pwd)
tool=${EXRAY:-$here/.build/release/exray}
data=${EXRAY_DATA:-$here/../shared/data}
python=$here/.deps/python/bin/python3
stop() { printf 'detective: %s\n' "$*" >&2; exit 2; }

suite_maker=make_detective_suite.py
case ${1-} in
  sound) suite_maker=make_sound_suite.py && shift ;;
  text) suite_maker=make_text_suite.py && shift ;;
esac
make=() score=()
while [ $# -gt 0 ]; do
  [ $# -ge 2 ] || stop "$1 needs a value"
  case $1 in
    --cases | --seed) make+=("$1" "$2") ;;
    --threshold | --json) score+=("$1" "$2") ;;
    *) stop "$1 is not known; there are sound, text, --cases, --seed, --threshold and --json" ;;
  esac
  shift 2
done
[ -x "$tool" ] || stop "$tool is not here; run make build"
[ -x "$python" ] || stop "$python is not here; run make setup"
[ -e "$data/manifest.json" ] || stop "$data has no manifest.json; say where the data is in EXRAY_DATA"

suite=$(mktemp -d)
trap 'rm -rf "$suite"' EXIT
"$python" "$here/Scripts/$suite_maker" "$data" "$suite" ${make[@]+"${make[@]}"} >&2
"$python" "$here/Scripts/score_detective.py" "$suite" "$tool" ${score[@]+"${score[@]}"}
