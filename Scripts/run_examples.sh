#!/usr/bin/env bash
# Builds the examples in Swift, C and C++, runs them and the ones in Python, and proves that the same calls in the four
# languages write the same bytes, which other people's tools read. Needs Scripts/setup.sh test, gcc and g++ (Debian:
# build-essential), or clang.
#
#   Scripts/run_examples.sh
set -euo pipefail
cd "$(dirname "$0")/.."

stop() { printf 'run_examples: %s\n' "$*" >&2; exit 1; }
say() { printf 'run_examples: %s\n' "$*"; }

python=.deps/python/bin/python
[ -x "$python" ] || stop 'no .deps/python; run Scripts/setup.sh test'
cc=$(command -v "${CC:-cc}" || command -v gcc || command -v clang) || stop 'no C compiler; install build-essential'
cxx=$(command -v "${CXX:-c++}" || command -v g++ || command -v clang++) || stop 'no C++ compiler; install build-essential'

library=$(Scripts/build_library.sh)
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT

# What the library needs, and that it exports what exray.h declares and nothing else.
if [ "$(uname -s)" = Linux ]; then
  needed=$(ldd "$library" | awk '{print $1}' | grep -vE '^(linux-vdso|/lib.*/ld-|lib(c|m|gcc_s|stdc\+\+|dl|pthread)\.so)' || true)
  [ -z "$needed" ] || stop "the library needs $needed"
fi
declared=$(grep -oE '\bexray_[a-z_]+\(' Sources/CEXray/include/exray.h | tr -d '(' | sort -u |
  grep -vE '^exray_(log_values|select|select_named|end_frame_at|end_span_at|free_at)$')
case "$(uname -s)" in
  Darwin) exported=$(nm -gU "$library" | awk '{print $3}' | sed 's/^_//' | sort -u) ;;
  *) exported=$(nm -D --defined-only "$library" | awk '{print $3}' | sort -u) ;;
esac
[ "$declared" = "$exported" ] || stop "exray.h declares and the library exports not the same:
$(diff <(printf '%s\n' "$declared") <(printf '%s\n' "$exported") || true)"

include=Sources/CEXray/include
linked=(-I "$include" -L "$(dirname "$library")" -lEXrayC "-Wl,-rpath,$PWD/$(dirname "$library")")
"$cc" -std=c11 -Wall -Wextra -pedantic -Werror Examples/C/every_call.c -o "$folder/c" "${linked[@]}"
"$cxx" -std=c++17 -Wall -Wextra -pedantic -Werror Examples/Cpp/every_call.cpp -o "$folder/cpp" "${linked[@]}"

# An app in Swift depends on the package; here the modules that the library was built from save building them again.
release=.build/library/build/release
maps=()
for map in "$release"/C*.build/module.modulemap; do maps+=(-Xcc "-fmodule-map-file=$map"); done
objects=()
while read -r object; do
  case "$object" in */EXrayC.build/* | */CEXray.build/*) ;; *) objects+=("$object") ;; esac
done <"$release/EXrayC.product/Objects.LinkFileList"
swiftc -O -swift-version 6 -I "$release/Modules" "${maps[@]}" Examples/Swift/EveryCall.swift "${objects[@]}" -o "$folder/swift"

export EXRAY_LIBRARY=$PWD/$library PYTHONPATH=$PWD/Python PYTHONDONTWRITEBYTECODE=1
for language in swift c cpp; do "$folder/$language" "$folder/$language.mcap" >"$folder/$language.txt"; done
"$python" Examples/Python/every_call.py "$folder/python.mcap" >"$folder/python.txt"
for language in c cpp python; do
  cmp "$folder/swift.mcap" "$folder/$language.mcap" || stop "Swift and $language write different traces"
done
say "Swift, C, C++ and Python write the same $(wc -c <"$folder/swift.mcap" | tr -d ' ') bytes"
sed 1d "$folder/swift.txt"

"$python" - "$folder/python.mcap" <<'PY'
import sys
from collections import Counter
from mcap.reader import make_reader
with open(sys.argv[1], "rb") as file:
    counts = Counter(channel.topic for _, channel, _ in make_reader(file, validate_crcs=True).iter_messages())
wanted = {
    "/frames": 3, "/inputs/0": 3, "/layers/0000": 3, "/outputs/0": 3, "/embeddings/0": 3, "/tensors/0000": 3,
    "/tensors/0001": 1, "/tensors/0002": 3, "/raw": 3, "/image": 3, "/boxes": 3, "/scalars": 5, "/latency": 3,
    "/sensors/orientation": 1, "/sensors/accelerometer": 1, "/sensors/gyroscope": 1, "/sensors/light": 1,
    "/sensors/temperature": 1}
wrong = {topic: (count, counts[topic]) for topic, count in wanted.items() if counts[topic] != count}
assert not wrong and counts["/findings"] >= 2, (wrong, counts)
print(f"run_examples: the official Python package reads {sum(counts.values())} messages of {len(counts)} topics")
PY

"$python" -m unittest discover -q -s Python/tests
if [ -s .deps/demo/selfie_segmentation.tflite ] && "$python" -c 'import ai_edge_litert' 2>/dev/null; then
  "$python" Examples/Python/selfie.py .deps/demo/selfie_segmentation.tflite .deps/demo/astronaut.png "$folder/selfie.mcap"
fi
