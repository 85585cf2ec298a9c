"""Makes the detective's suite of sounds: faulty, unrelated and healthy features, by other libraries.

    .deps/python/bin/python3 Scripts/make_sound_suite.py DATA OUTPUT [--seed 4] [--cases 200]

DATA is the folder of shared data. NumPy, SciPy and python_speech_features make the features
(check_sound.py); none of EXray's code takes part. Of twenty cases fourteen are faulty, three are
unrelated, three are healthy. OUTPUT/suite.json lists them with what is true of each; OUTPUT/CASE/ holds
model-input.npy, intended.json and the WAV files that are not in DATA. A case depends on the seed and on its own
number alone. Documentation/detective-suite.md says what is in it.
"""

import argparse
import concurrent.futures
import json
import multiprocessing
import os
import pathlib

# Small matrices: threads of their own would wait for each other. Read when NumPy is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import scipy.io.wavfile
import scipy.ndimage
import scipy.signal

from check_sound import KWS, LOGMEL, PSF, TOYCAR, change, pipeline, read

# A fault that moves features by less than this cannot be told apart: a part of their deviation, and steps.
VISIBLE, VISIBLE_STEPS = 1e-3, 0.5
# Of unrelated processing, the best line a feature must leave this part of the deviation.
UNRELATED = 0.25
KINDS = ["faulty"] * 5 + ["unexplained", "healthy"] + ["faulty"] * 5 + ["unexplained", "healthy"] \
    + ["faulty"] * 4 + ["unexplained", "healthy"]

LIBROSA = change({
    "name": "librosa.feature.mfcc", "frames": {"length": 2048, "fft": 2048},
    "log": {"kind": "dB", "offset": 0, "floor": 1e-10, "range": 80},
    "mfcc": {"count": 20, "first": 0, "scaling": "ortho"}}, TOYCAR)
TORCHAUDIO = {
    "exraySoundRecipe": 1, "name": "torchaudio.transforms.MFCC",
    "signal": {"sampleRate": 16000, "scale": "/32768", "length": 16000},
    "frames": {"length": 400, "hop": 200, "window": "hann/periodic", "fft": 400, "pad": "center/reflect"},
    "spectrum": "power",
    "mel": {"bands": 64, "low": 0, "high": 8000, "formula": "htk", "triangles": "hertz"},
    "log": {"kind": "dB", "floor": 1e-10, "range": 80},
    "mfcc": {"count": 40, "first": 0, "scaling": "ortho"},
}
SPECTROGRAM = {
    "exraySoundRecipe": 1, "name": "tf.signal.stft of 255 samples",
    "signal": {"sampleRate": 16000, "scale": "/32768", "length": 16000},
    "frames": {"length": 255, "hop": 128, "window": "hann/periodic", "fft": 256},
    "spectrum": "magnitude",
}
BASES = [KWS, KWS, LOGMEL, LOGMEL, PSF, TOYCAR, LIBROSA, TORCHAUDIO, SPECTROGRAM]


def pick(rng, options):
    return options[int(rng.integers(len(options)))]


# Faults.


def in_time(base, rate):
    """A rate that frames in milliseconds follow."""
    old, frames = base["signal"]["sampleRate"], base["frames"]
    length = frames["length"] * rate // old
    return {"signal": {"sampleRate": rate}, "mel": {"high": min(base["mel"]["high"], rate / 2)},
            "frames": {"length": length, "hop": frames["hop"] * rate // old,
                       "fft": length if frames["fft"] == frames["length"] else 1 << (length - 1).bit_length()}}


def catalogue(base, stereo, rate, rng):
    """All faults against a recipe: (cause, what was done, changes)."""
    found = []

    def add(cause, did, update):
        found.append((cause, did, update))

    s, f, log = base["signal"], base["frames"], base.get("log", {"kind": "none"})
    add("byte-order", "bytes swapped", {"signal": {"byteOrder": "big"}})
    for scale in ("int16", "/32768", "/32767", "max", "abs-max"):
        if scale != s["scale"]:
            add("scaling", f"{s['scale']} -> {scale}", {"signal": {"scale": scale}})
    for factor in (0, 0.9, 0.95, 0.97):
        if factor != base.get("preEmphasis", 0):
            add("pre-emphasis", str(factor), {"preEmphasis": factor})
    if stereo:
        for mix in ("first", "last", "interleaved"):
            add("channel-mix", mix, {"signal": {"channels": mix}})
    if rate != s["sampleRate"]:
        for how in ("none", "nearest"):
            add("sample-rate", f"resampling: {how}", {"signal": {"resample": how}})
    elif "mel" in base:
        for other in (8000, 11025, 22050, 44100, 48000):
            high = min(base["mel"]["high"], other / 2)
            add("sample-rate", str(other), {"signal": {"sampleRate": other}, "mel": {"high": high}})
    if rate == s["sampleRate"]:
        for other in (8000, 22050, 44100):
            update = in_time(change({"mel": {"high": 8000}}, base) if "mel" not in base else base, other)
            if "mel" not in base:
                # Another number of frequencies is no quiet fault.
                continue
            update["mel"]["high"] = min(base["mel"]["high"], other / 2)
            add("sample-rate", f"{other}, frames in milliseconds", update)
    enclosing = 1 << (f["length"] - 1).bit_length()
    for length in (200, 256, 320, 400, 480, 512, 640, 1024):
        if length != f["length"] and (length <= f["fft"] or "mel" in base):
            fft = f["fft"]
            if fft == enclosing or fft < length:
                fft = 1 << (length - 1).bit_length()
            if "mel" in base or fft == f["fft"]:
                add("framing", f"length {length}", {"frames": {"length": length, "fft": fft}})
    for hop in (80, 128, 160, 200, 240, 256, 320, 400, 480, 512):
        if hop != f["hop"]:
            add("framing", f"hop {hop}", {"frames": {"hop": hop}})
    for pad in ("none", "end", "center/zero", "center/reflect"):
        if pad != f.get("pad", "none") and f["fft"] % 2 == 0:
            add("framing", f"pad {pad}", {"frames": {"pad": pad}})
    for window in ("hann/periodic", "hann/symmetric", "hamming/periodic", "hamming/symmetric", "rectangular"):
        if window != f["window"]:
            add("window", window, {"frames": {"window": window}})
    if "mel" in base:
        for fft in (f["length"], 256, 512, 1024, 2048, 4096):
            if fft >= f["length"] and fft != f["fft"]:
                add("fft-size", str(fft), {"frames": {"fft": fft}})
    for spectrum in ("magnitude", "power", "power/fft"):
        if spectrum != base["spectrum"]:
            add("spectrum", spectrum, {"spectrum": spectrum})
    if "mel" in base:
        bands(base, add)
    logarithms(log, add)
    if "mfcc" in base:
        coefficients(base, add)
    add("layout", "transposed", {"layout": "band-time" if base.get("layout") != "band-time" else "time-band"})
    normalisations(base, add, rng)
    return found


def bands(base, add):
    mel = base["mel"]
    for low in (0, 20, 60, 64, 80, 125, 300):
        if low != mel["low"]:
            add("mel-range", f"low {low}", {"mel": {"low": low}})
    for high in (3800, 4000, 7000, 7500, 7600, 8000):
        if high != mel["high"]:
            add("mel-range", f"high {high}", {"mel": {"high": high}})
    if mel.get("triangles") != "bins":
        other = "slaney" if mel.get("formula", "htk") == "htk" else "htk"
        add("mel-filters", other, {"mel": {"formula": other}})
        other = "none" if mel.get("norm") == "slaney" else "slaney"
        add("mel-filters", f"norm {other}", {"mel": {"norm": other}})
        other = "hertz" if mel.get("triangles", "mel") == "mel" else "mel"
        add("mel-filters", f"triangles {other}", {"mel": {"triangles": other}})
    else:
        for triangles in ("mel", "hertz"):
            add("mel-filters", f"triangles {triangles}", {"mel": {"triangles": triangles}})
    if "mfcc" in base:
        for count in (20, 26, 32, 40, 64, 80, 128):
            if count != mel["bands"] and count >= base["mfcc"]["count"] + base["mfcc"]["first"]:
                add("mel-filters", f"{count} bands", {"mel": {"bands": count}})


def logarithms(log, add):
    if log["kind"] == "none":
        for kind in ("ln", "log10", "dB"):
            add("log", kind, {"log": {"kind": kind, "offset": 1e-6}})
        return
    for kind in ("none", "ln", "log10", "dB"):
        if kind != log["kind"]:
            add("log", kind, {"log": {"kind": kind}})
    for value in (1, 1e-3, 1e-5, 1e-6, 1e-8, 1e-10, 1e-12):
        if value != log.get("offset", 0):
            add("log", f"offset {value}", {"log": {"offset": value, "floor": 0}})
        if value != log.get("floor", 0):
            add("log", f"floor {value}", {"log": {"offset": 0, "floor": value}})
    add("log", "range", {"log": {"range": None if log.get("range") else 80}})


def coefficients(base, add):
    mfcc, most = base["mfcc"], base["mel"]["bands"]
    for first in (0, 1):
        if first != mfcc["first"] and first + mfcc["count"] <= most:
            add("mfcc", f"from {first}", {"mfcc": {"first": first}})
    for scaling in ("none", "ortho", "tensorflow"):
        if scaling != mfcc["scaling"]:
            add("mfcc", f"scaling {scaling}", {"mfcc": {"scaling": scaling}})
    lifter = 0 if mfcc.get("lifter") else 22
    add("mfcc", f"lifter {lifter}", {"mfcc": {"lifter": lifter}})
    add("mfcc", "no transform", {"mfcc": None, "mel": {"bands": mfcc["count"]}})


def normalisations(base, add, rng):
    norm = base.get("normalize", {"kind": "none"})
    for kind in ("none", "per-clip", "per-feature"):
        if kind != norm.get("kind", "affine"):
            add("normalization", kind, {"normalize": {"kind": kind}})
    other = {"kind": "affine", "mean": round(float(rng.uniform(-20, 20)), 2),
             "std": round(float(np.exp(rng.uniform(-1.5, 3))), 2)}
    add("normalization", f"({other['mean']}, {other['std']})", {"normalize": other})
    if norm.get("kind", "affine") == "affine":
        add("normalization", "mean forgotten", {"normalize": {"kind": "affine", "mean": 0, "std": norm["std"]}})
        add("normalization", "deviation forgotten", {"normalize": {"kind": "affine", "mean": norm["mean"], "std": 1}})


def changed(base, update):
    """A recipe with changes; None removes a stage, and a normalisation is replaced as a whole."""
    result = change({k: v for k, v in update.items() if v is not None and k != "normalize"}, base)
    for key, value in update.items():
        if value is None:
            result.pop(key, None)
        if key == "normalize":
            result[key] = value
    if result.get("log", {}).get("range", 0) is None:
        del result["log"]["range"]
    return result


def with_all(base, faults):
    result = base
    for _, _, update in faults:
        result = changed(result, update)
    return result


# Features.


def features(paths, recipe, kind=np.float64):
    """(sound, …) or None where the recipe makes none, or none that are numbers."""
    try:
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            made = [pipeline(path, recipe, kind) for path in paths]
    except (ValueError, IndexError, AssertionError):
        return None
    if len({m.shape for m in made}) != 1:
        return None
    result = np.stack(made)
    return result if result.size and np.isfinite(result).all() and result.std() > 0 else None


def stored(values, tensor):
    """As a model's input holds them."""
    if tensor["type"] == "float32":
        return values.astype(np.float32)
    limits = np.iinfo(tensor["type"])
    steps = values / tensor["scale"] + tensor["zeroPoint"]
    steps = np.floor(steps) if tensor["rounding"] == "down" else np.rint(steps)
    return np.clip(steps, limits.min, limits.max).astype(tensor["type"])


def within(values, tensor):
    """Real numbers cut off as the tensor's type cuts them."""
    if tensor["type"] == "float32":
        return values
    limits = np.iinfo(tensor["type"])
    low, high = ((limit - tensor["zeroPoint"]) * tensor["scale"] for limit in (limits.min, limits.max))
    return np.clip(values, low, high)


def is_same(a, b, tensor):
    """Whether two features cannot be told apart."""
    if a is None or b is None or a.shape != b.shape:
        return False
    a, b = within(a, tensor), within(b, tensor)
    distance = float(np.sqrt(np.mean((a - b) ** 2)))
    if tensor["type"] == "float32":
        return distance < VISIBLE * a.std()
    return distance < VISIBLE_STEPS * tensor["scale"]


def is_coarse(values, tensor):
    """Whether features vary by less than a step, so that rounding hides them: int8 made for others, as by a forgotten gain."""
    return tensor["type"] != "float32" and within(values, tensor).std() < tensor["scale"]


def lined(source, target, tensor, by_feature, layout):
    """The best straight line from features to others: one for all, or one a feature."""
    if source is None or source.shape != target.shape:
        return None
    axis = 1 if layout == "band-time" else 2
    cut = within(target, tensor)
    inside = cut == target
    result = np.empty_like(target)
    for index in range(target.shape[axis]) if by_feature else [slice(None)]:
        part = (slice(None),) * axis + (index,)
        x, y, use = source[part], target[part], inside[part]
        if use.sum() < 3 or np.ptp(x[use]) == 0:
            return None
        result[part] = np.polyval(np.polyfit(x[use], y[use], 1), x)
    return result


def equal_causes(paths, base, faults, index, options, wanted, tensor):
    """Causes of other faults that, in the place of one, give the same features."""
    others = faults[:index] + faults[index + 1 :]
    causes = {cause for cause, _, _ in others} | {faults[index][0]}
    # A line of drawn numbers: another one in its place says the same.
    any_line = any(cause == "normalization" and did.startswith("(") for cause, did, _ in others)
    found = set()

    def is_equal(recipe, count):
        made, target = features(paths[:count], recipe), wanted[:count]
        return is_same(target, made, tensor) or any_line and is_same(
            target, lined(made, target, tensor, False, recipe.get("layout")), tensor)

    for option in options:
        if option[0] in causes | found:
            continue
        recipe = with_all(base, others + [option])
        if is_equal(recipe, 1) and is_equal(recipe, len(paths)):
            found.add(option[0])
    if any_line or "normalization" not in causes:
        plain = with_all(base, others)
        source, layout = features(paths, plain), plain.get("layout")
        if any(is_same(wanted, lined(source, wanted, tensor, each, layout), tensor) for each in (False, True)):
            found.add("normalization")
    return sorted(found)


# Sounds.


def clips(data):
    folder = data / "data" / "speech_wav" / "clips"
    return sorted(str(p) for p in folder.glob("*.wav") if not p.name.startswith("tflm"))


def padded(path):
    return np.pad(read(path)[1], (0, 16000))[:16000]


def sounds(rng, names, folder, kind):
    """WAV files, whether they are stereo, and their rate."""
    paths = [str(p) for p in rng.choice(names, int(rng.integers(1, 5)), replace=False)]
    if kind == 0:
        made = []
        for index, path in enumerate(paths):
            other = padded(str(pick(rng, names)))
            name = folder / f"stereo-{index}.wav"
            both = np.stack([padded(path), other * rng.uniform(0.5, 1)], 1)
            scipy.io.wavfile.write(name, 16000, both.astype(np.int16))
            made.append(str(name))
        return made, True, 16000
    if kind == 1:
        rate, made = pick(rng, [8000, 22050, 44100, 48000]), []
        for index, path in enumerate(paths):
            divisor = int(np.gcd(rate, 16000))
            x = scipy.signal.resample_poly(padded(path), rate // divisor, 16000 // divisor)
            name = folder / f"rate-{index}.wav"
            scipy.io.wavfile.write(name, rate, np.clip(np.rint(x), -32768, 32767).astype(np.int16))
            made.append(str(name))
        return made, False, rate
    return paths, False, 16000


def intended(rng, paths, rate, stereo):
    base = change({}, pick(rng, BASES))
    if rate != 16000:
        base["signal"]["resample"] = "linear"
    if stereo:
        base["signal"]["channels"] = "mean"
    if rng.integers(3):
        base["frames"]["count"] = int(features(paths[:1], base).shape[1])
    draw = int(rng.integers(6))
    if draw == 0:
        values = features(paths, base)
        base["normalize"] = {"kind": "affine", "mean": round(float(values.mean()), 2), "std": round(float(values.std()), 2) or 1.0}
    if draw == 1:
        base["normalize"] = {"kind": pick(rng, ["per-clip", "per-feature"])}
    if rng.integers(6) == 0:
        base["layout"] = "band-time"
    return base


def tensor_for(rng, names, base, rate, stereo, paths):
    """A float32 input, or an int8 one with the range that a few sounds have."""
    if rng.integers(2):
        return {"type": "float32"}
    sample = paths if rate != 16000 or stereo else paths + [str(p) for p in rng.choice(names, 8, replace=False)]
    values = features(sample, base)
    scale = float(np.float32((values.max() - values.min()) / 255))
    return {"type": "int8", "scale": scale, "zeroPoint": int(np.rint(-128 - values.min() / scale)),
            "rounding": pick(rng, ["nearest", "nearest", "down"])}


def arranged(rng, values, did_transpose):
    """The shapes in which arrays are saved."""
    count, rows, columns = values.shape
    shapes = [(count, rows, columns), (count, rows, columns, 1), (count, 1, rows, columns)]
    if did_transpose:
        # The bytes of one order in the shape of the other.
        shapes.append((count, columns, rows))
    return values.reshape(pick(rng, shapes))


# Processing that no recipe describes: of samples, of features.


def speed(rng, x):
    factor = pick(rng, [0.85, 1.18, 1.3])
    return np.interp(np.arange(int(len(x) / factor)) * factor, np.arange(len(x)), x)


def reverb(rng, x):
    response = rng.normal(0, 1, 6400) * np.exp(-np.arange(6400) / 1500)
    response[0] = 1
    y = scipy.signal.fftconvolve(x, response)[: len(x)]
    return y / np.abs(y).max() * np.abs(x).max()


def bandpass(rng, x):
    return scipy.signal.sosfilt(scipy.signal.butter(6, [900, 1900], "bandpass", fs=16000, output="sos"), x)


WAVES = {
    "reversed": lambda rng, x: x[::-1],
    "shifted": lambda rng, x: np.roll(x, int(rng.integers(3000, 9000))),
    "noise at 0 dB": lambda rng, x: x + rng.normal(0, x.std(), len(x)),
    "clipped": lambda rng, x: np.clip(x, -0.03 * np.abs(x).max(), 0.03 * np.abs(x).max()),
    "speed": speed, "reverberation": reverb, "band-pass": bandpass,
    "phase vocoded up": lambda rng, x: scipy.signal.hilbert(x).real * np.cos(2 * np.pi * 700 * np.arange(len(x)) / 16000),
}
VALUES = {
    "noise": lambda rng, y: rng.normal(y.mean(), y.std(), y.shape),
    "shuffled": lambda rng, y: rng.permutation(y.ravel()).reshape(y.shape),
    "differences over time": lambda rng, y: np.gradient(y, axis=1),
    "sorted": lambda rng, y: np.sort(y, axis=1),
    "frames shuffled": lambda rng, y: y[:, rng.permutation(y.shape[1])],
    "divided by a running mean": lambda rng, y: y / (np.abs(scipy.ndimage.uniform_filter1d(y, 9, axis=1)) + 0.05 * y.std()),
    "blurred": lambda rng, y: scipy.ndimage.gaussian_filter(y, (0, 3, 2)),
}


def unrelated(rng, names, folder, paths, base):
    """Features made otherwise, and how."""
    name = pick(rng, ["another clip", "another clip"] + sorted(WAVES) + sorted(VALUES))
    if name in VALUES:
        return VALUES[name](rng, features(paths, base)), name
    others = []
    for index, path in enumerate(paths):
        if name == "another clip":
            others.append(str(pick(rng, [n for n in names if n not in paths])))
            continue
        y = WAVES[name](rng, padded(path))
        y = y * min(1, 32000 / np.abs(y).max())
        others.append(str(folder / f"other-{index}.wav"))
        scipy.io.wavfile.write(others[-1], 16000, y.astype(np.int16))
    values = features(others, base)
    for other in folder.glob("other-*.wav"):
        other.unlink()
    return values, name


def is_unrelated(paths, base, options, values, tensor):
    """Whether the intended recipe, and any with one fault, leaves much with the best line a feature."""
    values = values[:1]
    for fault in [None] + options:
        recipe = base if fault is None else changed(base, fault[2])
        fitted = lined(features(paths[:1], recipe), values, tensor, True, recipe.get("layout"))
        if fitted is not None and np.sqrt(np.mean((fitted - values) ** 2)) < UNRELATED * values.std():
            return False
    return True


# Cases.


def drawn(rng, options, count):
    """Faults of different causes, every cause as likely as another."""
    causes = sorted({option[0] for option in options})
    chosen = [str(c) for c in rng.choice(causes, min(count, len(causes)), replace=False)]
    return [pick(rng, [o for o in options if o[0] == cause]) for cause in chosen]


def clashes(faults):
    """Whether two faults turn the same knob, so that the second undoes the first."""
    keys = []
    for _, _, update in faults:
        for key, value in update.items():
            keys += [(key, k) for k in value] if isinstance(value, dict) and key != "normalize" else [(key, None)]
    stages = {key for key, inner in keys if inner is None}
    return len(set(keys)) < len(keys) or any(key in stages and inner for key, inner in keys)


def faulty(rng, names, folder):
    kind = int(rng.integers(8))
    paths, stereo, rate = sounds(rng, names, folder, kind)
    base = intended(rng, paths, rate, stereo)
    tensor = tensor_for(rng, names, base, rate, stereo, paths)
    options = catalogue(base, stereo, rate, rng)
    healthy = features(paths, base)
    for _ in range(200):
        count = 1 if rng.integers(2) else int(pick(rng, [2, 2, 2, 3]))
        faults = drawn(rng, options, count)
        if kind < 2 and faults[0][0] not in ("channel-mix", "sample-rate"):
            # The file was made for this fault.
            wanted = "channel-mix" if kind == 0 else "sample-rate"
            faults = [pick(rng, [o for o in options if o[0] == wanted])] + [f for f in faults[1:] if f[0] != wanted]
        if clashes(faults):
            continue
        recipe = with_all(base, faults)
        values = features(paths, recipe)
        if values is None or np.mean(within(values, tensor) != values) > 0.5 or is_coarse(values, tensor):
            continue
        if is_same(values, healthy, tensor):
            continue
        alone = [features(paths, with_all(base, faults[:i] + faults[i + 1 :])) for i in range(len(faults))]
        if any(is_same(values, other, tensor) for other in alone):
            continue
        if len(faults) > 1 and described_by_fewer(paths, base, faults, options, values, tensor):
            continue
        truth = [{"cause": f"preprocess.sound.{cause}", "did": did, "visible": True, "alsoRight": [
            f"preprocess.sound.{c}" for c in equal_causes(paths, base, faults, i, options, values, tensor)]}
            for i, (cause, did, _) in enumerate(faults)]
        made = features(paths, recipe, pick(rng, [np.float32, np.float64]))
        did_transpose = any(cause == "layout" for cause, _, _ in faults)
        return paths, base, tensor, arranged(rng, stored(made, tensor), did_transpose), {
            "truth": truth, "tolerated": [], "actual": recipe}
    return None


def described_by_fewer(paths, base, faults, options, values, tensor):
    """Whether one fault, or one and a line, describes what several did."""
    for option in options:
        recipe = changed(base, option[2])
        source = features(paths[:1], recipe)
        if is_same(values[:1], source, tensor):
            return True
        if len(faults) > 2:
            fitted = lined(source, values[:1], tensor, False, recipe.get("layout"))
            if is_same(values[:1], fitted, tensor):
                return True
    return False


def other(rng, names, folder, kind):
    for _ in range(60):
        paths, stereo, rate = sounds(rng, names, folder, int(rng.integers(2, 8)))
        base = intended(rng, paths, rate, stereo)
        tensor = tensor_for(rng, names, base, rate, stereo, paths)
        if kind == "healthy":
            values = features(paths, base, pick(rng, [np.float32, np.float64]))
            return paths, base, tensor, arranged(rng, stored(values, tensor), False), {}
        values, name = unrelated(rng, names, folder, paths, base)
        if values is None or np.mean(within(values, tensor) != values) > 0.5:
            continue
        if is_unrelated(paths, base, catalogue(base, stereo, rate, rng), values, tensor):
            return paths, base, tensor, arranged(rng, stored(values, tensor), False), {"processing": name}
    return None


def case(task):
    data, output, seed, index = task
    kind = KINDS[index % len(KINDS)]
    folder = output / f"{kind}-{index:04d}"
    folder.mkdir(parents=True)
    names = clips(data)
    for again in range(50):
        rng = np.random.default_rng([seed, index, again])
        made = faulty(rng, names, folder) if kind == "faulty" else other(rng, names, folder, kind)
        if made:
            break
    paths, base, tensor, values, facts = made
    np.save(folder / "model-input.npy", values)
    (folder / "intended.json").write_text(json.dumps(base, indent=1))
    return {"name": folder.name, "kind": kind, "seed": seed, "raw": paths, "tensor": tensor, **facts}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--cases", type=int, default=200)
    options = parser.parse_args()
    tasks = [(options.data, options.output, options.seed, index) for index in range(options.cases)]
    # A pool of forks waits for ever when one dies or inherits a lock that nobody opens.
    fresh = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(2, fresh) as pool:
        cases = list(pool.map(case, tasks, chunksize=2))
    (options.output / "suite.json").write_text(json.dumps({"cases": cases}, indent=1))


if __name__ == "__main__":
    main()
