"""Writes small runs as ML-EXray's loggers leave them, with the values that they were made from.

    python Scripts/make_mlexray_traces.py FOLDER            the fixtures of EXrayExchangeTests
    python Scripts/make_mlexray_traces.py --large FOLDER N  one frame with N values in every spelling

The three layouts are those of its Python, C++ and Android loggers (github.com/hangqiu/ML-EXray). Beside each run lies
`expected.json`: for each frame and tensor the type, the shape and the little-endian values as hexadecimal digits, and
the tensors that cannot be taken over because the log does not hold their values.
"""
import json
import struct
import sys
import zlib
from pathlib import Path

import numpy as np

SEED = 20_261_121


def expect(frames, frame, role, name, values, shape=None):
    """Notes what an importer must find."""
    array = np.ascontiguousarray(values)
    frames.setdefault(str(frame), {})[f"{role} {name}"] = {
        "elementType": str(array.dtype),
        "shape": list(array.shape) if shape is None else list(shape),
        "bytes": array.tobytes().hex(),
    }


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="")


def save(folder, expected):
    write(folder / "expected.json", json.dumps(expected, indent=1, sort_keys=True) + "\n")


def widened(values):
    """Python's lists hold integers of any type; int32 is the smallest that an importer takes."""
    return values.astype(np.int32) if values.dtype.kind in "iu" else values


def python_run(folder, generator):
    """EdgeMLMonitor.py: lists of `flatten().tolist()`, seconds that are called ms."""
    frames, refused = {}, []
    for frame in range(2):
        layers = {
            "serving_default_image:0": generator.random((1, 4, 4, 3), dtype=np.float32),
            "model/conv/Relu;model/bn": generator.standard_normal((1, 2, 2, 8)).astype(np.float32),
            "edges": np.array(
                [np.nan, np.inf, -np.inf, -0.0, 1e-45, 3.4028235e38, 1e-07, 123456.79], np.float32),
            "codes: int8": generator.integers(-128, 128, 16).astype(np.int8),
            "mask": np.array([True, False, True]),
            "precise": generator.standard_normal(5),
            "StatefulPartitionedCall:0": generator.random((1, 10), dtype=np.float32),
        }
        lines = []
        for name, values in layers.items():
            lines.append(f"{name}: {values.flatten().tolist()}\n")
            expect(frames, frame, "layer", name, widened(values.flatten()))
        if frame == 1:
            square = generator.random((2, 3), dtype=np.float32)
            lines.append(f"nested: {square.tolist()}\n")
            expect(frames, frame, "layer", "nested", square)
            lines.append(f"typed: {[np.float32(v) for v in square.flatten()]!r}\n")
            expect(frames, frame, "layer", "typed", square.flatten())
            lines.append(f"printed: {square!s}\n")
            words = str(square).replace("[", "").replace("]", "").split()
            expect(frames, frame, "layer", "printed", np.array(words, np.float32).reshape(2, 3))
            with np.printoptions(threshold=4):
                lines.append(f"elided: {np.arange(40, dtype=np.float32).reshape(8, 5)}\n")
            lines.append("ragged: [[1.0, 2.0], [3.0]]\n")
            refused = ["elided", "ragged"]
        output = layers["StatefulPartitionedCall:0"]
        image = layers["serving_default_image:0"]
        best = output[0].argsort()[-3:][::-1]
        result = [[item for i in best for item in (i, output[0][i])]]
        expect(frames, frame, "output", "Output", output.flatten())
        expect(frames, frame, "input", "Input", image.flatten())
        raw = generator.integers(0, 256, 12).astype(np.uint8)
        expect(frames, frame, "custom", "RawInput", widened(raw))
        expect(frames, frame, "custom", "Inference Result",
               np.array([[float(str(v)) for v in result[0]]], np.float32))
        seconds = 0.0125 * (frame + 1)
        write(folder / f"log/{frame}.log",
              f"Inference Start Time: {1_700_000_000.25 + frame} ms\n"
              f"Inference Time: {seconds} ms\nInference Result: {result}\n")
        write(folder / f"nativeLog/{frame:08d}",
              f"Inference Latency: {seconds}ms\nLayer Output:\n{''.join(lines)}\n"
              f"Output: {output.flatten().tolist()} \nEmbeddings:  \n"
              f"Input: {image.flatten().tolist()}\nRawInput: {raw.tolist()}\n"
              f"FPS Latency: {seconds + 0.5}\n")
    save(folder, {"frames": frames, "refused": refused,
                  "times": {"0": 1_700_000_000_250_000_000, "1": 1_700_000_001_250_000_000},
                  "inference": {"0": 12_500_000, "1": 25_000_000},
                  "endToEnd": {"0": 512_500_000, "1": 525_000_000}})


def stream(value):
    """A number as a C++ stream prints it: six significant digits."""
    return "%g" % value


def stream_run(folder, generator):
    """edgeml_monitor_native.cpp: values with blanks between them, true milliseconds."""
    frames = {}
    for frame in range(2):
        layers = {
            "input:0": generator.random((1, 3, 3, 2), dtype=np.float32),
            "conv/Relu6": generator.standard_normal((1, 2, 2, 4)).astype(np.float32) * np.float32(1e-6),
            "same name": np.zeros((1, 2), np.float32),
            "edges": np.array([np.nan, np.inf, -np.inf, 1e20], np.float32),
        }
        text = ("Resizing Start time: 1.62304e+12ms\nResizing Latency: 3.25ms\n"
                "Inference Start time: 1.62304e+12ms\n"
                f"Inference Latency: {12.5 + frame}ms\nInference memory usage: \n"
                "max resident set size = 1.5 MB, total malloc-ed size = 0 MB,"
                " in-use allocated/mmapped size = 0.25 MB\n")
        embedding = generator.random((1, 6), dtype=np.float32)
        text += "Embeddings Dims: [ 1 6 ]\nEmbeddings:" + "".join(
            f" {stream(v)}" for v in embedding.flatten()) + "\n"
        expect(frames, frame, "embedding", "Embeddings", printed(embedding))
        text += "Layer Outputs:\n"
        for position, (name, values) in enumerate(layers.items()):
            dims = "".join(f" {n}" for n in values.shape)
            text += f"Layer id {position}, Layer dims [{dims}] Layer end time 0\n{name}:"
            text += "".join(f" {stream(v)}" for v in values.flatten()) + "\n"
            expect(frames, frame, "layer", name, printed(values))
        # As published: as many extents and values as there are layers, whatever the tensor holds.
        text += ("Layer id 4, Layer dims [ 1 112 112 16 0 1.4013e-45] Layer end time 0\n"
                 "stray: 0.5 1 2 3 4 5\n"
                 "Layer id 5, Layer dims [ 1 112 112 16 33] Layer end time 0\ncut off: 0.5 1 2 3 4\n")
        text += "Input:" + "".join(f" {stream(v)}" for v in layers["input:0"].flatten()) + "\n"
        text += "Output: 0 1 0\n"
        expect(frames, frame, "input", "Input", printed(layers["input:0"]).flatten())
        expect(frames, frame, "output", "Output", np.array([0, 1, 0], np.float32))
        text += f"Frame Start time: 1.62304e+12ms\nFPS Latency: {30.5 + frame}ms\n"
        write(folder / f"nativeLog/{frame:08d}", text)
    write(folder / "nativeLog/init.log",
          "Initialization Start time: 1.62304e+12ms.\nInitialization latency: 45.5ms.\n"
          "Initialization memeory usage: \nmax resident set size = 6.5 MB, total malloc-ed size = 0 MB,"
          " in-use allocated/mmapped size = 2 MB\n")
    save(folder, {"frames": frames, "refused": ["cut off", "stray"],
                  "times": {"0": 0, "1": 30_500_000},
                  "inference": {"0": 12_500_000, "1": 13_500_000},
                  "endToEnd": {"0": 30_500_000, "1": 31_500_000}})


def printed(values):
    """What is left of values that a C++ stream printed."""
    return np.array([np.float32(stream(v)) for v in values.flatten()], np.float32).reshape(values.shape)


def picture():
    """A PNG of 2 × 2 pixels."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + bytes(range(6 * y, 6 * y + 6)) for y in range(2))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def android_run(folder, _):
    """EdgeMLMonitor.java: whole milliseconds since the machine started, and sensors."""
    for frame in range(2):
        write(folder / f"log/{frame}.log",
              "LSM6DSO Accelerometer\n\t81234567890000: [0.125, -9.75, 1.0E-4]\n"
              "\t81234567860000: [0.25, -9.5, 0.0]\n"
              "LSM6DSO Gyroscope\n\t81234567890001: [0.5, 0.25, -0.125]\n"
              "Rotation Vector\n\t81234567890002: [0.0, 0.0, 0.0, 1.0, -1.0]\n"
              "TCS3701 Ambient Light\n\t81234567890003: [312.5, 0.0, 0.0]\n"
              "BMP380 Pressure\n\t81234567890004: [1013.25]\n\n"
              f"Inference Start Time: {81234567 + 100 * frame} ms\nInference Time: {21 + frame} ms\n"
              "Inference Result: [[0] cat (95.1%), [1] dog (3.0%)]\n\n")
        path = folder / f"input/{frame}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture())
    write(folder / "log/meta.log", "Classification\nMobileNetV2\n\n")
    save(folder, {"frames": {"0": {}, "1": {}}, "refused": [],
                  "times": {"0": 81_234_567_000_000, "1": 81_234_667_000_000},
                  "inference": {"0": 21_000_000, "1": 22_000_000},
                  "endToEnd": {"0": 21_000_000, "1": 22_000_000}})


def large_run(folder, count):
    """One frame with values in every spelling, and what Python makes of each text."""
    generator = np.random.default_rng(SEED)
    bits = generator.integers(0, 2**32, count, dtype=np.uint64).astype(np.uint32)
    # No text tells one NaN from another.
    single = np.where(np.isnan(bits.view(np.float32)), np.float32(np.nan), bits.view(np.float32))
    double = generator.integers(0, 2**63, count, dtype=np.uint64).view(np.float64)
    double = np.where(np.isnan(double), np.nan, double)
    short = [f"{m}e{e}" for m, e in zip(generator.integers(0, 10**9, count).tolist(),
                                        generator.integers(-36, 29, count).tolist())]
    frames = {}
    write(folder / "nativeLog/00000000",
          "Inference Latency: 0.5ms\nLayer Output:\n"
          f"as float64: {single.tolist()}\n"
          f"typed: {[np.float32(v) for v in single]!r}\n"
          f"double: {double.tolist()}\n"
          f"short: [{', '.join(short)}]\n"
          f"whole: {bits.astype(np.int64).tolist()}\n\n")
    expect(frames, 0, "layer", "as float64", single)
    expect(frames, 0, "layer", "typed", single)
    expect(frames, 0, "layer", "double", double)
    expect(frames, 0, "layer", "short", np.array(short, np.float32))
    expect(frames, 0, "layer", "whole", bits.astype(np.int64))
    save(folder, {"frames": frames, "refused": [], "times": {"0": 0},
                  "inference": {"0": 500_000_000}, "endToEnd": {"0": 500_000_000}})


def main():
    if sys.argv[1] == "--large":
        return large_run(Path(sys.argv[2]), int(sys.argv[3]))
    generator = np.random.default_rng(SEED)
    for name, make in [("python", python_run), ("stream", stream_run), ("android", android_run)]:
        make(Path(sys.argv[1]) / name, generator)


if __name__ == "__main__":
    sys.exit(main())
