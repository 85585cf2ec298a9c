"""Measures how fast `exray compare` goes through a pair of large traces, and in how little memory."""

import json
import pathlib
import statistics
import subprocess
import sys
import time

from rounds import Rounds, column, run, spread, table

# Frames of which each trace holds every layer: 5.3 GB a trace.
FRAMES = 310


def measure_traces(options, folder):
    model = options.data / "models/misc/teachablemachine_mobilenet_float.tflite"
    inputs, report = folder / "inputs.npy", folder / "report.json"
    write_inputs(inputs)
    traces = {}
    for kernels in ("builtin", "xnnpack"):
        traces[kernels] = folder / f"{kernels}.mcap"
        run([
            options.exray, "run", model, "--input", inputs, "--kernels", kernels, "--capture",
            "layers", "--output", traces[kernels],
        ])
    size = sum(trace.stat().st_size for trace in traces.values())
    command = [
        options.exray, "compare", traces["builtin"], traces["xnnpack"], "--json", report,
    ]

    def measure():
        return {"compared": run(command), "read": read(traces.values())}

    taker = Rounds(options)
    rounds = taker.take(measure)
    private, resident = watch(command)
    layers = len(json.loads(report.read_text())["layers"])
    walls = [r[0] for r in rounds["compared"]]
    rates = [size / 1e9 / r[1] for r in rounds["compared"]]
    frame = column(rounds["compared"], 0) / FRAMES * 1e3
    for trace in traces.values():
        trace.unlink()
    table(
        f"`exray compare` of two traces of `teachablemachine_mobilenet_float`, {FRAMES} frames,"
        f" {layers} layers, in the page cache",
        ["both", "wall", "of rounds", "CPU", "a second of CPU", "of rounds", "a frame",
         "merely read", "private memory", "peak RSS", "≥ 1 GB/s, ≤ 6 ms, < 200 MB"],
        [[
            f"{size / 1e9:.1f} GB", f"{column(rounds['compared'], 0):.1f} s", spread(walls),
            f"{column(rounds['compared'], 1):.1f} s", f"**{statistics.median(rates):.1f} GB**",
            spread(rates), f"**{frame:.1f} ms**", f"{column(rounds['read'], 0):.1f} s",
            f"**{private / 1e6:.0f} MB**", f"{resident / 1e6:.0f} MB",
            "yes" if statistics.median(rates) >= 1 and frame <= 6 and private < 200e6 else "NO",
        ]])
    taker.note()


def write_inputs(path):
    import numpy

    random = numpy.random.default_rng(3)
    array = numpy.lib.format.open_memmap(path, "w+", numpy.float32, (FRAMES, 224, 224, 3))
    for frame in range(FRAMES):
        array[frame] = random.uniform(-1, 1, array.shape[1:])


def read(paths):
    """Wall and CPU seconds that merely reading the files takes, a megabyte at a time."""
    block = bytearray(1 << 20)
    begin, before = time.perf_counter(), time.process_time()
    for path in paths:
        with open(path, "rb", buffering=0) as file:
            while file.readinto(block):
                pass
    return time.perf_counter() - begin, time.process_time() - before


def watch(command):
    """The largest private and the largest resident memory of a command, the first without clean pages of files."""
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL)
    private, resident = 0, 0
    status = pathlib.Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        try:
            fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
            private = max(private, int(fields["RssAnon"].split()[0]))
            resident = max(resident, int(fields["VmHWM"].split()[0]))
        except (OSError, KeyError):
            pass
        time.sleep(0.01)
    if process.returncode not in (0, 1):
        sys.exit(f"compare ended with {process.returncode}")
    return private * 1024, resident * 1024
