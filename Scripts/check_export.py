"""Compares what `exray export` wrote with the trace, read by the official mcap package.

    python Scripts/check_export.py TRACE.mcap FOLDER

FOLDER holds any of: `npy/` and `csv/` (folders), `tensors.npz`, `tensors.safetensors`, `timeline.json`. Arrays are read
with numpy.load and safetensors.numpy.load_file, tables with the csv module. Prints `identical`, or the differences
with exit code 1.
"""
import csv
import json
import sys
from pathlib import Path

import ml_dtypes  # Gives NumPy bfloat16, which load_file asks it for.
import numpy as np
from mcap.reader import make_reader
from safetensors import safe_open
from safetensors.numpy import load_file

PACKED = {"int4": 4, "uint4": 4, "int2": 2}


class Trace:
    """Tensors and samples of a trace, by topic."""

    def __init__(self, path):
        self.tensors, self.samples = {}, {}
        with open(path, "rb") as file:
            for _, channel, message in make_reader(file).iter_messages(log_time_order=False):
                if channel.message_encoding == "exray.tensor":
                    about = channel.metadata
                    key = (channel.topic, about["elementType"], about["shape"])
                    self.tensors.setdefault(key, []).append((message.sequence, message.data))
                elif channel.message_encoding == "json":
                    self.samples.setdefault(channel.topic, []).append(
                        (message.sequence, message.log_time, json.loads(message.data)))

    def values(self, item):
        """The values that an entry of an index stands for, as NumPy has them."""
        kind = item["elementType"]
        shape = ",".join(map(str, item["shape"]))
        frames = item["chosen"]
        found = sorted((m for m in self.tensors[item["topic"], kind, shape] if m[0] in frames),
                       key=lambda m: m[0])
        assert [m[0] for m in found] == item.get("frames", frames), f"{item['topic']}: wrong frames"
        return np.stack([real(data, kind, item["shape"]) for _, data in found])


def real(data, kind, shape):
    """Packed values as an array; bfloat16 as float32, integers under 8 bits as 8 bits."""
    if kind == "bfloat16":
        return (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4").reshape(shape)
    if kind in PACKED:
        bits = PACKED[kind]
        count = int(np.prod(shape))
        codes = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")[:count * bits]
        codes = (codes.reshape(count, bits) << np.arange(bits)).sum(1)
        if kind.startswith("int"):
            codes = np.where(codes >= 1 << (bits - 1), codes - (1 << bits), codes)
        return codes.astype(np.uint8 if kind.startswith("u") else np.int8).reshape(shape)
    return np.frombuffer(data, np.dtype(kind).newbyteorder("<")).reshape(shape)


def arrays(trace, index, load):
    """Differences of the arrays that an index lists."""
    for item in index["tensors"]:
        item["chosen"] = index["frames"]
        expected, found = trace.values(item), load(item["key"])
        if found.dtype != expected.dtype or found.shape != expected.shape:
            yield f"{item['key']!r} is {found.dtype} {found.shape}, not {expected.dtype} {expected.shape}"
        elif found.tobytes() != expected.tobytes():
            yield f"{item['key']!r} has other values"


def npy(trace, folder):
    index = json.loads((folder / "index.json").read_text())
    names = {item["key"] for item in index["tensors"]} | {"index.json"}
    if names != {str(p.relative_to(folder)) for p in folder.rglob("*")}:
        yield "files and index differ"
    yield from arrays(trace, index, lambda key: np.load(folder / key))


def npz(trace, path):
    with np.load(path) as archive:
        index = json.loads(archive["index.json"])
        if sorted(archive.files) != sorted([i["key"] for i in index["tensors"]] + ["index.json"]):
            yield "members and index differ"
        if archive.zip.testzip() is not None:
            yield "a checksum is wrong"
        yield from arrays(trace, index, lambda key: archive[key])


def safetensors(trace, path):
    with safe_open(path, "np") as file:
        index = json.loads(file.metadata()["exray.index"])
        if sorted(file.keys()) != sorted(item["key"] for item in index["tensors"]):
            yield "tensors and index differ"
    loaded = load_file(path)

    def load(key):
        value = loaded[key]
        return value.astype(np.float32) if value.dtype == ml_dtypes.bfloat16 else value

    yield from arrays(trace, index, load)


def table(folder, name):
    with open(folder / f"{name}.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def tables(trace, folder):
    def compare(name, expected):
        found = table(folder, name)
        if found != expected:
            yield f"{name}.csv is {found[:3]} …, not {expected[:3]} …"

    def frame(sequence):
        about = next(s for n, _, s in trace.samples["/frames"] if n == sequence)
        return {"frame": str(sequence), "name": about["name"], "label": about.get("label", ""),
                "time_nanoseconds": str(about["timeNanoseconds"])}

    def rows(topic):
        return sorted(trace.samples.get(topic, []), key=lambda s: s[0])

    yield from compare("latency", [
        frame(n) | {"preprocess_nanoseconds": str(s["preprocessNanoseconds"]),
                    "inference_nanoseconds": str(s["inferenceNanoseconds"]),
                    "end_to_end_nanoseconds": str(s["endToEndNanoseconds"])}
        for n, _, s in rows("/latency")])
    yield from compare("memory", [
        frame(n) | {"resident_bytes": str(s["residentBytes"]), "peak_bytes": str(s["peakBytes"]),
                    "processor_nanoseconds": ""}
        for n, _, s in rows("/memory")])
    yield from compare("spans", [
        {"frame": str(n), "name": s["name"], "start_nanoseconds": str(s["startNanoseconds"]),
         "duration_nanoseconds": str(s["durationNanoseconds"])}
        for n, _, spans in rows("/spans") for s in spans])
    yield from compare("ops", [
        {"frame": str(n), "position": str(p), "op_index": str(s.get("opIndex", "")),
         "label": s["label"], "microseconds": str(s["microseconds"])}
        for n, _, ops in rows("/ops") for p, s in enumerate(ops)])
    scalars = [(str(t), "" if n == 2**32 - 1 else str(n), s["name"], float(s["value"]))
               for n, t, s in trace.samples.get("/scalars", [])]
    found = [(r["time_nanoseconds"], r["frame"], r["name"], float(r["value"]))
             for r in table(folder, "scalars")]
    if found != scalars:
        yield f"scalars.csv is {found}, not {scalars}"
    readings = sorted(
        (str(t), topic.removeprefix("/sensors/"), name, value)
        for topic, samples in trace.samples.items() if topic.startswith("/sensors/")
        for _, t, s in samples for name, value in s.items() if isinstance(value, (int, float)))
    found = sorted((r["time_nanoseconds"], r["sensor"], r["component"], float(r["value"]))
                   for r in table(folder, "sensors"))
    if found != readings:
        yield f"sensors.csv is {found}, not {readings}"


def timeline(trace, path):
    """Whether slices of a lane nest, and each frame, span, op and memory sample is there."""
    document = json.loads(path.read_text())
    events = document["traceEvents"]
    names = {(e["name"], e.get("tid", 0)) for e in events if e["ph"] == "M"}
    if ("process_name", 0) not in names:
        yield "the process has no name"
    slices = [e for e in events if e["ph"] == "X"]
    for lane in {e["tid"] for e in slices}:
        if ("thread_name", lane) not in names:
            yield f"lane {lane} has no name"
        stack = []
        ordered = sorted((round(e["ts"] * 1000), -round(e["dur"] * 1000)) for e in slices
                         if e["tid"] == lane)
        for start, negative in ordered:
            while stack and stack[-1] <= start:
                stack.pop()
            if stack and start - negative > stack[-1]:
                yield f"slices of lane {lane} overlap at {start} ns"
            stack.append(start - negative)
    frames = [s["name"] for _, _, s in trace.samples["/frames"]]
    spans = [s["name"] for _, _, spans in trace.samples.get("/spans", []) for s in spans]
    ops = [s["label"] for _, _, ops in trace.samples.get("/ops", []) for s in ops]
    found = [e["name"] for e in slices]
    for name in set(frames + spans + ops):
        if found.count(name) < (frames + spans + ops).count(name):
            yield f"slice {name!r} is missing"
    origin = int(document["otherData"]["originNanoseconds"])
    starts = {(e["name"], round(e["ts"] * 1000), round(e["dur"] * 1000)) for e in slices}
    for _, _, list_ in trace.samples.get("/spans", []):
        for s in list_:
            if (s["name"], s["startNanoseconds"] - origin, s["durationNanoseconds"]) not in starts:
                yield f"span {s['name']!r} has another place"
    memory = [e for e in events if e["ph"] == "C" and e["name"] == "resident memory"]
    if [e["args"]["bytes"] for e in memory] != [
            s["residentBytes"] for _, _, s in trace.samples.get("/memory", [])]:
        yield "the memory counter has other values"


def main():
    trace, folder = Trace(sys.argv[1]), Path(sys.argv[2])
    checks = {"npy": npy, "tensors.npz": npz, "tensors.safetensors": safetensors, "csv": tables,
              "timeline.json": timeline}
    problems = [f"{name}: {problem}" for name, check in checks.items() if (folder / name).exists()
                for problem in check(trace, folder / name)]
    print("\n".join(problems) or "identical")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
