"""How often `exray profile` calls equal models different, and slower ones slower; a section of measure.py.

    .deps/python/bin/python3 Benchmarks/profiling.py EXRAY TRIES LAYERS [ARGUMENT...]

runs comparisons by themselves: candidates of so many layers (20,22) against one of 20.
"""

import collections
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
import flatbuffers

from rounds import table

TRIES = 120
WIDTH = 256
LAYERS = [20, 21, 22, 24]


def chain(layers, path):
    """A model of equal fully connected layers, so that its arithmetic is in proportion to their number."""
    random = np.random.default_rng(3)
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version, model.description, model.subgraphs = 3, "chain", [graph]
    model.buffers = [schema.BufferT()]
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.FULLY_CONNECTED
    model.operatorCodes = [code]
    graph.tensors, graph.operators = [], []

    def tensor(name, shape, data=None):
        entry = schema.TensorT()
        entry.name, entry.shape, entry.type = name, shape, schema.TensorType.FLOAT32
        if data is not None:
            entry.buffer = len(model.buffers)
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(data.astype(np.float32).tobytes(), np.uint8)
            model.buffers.append(buffer)
        graph.tensors.append(entry)
        return len(graph.tensors) - 1

    last = tensor("in", [8, WIDTH])
    graph.inputs = [last]
    for layer in range(layers):
        weights = tensor(f"weights{layer}", [WIDTH, WIDTH], random.normal(0, 1 / 16, (WIDTH, WIDTH)))
        result = tensor(f"out{layer}", [8, WIDTH])
        op = schema.OperatorT()
        op.inputs, op.outputs = [last, weights, -1], [result]
        op.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
        op.builtinOptions = schema.FullyConnectedOptionsT()
        graph.operators.append(op)
        last = result
    graph.outputs = [last]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(bytes(builder.Output()))
    return path


def compare(exray, candidate, reference, tries, folder, arguments=()):
    """What each of many comparisons concludes; equal seeds would repeat the order of turns, so each has its own."""
    outcomes, verdicts, ratios, effects, kinds = collections.Counter(), collections.Counter(), [], [], 0
    for seed in range(tries):
        file = folder / "profile.json"
        ended = subprocess.run(
            [str(exray), "profile", str(candidate), "--against-model", str(reference), "--warmup", "3", "--seed",
             str(seed), "--json", str(file), *arguments], capture_output=True, text=True)
        if ended.returncode not in (0, 1, 3):
            sys.exit(ended.stderr)
        comparison = json.loads(file.read_text())["comparison"]
        outcomes[comparison["latency"]["outcome"]] += 1
        verdicts[comparison["verdict"]] += 1
        ratios.append(comparison["latency"]["ratio"])
        effects.append(comparison["latency"]["minimumDetectableEffect"])
        print(f"\r{seed + 1} of {tries}: {dict(outcomes)} {dict(verdicts)}", end="", file=sys.stderr, flush=True)
        kinds += any(kind["outcome"] != "no-difference" for kind in comparison["types"])
    return outcomes, verdicts, ratios, effects, kinds


def report(exray, tries, folder, layer_counts, arguments):
    base = chain(20, folder / "20.tflite")
    rows = []
    for layers in layer_counts:
        name = "itself" if layers == 20 else f"{5 * (layers - 20)} % more layers"
        candidate = chain(layers, folder / f"candidate{layers}.tflite")
        begin = time.monotonic()
        outcomes, verdicts, ratios, effects, kinds = compare(exray, candidate, base, tries, folder, arguments)
        rows.append([
            name, tries, outcomes["slower"], outcomes["faster"], verdicts["fail"], verdicts["inconclusive"], kinds,
            f"{statistics.median(ratios):.3f}", f"{100 * statistics.median(effects):.1f} %",
            f"{(time.monotonic() - begin) / tries:.1f} s"])
        print(rows[-1], file=sys.stderr, flush=True)
    table("`exray profile --against-model`", ["against", "tries", "slower", "faster", "exit 1", "exit 3", "a kind of op differs", "median ratio",
           "detectable", "a try"], rows)


def agreement(exray, data, folder):
    """Median latency beside that of Python's interpreter, in turns."""
    rows = []
    for name in ["mobilenet_v1_025_224_float", "efficientnet_lite0_int8"]:
        model = data / f"models/imagenet/{name}.tflite"
        ours, theirs = [], []
        for _ in range(5):
            file = folder / "profile.json"
            subprocess.run([str(exray), "profile", str(model), "--json", str(file)], capture_output=True, check=False)
            ours.append(json.loads(file.read_text())["latency"]["p50Nanoseconds"] / 1e6)
            interpreter = Interpreter(str(model), num_threads=1)
            interpreter.allocate_tensors()
            times = []
            for _ in range(110):
                begin = time.perf_counter()
                interpreter.invoke()
                times.append((time.perf_counter() - begin) * 1e3)
            theirs.append(statistics.median(times[10:]))
        ours, theirs = statistics.median(ours), statistics.median(theirs)
        rows.append([name, f"{ours:.2f} ms", f"{theirs:.2f} ms", f"{ours / theirs:.2f}"])
    table("`exray profile` beside Python's interpreter, p50", ["model", "exray", "Python", "ratio"], rows)


def measure_profiling(options, folder):
    report(options.exray, TRIES, folder, LAYERS, [])
    agreement(options.exray, options.data, folder)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        counts = [int(count) for count in sys.argv[3].split(",")]
        report(sys.argv[1], int(sys.argv[2]), pathlib.Path(place), counts, sys.argv[4:])
