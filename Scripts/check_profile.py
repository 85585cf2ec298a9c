#!/usr/bin/env python3
"""Checks what EXrayProfile counts against counts made another way.

usage: .deps/python/bin/python3 Scripts/check_profile.py DATA COUNTS

COUNTS holds one JSON file a model, written by the tests: arithmetic, bytes and live bytes of every op. Here the
extents of results follow from inputs, strides, padding and dilation in the file's options instead of being read; what
is alive is found by looking at every tensor for every op. Also checks percentiles and Student's quantiles against NumPy
and SciPy. Prints one line of JSON; status 1 after any difference.
"""

import json
import math
import pathlib
import sys

import numpy as np
import scipy.stats
from ai_edge_litert import schema_py_generated as schema

OPS = {v: k for k, v in vars(schema.BuiltinOperator).items() if isinstance(v, int)}
BITS = {"FLOAT32": 32, "FLOAT16": 16, "BFLOAT16": 16, "INT32": 32, "UINT8": 8, "INT64": 64, "BOOL": 8,
        "INT16": 16, "COMPLEX64": 64, "INT8": 8, "FLOAT64": 64, "COMPLEX128": 128, "UINT64": 64, "UINT32": 32,
        "UINT16": 16, "INT4": 4, "INT2": 2, "UINT4": 4}
TYPES = {v: k for k, v in vars(schema.TensorType).items() if isinstance(v, int)}


def shape(tensor):
    return [] if tensor.shape is None else [int(extent) for extent in tensor.shape]


def byte_count(tensor):
    bits = BITS.get(TYPES[tensor.type], 0)
    return -(-math.prod(shape(tensor)) * bits // 8)


def extent(size, kernel, stride, dilation, padding):
    reach = (kernel - 1) * dilation + 1
    return -(-size // stride) if padding == schema.Padding.SAME else -(-(size - reach + 1) // stride)


def operations(name, entry, tensors):
    """Arithmetic of the ops whose counts are products; None for all others."""
    given = [tensors[index] if index >= 0 else None for index in entry.inputs]
    options = entry.builtinOptions
    if name in ("CONV_2D", "DEPTHWISE_CONV_2D"):
        batch, height, width, channels = shape(given[0])
        first, kernel_height, kernel_width, last = shape(given[1])
        rows = extent(height, kernel_height, options.strideH, options.dilationHFactor, options.padding)
        columns = extent(width, kernel_width, options.strideW, options.dilationWFactor, options.padding)
        taps = kernel_height * kernel_width
        if name == "DEPTHWISE_CONV_2D":
            return 2 * batch * rows * columns * channels * options.depthMultiplier * taps
        groups = channels // last
        return 2 * batch * rows * columns * first * taps * channels // groups
    if name in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
        batch, height, width, channels = shape(given[0])
        rows = extent(height, options.filterHeight, options.strideH, 1, options.padding)
        columns = extent(width, options.filterWidth, options.strideW, 1, options.padding)
        return batch * rows * columns * channels * options.filterHeight * options.filterWidth
    if name == "FULLY_CONNECTED":
        units, width = shape(given[1])
        return 2 * math.prod(shape(given[0])) // width * width * units
    if name == "TRANSPOSE_CONV":
        outputs, height, width, inputs = shape(given[1])
        batch, rows, columns, _ = shape(given[2])
        return 2 * batch * rows * columns * inputs * outputs * height * width
    if name == "BATCH_MATMUL":
        left, right = shape(given[0]), shape(given[1])
        inner = left[-2] if options.adjX else left[-1]
        columns = right[-2] if options.adjY else right[-1]
        return 2 * math.prod(left) * columns // 1 if inner else 0
    return None


def check(path, counted):
    model = schema.ModelT.InitFromPackedBuf(bytearray(path.read_bytes()), 0)
    graph, faults = model.subgraphs[0], []
    tensors, products = graph.tensors, 0
    constant = [model.buffers[t.buffer].data is not None and len(model.buffers[t.buffer].data) > 0 for t in tensors]
    names = []
    for entry in graph.operators:
        code = model.operatorCodes[entry.opcodeIndex]
        names.append(OPS[max(code.builtinCode, code.deprecatedBuiltinCode)])

    used = [[int(index) for index in entry.inputs if index >= 0] for entry in graph.operators]
    made = [[int(index) for index in entry.outputs if index >= 0] for entry in graph.operators]
    for index, (name, entry) in enumerate(zip(names, graph.operators)):
        found = counted["ops"][index]
        expected = operations(name, entry, tensors)
        if expected is not None:
            products += expected if "POOL" not in name else 0
            if found["operations"] != expected:
                faults.append(f"op {index} {name}: {found['operations']} operations, not {expected}")
        read = set(used[index])
        if name in ("GATHER", "EMBEDDING_LOOKUP"):
            read.discard(int(entry.inputs[0 if name == "GATHER" else 1]))
        moved = sum(byte_count(tensors[i]) for i in read) + sum(byte_count(tensors[i]) for i in made[index])
        if found["bytes"] != moved:
            faults.append(f"op {index} {name}: {found['bytes']} bytes, not {moved}")

    # A tensor is alive at an op when it was made there or before, and is made, read or given out there or later.
    for index in range(len(names)):
        before = set(map(int, graph.inputs)).union(*map(set, made[:index + 1]))
        later = set(map(int, graph.outputs)).union(map(int, graph.inputs), *map(set, used[index:]), *map(set, made[index:]))
        alive = sum(byte_count(tensors[i]) for i in before & later if not constant[i] and not tensors[i].isVariable)
        if counted["ops"][index]["live"] != alive:
            faults.append(f"op {index} {names[index]}: {counted['ops'][index]['live']} bytes alive, not {alive}")
    weights = sum(len(buffer.data) for i, buffer in enumerate(model.buffers)
                  if buffer.data is not None and i in {t.buffer for g in model.subgraphs for t in g.tensors})
    if counted["weights"] != weights:
        faults.append(f"{counted['weights']} bytes of weights, not {weights}")
    return faults, products


def statistics(given):
    faults = []
    times = np.array(given["times"], float)
    for name, expected in [("p50", np.percentile(times, 50)), ("p90", np.percentile(times, 90)),
                           ("p95", np.percentile(times, 95)), ("p99", np.percentile(times, 99)),
                           ("mean", times.mean()), ("deviation", times.std())]:
        if abs(given[name] - expected) > 0.51:
            faults.append(f"{name} is {given[name]}, not {expected}")
    for degrees, value in given["student"]:
        if abs(value - scipy.stats.t.ppf(0.975, degrees)) > 1e-6:
            faults.append(f"Student's quantile for {degrees} degrees is {value}")
    return faults


def main():
    data, folder = map(pathlib.Path, sys.argv[1:3])
    faults, models, products = [], 0, {}
    for file in sorted(folder.glob("*.json")):
        counted = json.loads(file.read_text())
        if "times" in counted:
            faults += statistics(counted)
            continue
        found, total = check(data / counted["model"], counted)
        faults += [f"{counted['model']}: {fault}" for fault in found]
        products[pathlib.PurePath(counted["model"]).stem] = total // 2
        models += 1
    print(json.dumps({"models": models, "faults": faults[:20],
                      "mobilenetMultiplications": products.get("mobilenet_v1_025_224_float")}))
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
