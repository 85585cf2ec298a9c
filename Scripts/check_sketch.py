"""Sketches tensors with NumPy, from the formulas in Documentation/sketches.md, for comparison with EXraySketch.

    .deps/python/bin/python3 Scripts/check_sketch.py CASES

CASES has one JSON object a line: the tensor's element type, shape, scales, zero points, axis, its bytes in
hexadecimal and the seed. Prints one JSON object a line: the sketch's fields, projections in double precision.
"""

import json
import sys

import ml_dtypes
import numpy as np

PERCENTAGES = [1, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99]
CAPACITY = 1024


def random_bits(seed, indices):
    """The outputs of SplitMix64, in any order."""
    with np.errstate(over="ignore"):
        mixed = np.uint64(seed) + (indices.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return mixed ^ (mixed >> np.uint64(31))


def real_values(case):
    """The tensor as float32, dequantized."""
    data = bytes.fromhex(case["bytes"])
    kind = case["type"]
    count = int(np.prod(case["shape"], dtype=np.int64))
    if kind in ("int2", "int4", "uint4"):
        bits = int(kind[-1])
        stored = np.frombuffer(data, np.uint8)[:, None] >> np.arange(0, 8, bits) & (2**bits - 1)
        stored = stored.reshape(-1).astype(np.int64)[:count]
        if kind[0] == "i":
            stored = np.where(stored >= 2 ** (bits - 1), stored - 2**bits, stored)
    else:
        dtype = np.dtype(ml_dtypes.bfloat16) if kind == "bfloat16" else np.dtype(kind)
        stored = np.frombuffer(data, dtype)[:count]
    if kind == "bool" or "float" in kind or not case["scales"]:
        return stored.astype(np.float32)
    scales = np.array(case["scales"], np.float32)
    zero_points = np.array(case["zeroPoints"], np.int64)
    if len(scales) > 1:
        shape = [1] * len(case["shape"])
        shape[case["axis"]] = len(scales)
        stored = stored.reshape(case["shape"])
        scales, zero_points = scales.reshape(shape), zero_points.reshape(shape)
    steps = (stored.astype(np.int64) - zero_points).astype(np.float32)
    return (scales * steps).reshape(-1)


def projections(values, seed):
    """Signed sums in 32 slots."""
    finite = np.where(np.isfinite(values), values, 0).astype(np.float64)
    index = np.arange(len(values), dtype=np.uint64)
    bits = random_bits(seed, index // np.uint64(32))
    lane = index % np.uint64(32)
    signs = 1 - 2 * (bits >> lane & np.uint64(1)).astype(np.float64)
    slots = (lane ^ (bits >> np.uint64(32) & np.uint64(31))).astype(np.int64)
    largest = float(np.finfo(np.float32).max)
    return np.clip(np.bincount(slots, signs * finite, 32), -largest, largest)


def sample(values, seed):
    """One element drawn from each of 1024 parts."""
    count = len(values)
    if count <= CAPACITY:
        return values[np.isfinite(values)]
    bits = random_bits(~seed & (2**64 - 1), np.arange(CAPACITY))
    starts = [k * count // CAPACITY for k in range(CAPACITY + 1)]
    places = [starts[k] + ((starts[k + 1] - starts[k]) * int(bits[k]) >> 64) for k in range(CAPACITY)]
    drawn = values[places]
    return drawn[np.isfinite(drawn)]


def sketch(case):
    values = real_values(case)
    finite = values[np.isfinite(values)]
    wide = finite.astype(np.longdouble)
    fields = {
        "nanCount": int(np.isnan(values).sum()),
        "infinityCount": int(np.isinf(values).sum()),
        "zeroCount": int((values == 0).sum()),
        "minimum": float(finite.min()),
        "maximum": float(finite.max()),
        "mean": float(wide.mean()),
        "standardDeviation": float(wide.std()),
        "quantiles": [],
        "projections": [],
    }
    if len(values) > 64:
        drawn = np.sort(sample(values, case["seed"]))
        fields["quantiles"] = [float(drawn[(p * len(drawn) + 99) // 100 - 1]) for p in PERCENTAGES]
        fields["projections"] = projections(values, case["seed"]).tolist()
    return fields


with open(sys.argv[1]) as lines:
    for line in lines:
        print(json.dumps(sketch(json.loads(line))))
