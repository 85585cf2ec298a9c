#!/usr/bin/env bash
# Measures EXray and prints a Markdown table a section; see Benchmarks/README.md.
#
#   Benchmarks/run.sh [SECTION...] [--rounds N]     sections: run capture validate compare traces
#                                                   monitor read identify profile; all by default
#
# EXRAY names another exray than .build/release/exray; EXRAY_DATA names the folder of models and pictures;
# EXRAY_MLEXRAY names a checkout of ML-EXray, to which the section monitor then compares.
set -euo pipefail
cd "$(dirname "$0")/.."

exray=${EXRAY:-.build/release/exray}
python=.deps/python/bin/python3
data=${EXRAY_DATA:-../shared/data}

stop() { printf 'bench: %s\n' "$*" >&2; exit 1; }

[ -f "$data/manifest.json" ] || stop "no models and pictures in $data; set EXRAY_DATA"
[ -x "$exray" ] || stop "no $exray; run make build"
"$python" -c 'import ai_edge_litert, numpy, PIL' 2>/dev/null || Scripts/setup.sh test

sections=" $* "
programs=Benchmarks/.build/release
case $sections in
  *" compare "* | *" monitor "* | *" read "* | "  " | " --"*)
    swift build -c release --package-path Benchmarks >&2 ;;
esac

exec "$python" Benchmarks/measure.py "$@" --exray "$exray" --data "$data" \
  --comparison "$programs/ComparisonBenchmark" --monitor "$programs/MonitorBenchmark"
