"""Says what Python's libraries make of sounds, for the tests of EXraySound.

    .deps/python/bin/python3 Scripts/check_sound.py FOLDER [--seed N]

Writes into FOLDER:
- wav.json: files made by scipy.io.wavfile and struct, and the values that SciPy, wave and NumPy read;
- transforms.json: seeded frames and the squared magnitudes of numpy.fft.rfft;
- features.json: sounds, recipes and the features of NumPy, SciPy and python_speech_features.
Arrays are little-endian float32 or float64 files beside them. Nothing here is computed by EXray: bands
after the published formulas of tf.signal (TensorFlow 2) and librosa 0.10, the transform by scipy.fft, windows
by scipy.signal.get_window.
"""

import argparse
import json
import os
import struct
import wave

import numpy as np
import python_speech_features as psf
import scipy.fft
import scipy.io.wavfile
import scipy.signal


def save(folder, name, values, kind="<f4"):
    np.asarray(values).astype(kind).tofile(os.path.join(folder, name))
    return name


def write(folder, name, value):
    with open(os.path.join(folder, name), "w") as out:
        json.dump(value, out, indent=1)


# WAV files.


def wav_cases(folder, rng):
    cases = []
    for index, (dtype, channels, rate) in enumerate(
        (d, c, r)
        for d in ("uint8", "int16", "int24", "int32", "float32")
        for c, r in ((1, 16000), (2, 44100), (3, 8000), (6, 48000))
    ):
        count = int(rng.integers(1, 400))
        name = f"case-{index}.wav"
        path = os.path.join(folder, name)
        if dtype == "int24":
            raw = rng.integers(-(1 << 23), 1 << 23, (count, channels))
            with wave.open(path, "wb") as out:
                out.setparams((channels, 3, rate, 0, "NONE", ""))
                out.writeframes(b"".join(struct.pack("<i", v)[:3] for v in raw.ravel()))
            with wave.open(path) as back:
                data = np.frombuffer(back.readframes(count), np.uint8).reshape(-1, 3)
            unit = (data[:, 0] | data[:, 1].astype(int) << 8 | data[:, 2].astype(np.int8).astype(int) << 16)
            unit = unit.reshape(count, channels) / 256
            # SciPy reads 24 bits into the upper bits of int32.
            assert np.array_equal(scipy.io.wavfile.read(path)[1].reshape(count, channels) / 65536, unit)
        else:
            if dtype == "float32":
                raw = rng.normal(0, 0.4, (count, channels)).astype(np.float32)
            else:
                info = np.iinfo(dtype)
                raw = rng.integers(info.min, info.max + 1, (count, channels)).astype(dtype)
            scipy.io.wavfile.write(path, rate, raw)
            back = scipy.io.wavfile.read(path)[1].reshape(count, channels).astype(float)
            unit = {
                "uint8": lambda x: (x - 128) * 256,
                "int16": lambda x: x,
                "int32": lambda x: x / 65536,
                "float32": lambda x: x * 32768,
            }[dtype](back)
        if index % 2:
            make_extensible(path)
        cases.append({"file": name, "rate": rate, "channels": channels, "count": count,
                      "values": save(folder, f"case-{index}.f64", unit, "<f8")})
    write(folder, "wav.json", cases)


def make_extensible(path):
    """Rewrites a file's format as WAVE_FORMAT_EXTENSIBLE, with an odd chunk before the samples."""
    data = open(path, "rb").read()
    at = data.index(b"fmt ") + 8
    code, channels, rate, byte_rate, align, bits = struct.unpack_from("<HHIIHH", data, at)
    start = data.index(b"data")
    guid = struct.pack("<H", code) + bytes.fromhex("000000001000800000aa00389b71")
    fmt = struct.pack("<HHIIHHHHI", 0xFFFE, channels, rate, byte_rate, align, bits, 22, bits, 0) + guid
    body = b"WAVEfmt " + struct.pack("<I", len(fmt)) + fmt + b"LIST" + struct.pack("<I", 3) + b"abc\0"
    body += data[start:]
    open(path, "wb").write(b"RIFF" + struct.pack("<I", len(body)) + body)
    # SciPy must still read the same.
    scipy.io.wavfile.read(path)


def transform_cases(folder, rng):
    cases = []
    for size in (1, 2, 3, 8, 15, 17, 200, 256, 400, 480, 511, 512, 882, 1024, 1323, 2048):
        frame = rng.normal(0, 1, size)
        power = np.abs(np.fft.rfft(frame)) ** 2
        cases.append({"size": size, "frame": save(folder, f"frame-{size}.f64", frame, "<f8"),
                      "power": save(folder, f"power-{size}.f64", power, "<f8")})
    write(folder, "transforms.json", cases)


# The pipeline, from recipes as EXray writes them.


def hz_to_mel(f, formula):
    f = np.asarray(f, float)
    if formula == "htk":
        return 1127.0 * np.log(1.0 + f / 700.0)
    return np.where(f < 1000, f / (200 / 3), 15 + np.log(np.maximum(f, 1e-9) / 1000) / (np.log(6.4) / 27))


def mel_to_hz(m, formula):
    if formula == "htk":
        return 700.0 * (np.exp(m / 1127.0) - 1.0)
    return np.where(m < 15, m * (200 / 3), 1000 * np.exp((m - 15) * (np.log(6.4) / 27)))


def bands_matrix(mel, rate, fft):
    """(bin, band)"""
    count, formula = mel["bands"], mel.get("formula", "htk")
    if mel.get("triangles", "mel") == "bins":
        return psf.get_filterbanks(count, fft, rate, mel["low"], mel["high"]).T
    edges = np.linspace(hz_to_mel(mel["low"], formula), hz_to_mel(mel["high"], formula), count + 2)
    hertz = mel_to_hz(edges, formula)
    bins = np.linspace(0, rate / 2, fft // 2 + 1) if fft % 2 == 0 else np.fft.rfftfreq(fft, 1 / rate)
    if mel.get("triangles", "mel") == "mel":
        # tf.signal.linear_to_mel_weight_matrix: no weight for the first bin.
        x, e = hz_to_mel(bins[1:], formula)[:, None], edges
        matrix = np.maximum(0, np.minimum((x - e[:-2]) / (e[1:-1] - e[:-2]), (e[2:] - x) / (e[2:] - e[1:-1])))
        matrix = np.pad(matrix, [[1, 0], [0, 0]])
    else:
        # librosa.filters.mel
        ramps = hertz[:, None] - bins[None, :]
        lower = -ramps[:-2] / np.diff(hertz)[:-1, None]
        upper = ramps[2:] / np.diff(hertz)[1:, None]
        matrix = np.maximum(0, np.minimum(lower, upper)).T
    if mel.get("norm", "none") == "slaney":
        matrix = matrix * (2.0 / (hertz[2:] - hertz[:-2]))
    return matrix


WINDOWS = {
    "hann/periodic": lambda n: scipy.signal.get_window("hann", n),
    "hann/symmetric": np.hanning,
    "hamming/periodic": lambda n: scipy.signal.get_window("hamming", n),
    "hamming/symmetric": np.hamming,
    "rectangular": np.ones,
}


def read(path, order="little", mix="mean"):
    rate, x = scipy.io.wavfile.read(path)
    if order == "big":
        x = x.byteswap()
    if x.ndim > 1:
        x = {"mean": lambda: x.astype(float).mean(1), "first": lambda: x[:, 0],
             "last": lambda: x[:, -1], "interleaved": x.ravel}[mix]()
    return rate, x.astype(float)


def pipeline(path, r, kind=np.float64):
    s, f = r.get("signal", {}), r["frames"]
    source, x = read(path, s.get("byteOrder", "little"), s.get("channels", "mean"))
    rate = s.get("sampleRate", 16000)
    if s.get("resample", "none") != "none" and source != rate:
        count = len(x) * rate // source
        t = np.arange(count) * source / rate
        if s["resample"] == "linear":
            x = np.interp(t, np.arange(len(x)), x)
        else:
            x = x[np.arange(count) * source // rate]
    scale = s.get("scale", "/32768")
    x = x / {"int16": 1, "/32768": 32768, "/32767": 32767}.get(scale, 1)
    if scale == "max":
        x = x / x.max()
    if scale == "abs-max":
        x = x / np.abs(x).max()
    if s.get("length"):
        x = np.pad(x, (0, max(0, s["length"] - len(x))))[: s["length"]]
    if r.get("preEmphasis"):
        x = psf.sigproc.preemphasis(x, r["preEmphasis"])
    x = x.astype(kind)
    n, hop, fft, pad = f["length"], f["hop"], f["fft"], f.get("pad", "none")
    window = WINDOWS[f.get("window", "hann/periodic")](n)
    if pad == "end":
        frames = psf.sigproc.framesig(x, n, hop)
    else:
        if pad.startswith("center"):
            x = np.pad(x, fft // 2, mode="reflect" if pad.endswith("reflect") else "constant")
            left = (fft - n) // 2
            window = np.pad(window, (left, fft - n - left))
            n = fft
        frames = np.stack([x[i : i + n] for i in range(0, len(x) - n + 1, hop)])
    spectrum = np.abs(scipy.fft.rfft((frames * window).astype(kind), fft))
    if r.get("spectrum", "magnitude") != "magnitude":
        spectrum = spectrum**2
    if r.get("spectrum") == "power/fft":
        spectrum = spectrum / fft
    y = spectrum
    if "mel" in r:
        y = y @ bands_matrix(r["mel"], rate, fft).astype(kind)
    log = r.get("log", {"kind": "none"})
    if log["kind"] != "none":
        y = np.maximum(y, log.get("floor", 0)) + kind(log.get("offset", 0))
        db = 20 if r.get("spectrum", "magnitude") == "magnitude" else 10
        y = {"ln": np.log, "log10": np.log10, "dB": lambda v: db * np.log10(v)}[log["kind"]](y)
        if log.get("range"):
            y = np.maximum(y, y.max() - log["range"])
    if "mfcc" in r:
        m = r["mfcc"]
        bands = y.shape[1]
        scaling = m.get("scaling", "tensorflow")
        y = scipy.fft.dct(y, type=2, axis=1, norm="ortho" if scaling == "ortho" else None)
        if scaling == "tensorflow":
            y = y / np.sqrt(2.0 * bands)
        if m.get("lifter"):
            y = psf.lifter(y, m["lifter"])
        y = y[:, m.get("first", 0) :][:, : m["count"]]
    norm = r.get("normalize", {"kind": "none"})
    kinds = {
        "none": lambda: y, "per-clip": lambda: (y - y.mean()) / y.std(),
        "per-feature": lambda: (y - y.mean(0)) / np.where(y.std(0) > 0, y.std(0), 1),
        "affine": lambda: (y - np.asarray(norm["mean"])) / np.asarray(norm["std"]),
    }
    y = kinds[norm.get("kind", "affine")]()
    if f.get("count"):
        y = np.pad(y[: f["count"]], ((0, max(0, f["count"] - len(y))), (0, 0)))
    return (y.T if r.get("layout") == "band-time" else y).astype(kind)


# Recipes of models.

KWS = {
    "exraySoundRecipe": 1, "name": "MLPerf Tiny keyword spotting",
    "signal": {"sampleRate": 16000, "scale": "max", "length": 16000},
    "frames": {"length": 480, "hop": 320, "window": "hann/periodic", "fft": 512, "count": 49},
    "spectrum": "magnitude",
    "mel": {"bands": 40, "low": 20, "high": 4000, "formula": "htk", "triangles": "mel"},
    "log": {"kind": "ln", "offset": 1e-6},
    "mfcc": {"count": 10, "first": 0, "scaling": "tensorflow"},
}
TOYCAR = {
    "exraySoundRecipe": 1, "name": "log-mel as librosa has it",
    "signal": {"sampleRate": 16000, "scale": "/32768", "length": 16000},
    "frames": {"length": 1024, "hop": 512, "window": "hann/periodic", "fft": 1024, "pad": "center/zero"},
    "spectrum": "power",
    "mel": {"bands": 128, "low": 0, "high": 8000, "formula": "slaney", "triangles": "hertz", "norm": "slaney"},
    "log": {"kind": "dB", "offset": 2.220446049250313e-16},
}
LOGMEL = {
    "exraySoundRecipe": 1, "name": "64 log-mel bands, as YAMNet",
    "signal": {"sampleRate": 16000, "scale": "/32768", "length": 16000},
    "frames": {"length": 400, "hop": 160, "window": "hann/periodic", "fft": 512, "count": 96},
    "spectrum": "magnitude",
    "mel": {"bands": 64, "low": 125, "high": 7500, "formula": "htk", "triangles": "mel"},
    "log": {"kind": "ln", "offset": 0.001},
}
PSF = {
    "exraySoundRecipe": 1, "name": "python_speech_features.mfcc",
    "signal": {"sampleRate": 16000, "scale": "int16", "length": 16000},
    "preEmphasis": 0.97,
    "frames": {"length": 400, "hop": 160, "window": "rectangular", "fft": 512, "pad": "end"},
    "spectrum": "power/fft",
    "mel": {"bands": 26, "low": 0, "high": 8000, "triangles": "bins"},
    "log": {"kind": "ln", "floor": 2.220446049250313e-16},
    "mfcc": {"count": 13, "first": 0, "scaling": "ortho", "lifter": 22},
}
RECIPES = [KWS, TOYCAR, LOGMEL, PSF]


def seeded_sound(rng, count=16000, channels=1):
    t = np.arange(count)[:, None] / 16000
    pitch = rng.uniform(90, 250, channels)
    x = sum(np.sin(2 * np.pi * k * pitch * t + rng.uniform(0, 6, channels)) / k for k in range(1, 25))
    x = x * (0.3 + 0.7 * np.sin(2 * np.pi * 3 * t) ** 2) + rng.normal(0, 0.05, (count, channels))
    return (x / np.abs(x).max() * rng.uniform(6000, 30000)).astype(np.int16).squeeze()


def feature_cases(folder, rng):
    cases = []
    for rate, channels in ((16000, 1), (16000, 2), (22050, 1)):
        name = f"sound-{rate}-{channels}.wav"
        path = os.path.join(folder, name)
        scipy.io.wavfile.write(path, rate, seeded_sound(rng, 16000, channels))
        recipes = [change({}, base) for base in RECIPES]
        for _ in range(30):
            recipes.append(random_recipe(rng))
        for recipe in recipes:
            if channels > 1:
                recipe["signal"]["channels"] = str(rng.choice(["mean", "first", "last", "interleaved"]))
            if rate != 16000:
                recipe["signal"]["resample"] = str(rng.choice(["none", "nearest", "linear"]))
            y = pipeline(path, recipe)
            if recipe.get("name") == PSF["name"] and channels == 1 and rate == 16000:
                # The library itself, not its parts.
                x = read(path)[1]
                assert np.allclose(psf.mfcc(x, 16000, appendEnergy=False), y, atol=1e-9)
            cases.append({"file": name, "recipe": recipe, "shape": list(y.shape),
                          "features": save(folder, f"features-{len(cases)}.f64", y, "<f8")})
    write(folder, "features.json", cases)


def change(update, base):
    result = json.loads(json.dumps(base))
    for key, value in update.items():
        if isinstance(value, dict):
            result[key] = {**result.get(key, {}), **value}
        else:
            result[key] = value
    return result


def random_recipe(rng):
    pick = lambda *options: options[int(rng.integers(len(options)))]
    r = change({}, pick(KWS, TOYCAR, LOGMEL))
    r["signal"].update(scale=pick("int16", "/32768", "/32767", "max", "abs-max"), byteOrder=pick("little", "little", "big"))
    r["preEmphasis"] = pick(0, 0.97)
    length = pick(400, 480, 512)
    r["frames"] = {"length": length, "hop": pick(160, 320, 333), "fft": pick(512, 1024, length),
                   "window": pick(*WINDOWS), "pad": pick("none", "end", "center/zero", "center/reflect")}
    if r["frames"]["pad"] == "end" or r["frames"]["fft"] % 2:
        r["frames"]["pad"] = "none"
    r["spectrum"] = pick("magnitude", "power", "power/fft")
    r["mel"] = {"bands": pick(20, 32, 40), "low": pick(0, 60, 300), "high": pick(3800, 7600),
                "formula": pick("htk", "slaney"), "triangles": pick("mel", "hertz"), "norm": pick("none", "slaney")}
    r["log"] = {"kind": pick("none", "ln", "log10", "dB"), "offset": pick(1e-6, 1e-3)}
    if pick(0, 1):
        r["log"]["range"] = 80
    r["mfcc"] = {"count": pick(10, 13), "first": pick(0, 1), "scaling": pick("none", "ortho", "tensorflow"), "lifter": pick(0, 22)}
    if pick(0, 1):
        del r["mfcc"]
    r["normalize"] = pick({"kind": "none"}, {"kind": "per-clip"}, {"kind": "per-feature"}, {"mean": 3, "std": 2})
    r["layout"] = pick("time-band", "band-time")
    return r


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    generator = np.random.default_rng(options.seed)
    wav_cases(options.folder, generator)
    transform_cases(options.folder, generator)
    feature_cases(options.folder, generator)
