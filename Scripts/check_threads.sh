#!/usr/bin/env bash
# Runs the tests of the monitor and of its C interface, eight threads logging at once among them, under the thread
# sanitizer. A report of a race fails the run.
#
#   Scripts/check_threads.sh
set -euo pipefail
cd "$(dirname "$0")/.."

# A folder of its own: everything is compiled anew for it, in debug.
swift test --sanitize=thread --scratch-path .build/threads --filter 'EXrayTests|EXrayCTests'
