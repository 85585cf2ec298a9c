#!/usr/bin/env bash
# Puts everything that EXray builds and runs with in place; what is there already is left alone.
#
#   Scripts/setup.sh            system libraries and LiteRT
#   Scripts/setup.sh demo       … and the demo's model and photo
#   Scripts/setup.sh test       … and the Python environment that tests check numbers against
set -euo pipefail
cd "$(dirname "$0")/.."

litert=2.3.0
mediapipe=0.10.14
scikit_image=0.26.0

say() { printf 'setup: %s\n' "$*"; }
stop() { printf 'setup: %s\n' "$*" >&2; exit 1; }

command -v swift >/dev/null || stop 'Swift is not on the PATH; install Swift 6.3 and try again'
command -v python3 >/dev/null || stop 'Python 3 is not on the PATH; install python3 and try again'

# System libraries: JPEG, PNG, LZ4 and Zstandard with their headers, and what Python environments are made of.
system_packages() {
  [ "$(uname -s)" = Linux ] || return 0
  local missing=()
  [ -e /usr/include/turbojpeg.h ] || missing+=(libturbojpeg0-dev)
  [ -e /usr/include/png.h ] || missing+=(libpng-dev)
  [ -e /usr/include/lz4frame.h ] || missing+=(liblz4-dev)
  [ -e /usr/include/zstd.h ] || missing+=(libzstd-dev)
  command -v c++ >/dev/null || missing+=(g++)
  python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
  [ ${#missing[@]} -gt 0 ] || return 0
  local advice="apt-get update && apt-get install -y ${missing[*]}"
  command -v apt-get >/dev/null || stop "these Debian packages, or their like, are missing: ${missing[*]}"
  [ "$(id -u)" = 0 ] || stop "missing system packages; run this as root, then try again:
  $advice"
  say "installing ${missing[*]}"
  DEBIAN_FRONTEND=noninteractive sh -c "apt-get update -qq && apt-get install -y -qq ${missing[*]}" \
    >.deps/apt.log 2>&1 || stop "apt-get failed; see .deps/apt.log"
}

# A Python environment of our own, for pip and for the tests' authorities.
python_environment() {
  [ -x .deps/python/bin/pip ] || python3 -m venv .deps/python
}

# wheel NAME VERSION PLATFORM: downloads a wheel for CPython 3.11 into .deps/wheels, whatever Python is here.
wheel() {
  .deps/python/bin/pip download --quiet --disable-pip-version-check --no-deps \
    --only-binary=:all: --implementation cp --python-version 3.11 --abi cp311 \
    $3 --dest .deps/wheels "$1==$2"
}

# unpack WHEEL-PATTERN MEMBER TARGET: copies one file out of a wheel, under its final name only when complete.
unpack() {
  python3 - "$@" <<'PY'
import glob, os, sys, zipfile
pattern, member, target = sys.argv[1:]
wheel = sorted(glob.glob(pattern))[-1]
with zipfile.ZipFile(wheel) as archive:
    name = next(n for n in archive.namelist() if n.endswith(member))
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target + ".part", "wb") as file:
        file.write(archive.read(name))
    os.replace(target + ".part", target)
PY
}

litert_runtime() {
  local library=libLiteRt.so platforms
  case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) platforms='--platform manylinux_2_27_x86_64 --platform manylinux2014_x86_64' ;;
    Linux-aarch64) platforms='--platform manylinux_2_34_aarch64 --platform manylinux2014_aarch64' ;;
    Darwin-arm64) platforms='--platform macosx_14_0_arm64' library=libLiteRt.dylib ;;
    *) stop "no LiteRT $litert for $(uname -s) on $(uname -m)" ;;
  esac
  [ "$(cat .deps/litert/VERSION 2>/dev/null)" = "$litert" ] && [ -s ".deps/litert/$library" ] && return
  say "fetching LiteRT $litert"
  wheel ai-edge-litert "$litert" "$platforms"
  unpack ".deps/wheels/ai_edge_litert-$litert-*.whl" "/$library" ".deps/litert/$library"
  unpack ".deps/wheels/ai_edge_litert-$litert-*.whl" "LICENSE" .deps/litert/LICENSE || true
  printf '%s\n' "$litert" >.deps/litert/VERSION
}

demo_files() {
  local platforms='--platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64'
  local photo='--platform manylinux_2_24_x86_64 --platform manylinux_2_28_x86_64'
  if [ ! -s .deps/demo/selfie_segmentation.tflite ]; then
    say "fetching the demo's model (MediaPipe $mediapipe)"
    wheel mediapipe "$mediapipe" "$platforms"
    unpack ".deps/wheels/mediapipe-$mediapipe-*.whl" /selfie_segmentation.tflite \
      .deps/demo/selfie_segmentation.tflite
  fi
  if [ ! -s .deps/demo/astronaut.png ]; then
    say "fetching the demo's photo (scikit-image $scikit_image)"
    wheel scikit-image "$scikit_image" "$photo"
    unpack ".deps/wheels/scikit_image-$scikit_image-*.whl" /astronaut.png .deps/demo/astronaut.png
  fi
}

test_environment() {
  cmp -s Scripts/requirements.txt .deps/python/requirements.txt && return
  say 'installing the Python packages that tests check numbers against'
  .deps/python/bin/pip install --quiet --disable-pip-version-check -r Scripts/requirements.txt
  cp Scripts/requirements.txt .deps/python/requirements.txt
}

mkdir -p .deps
system_packages
python_environment
litert_runtime
case "${1:-}" in
  demo) demo_files ;;
  test) test_environment && demo_files ;;
esac
