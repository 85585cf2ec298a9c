"""What every section of the benchmarks uses: rounds of interleaved sides, and tables."""

import os
import pathlib
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


def run(command, **options):
    """Wall and CPU seconds of a command and the processes it waits for."""
    begin = time.perf_counter()
    process = subprocess.Popen(
        [str(part) for part in command],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **options)
    words = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        sys.exit(f"{' '.join(map(str, command))}\nended with {process.returncode}: {words}")
    return wall, usage.ru_utime + usage.ru_stime


def busy():
    """CPU seconds that all processes have taken since the machine started; 0 where nobody tells."""
    try:
        with open("/proc/stat", encoding="utf-8") as file:
            ticks = [int(part) for part in file.readline().split()[1:]]
    except OSError:
        return 0.0
    # user, nice, system, and interrupts; idle and waiting are the fourth and the fifth.
    return (sum(ticks[:3]) + sum(ticks[5:7])) / os.sysconf("SC_CLK_TCK")


class Rounds:
    """Takes rounds until enough of them were undisturbed, or patience is at its end."""

    def __init__(self, options):
        self.wanted = options.rounds
        self.options = options
        self.foreign = []

    def take(self, measure, wanted=None):
        """Calls `measure`, which returns seconds of wall and CPU time a side, once a round."""
        kept = []
        disturbed = []
        wanted = wanted or self.wanted
        while len(kept) < wanted:
            before, begin = busy(), time.perf_counter()
            sides = measure()
            wall = time.perf_counter() - begin
            own = sum(side[1] for side in sides.values())
            foreign = max(0.0, busy() - before - own) / (wall * os.cpu_count())
            if foreign <= 0.1:
                kept.append((foreign, sides))
                continue
            disturbed.append((foreign, sides))
            if time.monotonic() > self.options.deadline and len(kept) + len(disturbed) >= wanted:
                # The least disturbed rounds make up for those that are missing.
                disturbed.sort(key=lambda entry: entry[0])
                kept += disturbed[: wanted - len(kept)]
            else:
                time.sleep(1)
        self.foreign += [foreign for foreign, _ in kept]
        return {side: [sides[side] for _, sides in kept] for side in kept[0][1]}

    def note(self):
        print(
            f"\nOther processes took {statistics.median(self.foreign):.0%} of the machine during these"
            f" rounds (at most {max(self.foreign):.0%}).")


def column(rounds, index):
    return statistics.median(measured[index] for measured in rounds)


def spread(values):
    return f"{min(values):.2f}–{max(values):.2f}"


def table(title, head, rows):
    print(f"\n### {title}\n")
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    sys.stdout.flush()
