#!/usr/bin/env bash
# Builds the library of exray.h for C, C++ and Python: .build/library/libEXrayC.so (.dylib on a Mac). The Swift runtime
# is inside of it, so that its users need no Swift, and it exports nothing but exray.h's functions.
#
#   Scripts/build_library.sh            prints the library's path
set -euo pipefail
cd "$(dirname "$0")/.."

# A folder of its own: the options of `swift test` differ, and each would compile everything anew after the other.
build=.build/library/build
mkdir -p "$build"
swift build -c release --product EXrayC --scratch-path "$build" >"$build/log" 2>&1 || { cat "$build/log" >&2; exit 1; }
objects=$build/release/EXrayC.product/Objects.LinkFileList

case "$(uname -s)" in
  Darwin)
    library=.build/library/libEXrayC.dylib
    # Every Mac has the Swift runtime.
    options=(-Xlinker -exported_symbol -Xlinker '_exray_*' -Xlinker -install_name -Xlinker @rpath/libEXrayC.dylib
      -Xlinker -dead_strip)
    ;;
  *)
    library=.build/library/libEXrayC.so
    printf '{ global: exray_*; local: *; };\n' >"$build/exports"
    # The toolchain's own linker: gold shows Swift's metadata in spite of the list.
    options=(-static-stdlib -use-ld=lld -Xlinker "--version-script=$build/exports" -Xlinker --gc-sections -Xlinker -s
      -Xlinker -soname=libEXrayC.so)
    ;;
esac
swiftc -emit-library -o "$library.part" "@$objects" "${options[@]}"
mv "$library.part" "$library"
printf '%s\n' "$library"
