"""The monitor and the reader against raw writes and against ML-EXray; sections of measure.py.

ML-EXray's Python monitor is run as it is, from the checkout that EXRAY_MLEXRAY names; without one its column
stays empty. Its C++ loops are built from peers/mlexray_loops.cpp.
"""

import json
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys

from rounds import ROOT, Rounds, spread, table

MODEL = "models/misc/teachablemachine_mobilenet_float.tflite"
# Its picture and its scores have the sizes of MobileNetV2's.
CLASSIFIER = "models/imagenet/mobilenet_v1_025_224_float.tflite"
IO_SIZES = "150528,1001"


def activations(model):
    """Elements of the input, of every op's result in execution order, and of the output."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(model), experimental_preserve_all_tensors=True)
    interpreter.allocate_tensors()
    details = {tensor["index"]: tensor for tensor in interpreter.get_tensor_details()}
    count = lambda index: int(details[index]["shape"].prod())
    first = interpreter.get_input_details()[0]["index"]
    last = interpreter.get_output_details()[0]["index"]
    # Once each: what a delegate took over is listed twice.
    made = dict.fromkeys(
        index for op in interpreter._get_ops_details() for index in op["outputs"])
    layers = [count(index) for index in made if index != last and index in details]
    return ",".join(str(size) for size in [count(first), *layers, count(last)])


def bench(options, *arguments):
    output = subprocess.run(
        [options.monitor, *map(str, arguments)], check=True, capture_output=True, text=True)
    return json.loads(output.stdout)


def peer_seconds(command):
    """Seconds of each frame that a peer prints, the first left out."""
    output = subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True)
    return [float(line) for line in output.stdout.split()][1:]


def python_peer(options, model, mode, frames, folder):
    checkout = os.environ.get("EXRAY_MLEXRAY")
    if not checkout or not model.exists():
        return []
    return peer_seconds([
        sys.executable, ROOT / "Benchmarks/peers/mlexray_python.py", checkout, model, mode, frames,
        folder / "mlexray"])


def children_seconds():
    """CPU seconds of all programs that this one has started and waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def milliseconds(values, scale=1e3):
    return f"{statistics.median(values) * scale:.3g} ms" if values else "–"


def measure_monitor(options, folder):
    trace, raw = folder / "trace.mcap", folder / "raw"
    taker = Rounds(options)
    rows = []
    loops = folder / "mlexray_loops"
    subprocess.run(
        ["c++", "-O2", "-o", loops, ROOT / "Benchmarks/peers/mlexray_loops.cpp"], check=True)
    cases = [
        ("io", IO_SIZES, 300, options.data / CLASSIFIER),
        ("layers", activations(options.data / MODEL), 60, options.data / MODEL),
        ("sketch", activations(options.data / MODEL), 60, options.data / MODEL),
    ]
    for level, sizes, frames, model in cases:
        python, cpp = [], []

        def measure():
            before = children_seconds()
            # The peers are slow: a few frames a round are enough.
            if level != "sketch":
                python.extend(python_peer(options, model, level, 3, folder))
            if level == "layers":
                (folder / "loops").mkdir(exist_ok=True)
                cpp.extend(peer_seconds([loops, sizes, 4, folder / "loops"]))
            logged = bench(options, "log", level, sizes, frames, trace)
            trace.unlink()
            written = bench(options, "raw", sizes, frames, raw)
            raw.unlink()
            return {
                "call": (logged["callSeconds"], children_seconds() - before), "wall": (logged["wallSeconds"], 0),
                "written": (written["wallSeconds"], 0), "writer": (logged["writerSeconds"], 0),
            }

        rounds = taker.take(measure)
        column = {side: [value for value, _ in rounds[side]] for side in rounds}
        wall = statistics.median(column["wall"])
        ratios = [a / b for a, b in zip(column["wall"], column["written"])]
        rows.append([
            level, f"{4e-6 * sum(map(int, sizes.split(','))):.2f} MB",
            milliseconds(column["call"]), f"**{milliseconds(column['wall'])}**",
            milliseconds(column["writer"]), milliseconds(column["written"]),
            f"**{statistics.median(ratios):.2f}**", spread(ratios),
            milliseconds(python), f"{statistics.median(python) / wall:.0f}×" if python else "–",
            milliseconds(cpp), f"{statistics.median(cpp) / wall:.0f}×" if cpp else "–",
        ])
    table(
        "Logging a frame",
        ["level", "a frame", "in the app's calls", "wall, to the end of close", "writer's CPU",
         "raw write of the same bytes", "wall / raw write", "of rounds", "ML-EXray, Python", "faster",
         "ML-EXray's loops, C++", "faster"],
        rows)
    taker.note()

    off = [bench(options, "disabled", 1_000_000) for _ in range(3)]
    table(
        "A call of a disabled monitor",
        ["frame.log of a tensor", "log of a number", "span", "beginFrame, end", "≤ 20 ns"],
        [[f"{statistics.median(one[key] for one in off):.1f} ns" for key in (
            "tensorNanoseconds", "scalarNanoseconds", "spanNanoseconds", "frameNanoseconds")]
         + ["yes" if max(max(one.values()) for one in off) <= 20 else "NO"]])

    table(
        "Sketching a tensor, one thread",
        ["elements", "float32"],
        [[f"{count:,}", f"**{bench(options, 'sketch', count, 101)['gigabytesPerSecond']:.2f} GB/s**"]
         for count in (1024, 150_528, 1_204_224, 4_194_304)])


def measure_reading(options, folder):
    """A trace that fits the page cache several times over, and one of 10 GB where the disk has room."""
    sizes = activations(options.data / MODEL)
    frame = 4 * sum(map(int, sizes.split(",")))
    rows = []
    for size in (1e9, 10e9):
        if shutil.disk_usage(folder).free < 2 * size:
            print(f"\nNo room for a trace of {size / 1e9:.0f} GB.")
            continue
        trace = folder / "long.mcap"
        bench(options, "log", "layers", sizes, round(size / frame), trace)
        rounds = [bench(options, "read", trace) for _ in range(min(5, options.rounds))]
        rows.append([
            f"{trace.stat().st_size / 1e9:.1f} GB", rounds[0]["frames"],
            f"**{statistics.median(one['gigabytesPerSecond'] for one in rounds):.1f} GB/s**",
            spread([one["gigabytesPerSecond"] for one in rounds]),
            f"**{max(one['privateBytes'] for one in rounds) / 1e6:.0f} MB**",
            f"{max(one['residentBytes'] for one in rounds) / 1e6:.0f} MB",
        ])
        trace.unlink()
    table(
        "Reading every tensor of a trace, checksums verified, one thread",
        ["trace", "frames", "read", "of rounds", "private memory", "peak resident, mapped file included"],
        rows)
