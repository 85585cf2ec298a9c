"""Measures exray side by side with what it is compared to; prints Markdown. Called by run.sh.

The two sides of every comparison take turns (A B A B ...), so that what else the machine does hits both alike;
the figures are medians of the rounds. A round during which other processes took more than a tenth of the
machine is taken again, as long as --patience lasts; how much they took in the rounds that count is printed.
"""

import argparse
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from identify import measure_identification
from monitor import measure_monitor, measure_reading
from profiling import measure_profiling
from rounds import ROOT, Rounds, column, run, spread, table
from traces import measure_traces

RECIPES = ROOT / "Examples" / "recipes"

# model, recipe, and the recipe in Pillow's and NumPy's words: resampling, mean, standard deviation
CLASSIFIERS = [
    ("efficientnet_lite0_float", "efficientnet-lite0", "bicubic", "127", "128"),
    ("efficientnet_lite0_int8", "efficientnet-lite0", "bicubic", "127", "128"),
    ("mobilenet_v1_025_224_float", "mobilenet-v1-0.25", "bilinear", "127.5", "127.5"),
    ("mobilenet_v2_100_224_uint8_qat", "mobilenet-v2", "bilinear", "127.5", "127.5"),
]
CROP_FRACTION = "0.875"


# Runs against Python ------------------------------------------------------------------------


def measure_runs(options, folder):
    pictures = options.data / "data/imagenet_100/images"
    taker = Rounds(options)
    rows = []
    for name, recipe, resampling, mean, std in CLASSIFIERS:
        model = options.data / f"models/imagenet/{name}.tflite"
        ours, theirs = folder / "exray.json", folder / "python.json"
        exray = [
            options.exray, "run", model, "--recipe", RECIPES / f"{recipe}.json",
            "--input", pictures, "--capture", "none", "--json", ours,
        ]
        sides = {
            "python": [
                sys.executable, ROOT / "Benchmarks/classify.py", model, pictures, resampling,
                mean, std, CROP_FRACTION, theirs,
            ],
            "hosted": exray,
            "in process": exray + ["--in-process"],
        }

        def measure():
            measured = {}
            for side, command in sides.items():
                measured[side] = run(command)
                if side != "python":
                    check_answers(name, ours, theirs)
            return measured

        rounds = taker.take(measure)
        python = column(rounds["python"], 0)
        for side in ("hosted", "in process"):
            wall = column(rounds[side], 0)
            ratios = [a[0] / b[0] for a, b in zip(rounds[side], rounds["python"])]
            rows.append([
                name, side, f"{python:.2f} s", f"{wall:.2f} s",
                f"**{statistics.median(ratios):.2f}**", spread(ratios),
                f"{column(rounds['python'], 1):.2f} s", f"{column(rounds[side], 1):.2f} s",
                "yes" if statistics.median(ratios) <= 0.7 else "NO",
            ])
    table(
        "`exray run --capture none` against Python, 100 pictures, whole process",
        ["model", "exray", "Python wall", "exray wall", "ratio", "of rounds", "Python CPU",
         "exray CPU", "≤ 0.70"],
        rows)
    taker.note()


def check_answers(name, ours, theirs):
    """Both must have looked at the same pictures and answered the same, or the times mean nothing."""
    ours, theirs = (json.loads(file.read_text())["answers"] for file in (ours, theirs))
    first = {a["name"]: a["top5"][0]["index"] for a in ours}
    second = {a["name"]: a["top5"][0]["index"] for a in theirs}
    differing = [picture for picture in second if first.get(picture) != second[picture]]
    if len(first) != len(second) or differing:
        sys.exit(f"{name}: answers differ from Python's for {differing or 'other pictures'}")


# Capture ------------------------------------------------------------------------------------


def measure_capture(options, folder):
    pictures = options.data / "data/imagenet_100/images"
    model = options.data / "models/misc/teachablemachine_mobilenet_float.tflite"
    frames = 2 * sum(1 for _ in pictures.iterdir())
    trace = folder / "trace.mcap"
    taker = Rounds(options)
    rows = []
    for side, extra in (("hosted", []), ("in process", ["--in-process"])):
        base = [
            options.exray, "run", model, "--recipe", RECIPES / "teachablemachine.json",
            "--input", pictures, pictures,
        ] + extra
        sizes = []

        def measure():
            measured = {"without": run(base + ["--capture", "none"])}
            measured["captured"] = run(base + ["--capture", "layers", "--output", trace])
            sizes.append(trace.stat().st_size)
            trace.unlink()
            measured["written"] = raw_write(folder / "raw", sizes[-1])
            return measured

        rounds = taker.take(measure)
        without, captured, size = rounds["without"], rounds["captured"], sizes[-1]
        costs = [(a[0] - b[0]) * 1e3 / frames for a, b in zip(captured, without)]
        cpu = [(a[1] - b[1]) * 1e3 / frames for a, b in zip(captured, without)]
        floor = [a[0] * 1e3 / frames for a in rounds["written"]]
        rows.append([
            side, f"{column(without, 0) * 1e3 / frames:.1f} ms",
            f"{column(captured, 0) * 1e3 / frames:.1f} ms",
            f"**{statistics.median(costs):.1f} ms**", spread(costs),
            f"{statistics.median(cpu):.1f} ms", f"{size / frames / 1e6:.1f} MB",
            f"{statistics.median(floor):.1f} ms",
            "yes" if statistics.median(costs) <= 15 else "NO",
        ])
    table(
        f"A layer-captured frame of `teachablemachine_mobilenet_float`, {frames} frames",
        ["exray", "uncaptured", "captured", "extra", "of rounds", "extra CPU", "a frame",
         "raw write of the same bytes", "≤ 15 ms"],
        rows)
    taker.note()


def raw_write(path, size):
    """Wall and CPU seconds that merely writing so many bytes takes, a megabyte at a time, as any program would."""
    block = memoryview(os.urandom(1 << 20))
    begin, before = time.perf_counter(), time.process_time()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    left = size
    while left > 0:
        left -= os.write(descriptor, block[: min(left, len(block))])
    os.close(descriptor)
    measured = time.perf_counter() - begin, time.process_time() - before
    path.unlink()
    return measured


# Validation ---------------------------------------------------------------------------------


def measure_validation(options, folder):
    pictures = options.data / "data/imagenet_100/images"
    models = options.data / "models/imagenet"
    taker = Rounds(options)
    rows = []
    for side, extra in (("hosted", []), ("in process", ["--in-process"])):
        recipe = RECIPES / "efficientnet-lite0.json"
        work, report = folder / "work", folder / "report"
        command = [
            options.exray, "validate",
            "--candidate-model", models / "efficientnet_lite0_int8.tflite",
            "--candidate-recipe", recipe,
            "--reference-model", models / "efficientnet_lite0_float.tflite",
            "--reference-recipe", recipe, "--input", pictures,
            "--labels", options.data / "data/imagenet_100/labels.txt", "--report", report,
        ] + extra
        environment = dict(os.environ, TMPDIR=str(work))

        def measure():
            empty(work, report)
            return {"validate": run(command, env=environment)}

        rounds = taker.take(measure)["validate"]
        walls, cpus = [r[0] for r in rounds], [r[1] for r in rounds]
        # Watching costs time, so it is done in runs of its own.
        memories, peaks, disks = [], [], []
        for _ in range(3):
            empty(work, report)
            process = subprocess.Popen(
                [str(part) for part in command], stdout=subprocess.DEVNULL, env=environment)
            sampled, peak = watch(process.pid, [work, report], disks)
            if process.wait() not in (0, 1):
                sys.exit(f"validate ended with {process.returncode}")
            memories.append(sampled)
            peaks.append(peak)
        result = json.loads((report / "report.json").read_text())
        verdict = f"{result['verdict']}, {len(result['layers'])} layers"
        rows.append([
            side, f"**{statistics.median(walls):.1f} s**", spread(walls),
            f"{statistics.median(cpus):.1f} s", f"**{max(memories) / 1e6:.0f} MB**",
            f"{max(peaks) / 1e6:.0f} MB", f"**{max(disks) / 1e6:.1f} MB**", verdict,
            "yes" if statistics.median(walls) <= 60 and max(peaks) < 500e6
            and max(disks) < 500e6 else "NO",
        ])
    table(
        "`exray validate`, float and int8 of EfficientNet-Lite0, 100 pictures, all layers",
        ["exray", "wall", "of rounds", "CPU", "memory (PSS)", "sum of peaks (RSS)", "disk",
         "report", "≤ 60 s, < 500 MB"],
        rows)
    taker.note()


def empty(*folders):
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()


def watch(leader, folders, disks):
    """Watches a process and its children until it ends.

    Returns the largest sum of their proportional set sizes at one moment, which counts shared memory once,
    and the sum of each one's own peak, which counts it once a process.
    """
    sampled, peaks = 0, {}
    while True:
        try:
            state = pathlib.Path(f"/proc/{leader}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            break
        if state == "Z":
            break
        moment = 0
        for process in family(leader):
            try:
                moment += kilobytes(f"/proc/{process}/smaps_rollup", "Pss:")
                peaks[process] = max(
                    peaks.get(process, 0), kilobytes(f"/proc/{process}/status", "VmHWM:"))
            except OSError:
                pass
        sampled = max(sampled, moment)
        disks.append(sum(
            file.stat().st_blocks * 512
            for folder in folders for file in folder.rglob("*") if file.exists()))
        time.sleep(0.02)
    return sampled * 1024, sum(peaks.values()) * 1024


def family(leader):
    found, waiting = [], [leader]
    while waiting:
        process = waiting.pop()
        found.append(process)
        for children in pathlib.Path(f"/proc/{process}/task").glob("*/children"):
            try:
                waiting += [int(number) for number in children.read_text().split()]
            except OSError:
                pass
    return found


def kilobytes(path, key):
    with open(path, encoding="utf-8") as file:
        return sum(int(line.split()[1]) for line in file if line.startswith(key))


# Comparison kernel --------------------------------------------------------------------------


def measure_comparison(options, _):
    output = subprocess.run(
        [options.comparison, str(3 * options.rounds)], check=True, capture_output=True, text=True)
    rows = []
    for line in output.stdout.splitlines():
        case = json.loads(line)
        rows.append([
            case["case"], f"{case['elements']:,}", f"{case['bytes'] / 1e6:.1f} MB",
            f"**{case['compareGBPerSecond']:.1f} GB/s**", f"{case['readGBPerSecond']:.1f} GB/s",
            f"{case['elementsPerSecond'] / 1e9:.2f} ·10⁹/s",
        ])
    table(
        "Comparing two tensors, one thread",
        ["pair", "elements", "both", "compared", "merely read", "elements"], rows)


# Machine ------------------------------------------------------------------------------------


def describe(options):
    processor = platform.processor() or platform.machine()
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    processor = line.split(":", 1)[1].strip()
                    break
    versions = subprocess.run(
        [sys.executable, "-c",
         "import PIL, numpy, importlib.metadata as m;"
         "print('Pillow', PIL.__version__, '· NumPy', numpy.__version__,"
         "'· ai-edge-litert', m.version('ai-edge-litert'))"],
        check=True, capture_output=True, text=True).stdout.strip()
    load = os.getloadavg()
    print(
        f"{processor}, {os.cpu_count()} CPUs, {platform.system()} {platform.release()} · Python"
        f" {platform.python_version()} · {versions} · {options.rounds} rounds · load before"
        f" {load[0]:.1f}", flush=True)


def main():
    sections = {
        "run": measure_runs, "capture": measure_capture, "validate": measure_validation,
        "compare": measure_comparison, "traces": measure_traces,
        "monitor": measure_monitor, "read": measure_reading,
        "identify": measure_identification, "profile": measure_profiling,
    }
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(sections))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument(
        "--patience", type=int, default=120, metavar="SECONDS",
        help="how long a section may wait for undisturbed rounds")
    parser.add_argument("--exray", type=pathlib.Path, required=True)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--comparison", type=pathlib.Path, required=True)
    parser.add_argument("--monitor", type=pathlib.Path, required=True)
    options = parser.parse_args()
    options.exray, options.data = options.exray.resolve(), options.data.resolve()
    unknown = [name for name in options.sections if name not in sections]
    if unknown:
        parser.error(f"no section {unknown[0]}; there are {', '.join(sections)}")
    describe(options)
    for name, measure in sections.items():
        if not options.sections or name in options.sections:
            options.deadline = time.monotonic() + options.patience
            # Beside the checkout's own build, so that traces are on a disk and not in memory.
            with tempfile.TemporaryDirectory(dir=ROOT / ".build", prefix="bench-") as folder:
                measure(options, pathlib.Path(folder))


if __name__ == "__main__":
    main()
