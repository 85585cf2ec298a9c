"""Makes the detective's suite: faulty, unrelated and healthy model inputs, by other libraries.

    .deps/python/bin/python3 Scripts/make_detective_suite.py DATA OUTPUT [--seed 4] [--cases 1400]

DATA is the folder of shared data. Pillow, OpenCV, libjpeg-turbo and NumPy make the tensors; none of
EXray's code takes part. Of seven cases five are faulty, one is unrelated, one is healthy.
OUTPUT/suite.json lists them with what is true of each; OUTPUT/CASE/ holds model-input.npy and
intended.json. A case depends on the seed and on its own name alone, so that a smaller suite is a part of
a larger one. Documentation/detective-suite.md says what is in it.
"""

import argparse
import concurrent.futures
import copy
import io
import itertools
import json
import multiprocessing
import pathlib

import cv2
import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from detective_pipelines import (
    EXCLUSIVE, FAMILIES, FAULTS, METHODS, affine, decoded, intended, levels, model_input, pick, real, recipe, stored)

F = np.float32
# A fault that moves values by less than this, in levels of 255 (root mean square), cannot be told apart.
VISIBLE = 0.25
# Where this scale meets [-1,1], values lie half way between two steps: right spellings differ by a step.
HALF_WAY, VISIBLE_HALF_WAY = 0.007843137718737125, 1.0
# Every so manieth faulty case keeps a fault that cannot be seen.
HIDDEN_EVERY = 40


def planted(rng, right, families):
    """The faulty pipeline, and by family: (keys changed, what was done, its cause, other right names)."""
    how, changes = copy.deepcopy(right), {}
    for family in families:
        before = copy.deepcopy(how)
        did, cause, also = FAULTS[family](rng, how)
        changes[family] = ({k: how[k] for k in how if how[k] != before[k]}, did, cause, also)
    return how, changes


def without(right, changes, *families):
    """The faulty pipeline with some families put right."""
    how = dict(right)
    for other, change in changes.items():
        if other not in families:
            how.update(change[0])
    return how


def cancels(paths, a, right, changes, step, least):
    """Whether two faults undo each other: the mean forgotten and the zero point too are the right values."""
    return any(
        visibility(a, model_input(paths, without(right, changes, *pair)), step) < least
        for pair in itertools.combinations(changes, 2))


def level_step(how):
    """How far one level of 255 moves the tensor."""
    step = 1.0
    for rule in how["normalize"]:
        divisor, _, std = affine(rule)
        step *= float(np.mean(1 / (divisor * std)))
    return step / how["tensor"].get("scale", 1)


def visibility(a, b, step):
    """The distance of two tensors in levels (root mean square); infinite where their shapes differ."""
    if a.shape != b.shape:
        return float("inf")
    return float(np.sqrt(np.mean((a.astype(float) - b) ** 2)) / step)


def is_offset(a, how):
    """Whether the sign bit is the same in all values, so that the other sign is an offset and nothing else."""
    upper = a >= (0 if how["tensor"]["type"] == "int8" else 128)
    return upper.all() or not upper.any()


def saturation(a):
    if a.dtype == np.float32:
        return 0
    limits = np.iinfo(a.dtype)
    return np.mean((a == limits.min) | (a == limits.max))


# Pictures.


class Pictures:
    """The real pictures of the data folder."""

    def __init__(self, data):
        names = ("imagenet_100/images", "coco_val_64/images", "photos")
        folders = [data / "data" / name for name in names]
        self.color, self.grey = [], []
        for path in sorted(p for folder in folders for p in folder.iterdir()):
            if path.suffix.lower() not in (".jpg", ".jpeg", ".png") or "mask" in path.name:
                continue
            image = Image.open(path)
            if image.getexif().get(274, 1) == 1 and "icc_profile" not in image.info:
                {"RGB": self.color, "L": self.grey}.get(image.mode, []).append(path)
        self.jpeg = [p for p in self.color if p.suffix.lower() != ".png"]

    def draw(self, rng, how, folder, hidden):
        """One to four pictures; with an orientation or with alpha, they are written to the case's folder."""
        count = int(rng.choice([1, 2, 3, 4], p=[0.6, 0.2, 0.1, 0.1]))
        kind = how["decode-kind"]
        pool = self.grey if hidden else self.jpeg if kind in ("exif", "jpeg") else self.color
        paths = [pool[int(i)] for i in rng.choice(len(pool), min(count, len(pool)), replace=False)]
        if kind == "exif":
            return [self.noted(path, how["orientation"], folder, k) for k, path in enumerate(paths)]
        if kind == "alpha":
            return [self.transparent(rng, path, folder, k) for k, path in enumerate(paths[:2])]
        return paths

    @staticmethod
    def noted(path, orientation, folder, number):
        """The same JPEG with the camera's orientation noted in it."""
        exif = Image.Exif()
        exif[274] = orientation
        body = exif.tobytes()
        body = body if body.startswith(b"Exif") else b"Exif\0\0" + body
        data = path.read_bytes()
        target = folder / f"raw-{number}.jpg"
        target.write_bytes(data[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + data[2:])
        return target

    @staticmethod
    def transparent(rng, path, folder, number):
        """The picture, at most 320 pixels, with a soft oval of alpha."""
        image = Image.open(path).convert("RGB")
        image.thumbnail((320, 320))
        y, x = np.mgrid[-1:1:image.height * 1j, -1:1:image.width * 1j]
        alpha = np.clip((rng.uniform(0.8, 1.4) - np.hypot(x, y)) * 400, 0, 255).astype(np.uint8)
        image.putalpha(Image.fromarray(alpha))
        target = folder / f"raw-{number}.png"
        image.save(target, compress_level=3)
        return target


# Processing that no recipe describes.


def elastic(rng, a):
    h, w = a.shape[:2]
    dx, dy = (cv2.GaussianBlur(rng.uniform(-1, 1, (h, w)).astype(F), (0, 0), 6) for _ in range(2))
    y, x = np.mgrid[0:h, 0:w].astype(F)
    gain = 6 / max(dx.std(), dy.std())
    return cv2.remap(a, x + dx * gain, y + dy * gain, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def tilted(rng, a):
    h, w = a.shape[:2]
    angle = float(rng.uniform(8, 35)) * float(pick(rng, [-1, 1]))
    return cv2.warpAffine(a, cv2.getRotationMatrix2D((w / 2, h / 2), angle, 1), (w, h))


def perspective(rng, a):
    h, w = a.shape[:2]
    corners = np.float32([[0, 0], [w, 0], [w, h], [0, h]])
    moved = corners + rng.uniform(-0.15, 0.15, (4, 2)).astype(F) * F([w, h])
    return cv2.warpPerspective(a, cv2.getPerspectiveTransform(corners, moved), (w, h))


def recompressed(rng, a):
    out = io.BytesIO()
    Image.fromarray(a).save(out, "JPEG", quality=20)
    return np.asarray(Image.open(out))


def jittered(rng, a):
    hsv = cv2.cvtColor(a, cv2.COLOR_RGB2HSV).astype(int)
    hsv[..., 0] = (hsv[..., 0] + int(rng.integers(20, 160))) % 180
    image = Image.fromarray(cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB))
    return np.asarray(ImageEnhance.Contrast(image).enhance(float(rng.uniform(0.5, 1.6))))


def shuffled(rng, a):
    rows, columns = (np.array_split(np.arange(n), 4) for n in a.shape[:2])
    tiles = [(r, c) for r in range(4) for c in range(4)]
    out = a.copy()
    for (r, c), k in zip(tiles, rng.permutation(16)):
        tile = a[np.ix_(rows[tiles[k][0]], columns[tiles[k][1]])]
        out[np.ix_(rows[r], columns[c])] = cv2.resize(tile, (len(columns[c]), len(rows[r])))
    return out


def clahe(rng, a):
    lab = cv2.cvtColor(a, cv2.COLOR_RGB2LAB)
    lab[..., 0] = cv2.createCLAHE(4, (8, 8)).apply(np.ascontiguousarray(lab[..., 0]))
    return cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)


def noisy(rng, a):
    return np.clip(a + rng.normal(0, 30, a.shape), 0, 255).astype(np.uint8)


def pillow(change):
    return lambda rng, a: np.asarray(change(Image.fromarray(a)))


PROCESSINGS = {
    "noise": lambda rng, a: rng.integers(0, 256, a.shape, dtype=np.uint8),
    "another picture": None,
    "mixed with another picture": None,
    "blur": pillow(lambda image: image.filter(ImageFilter.GaussianBlur(3))),
    "JPEG at quality 20": recompressed,
    "sharpened": pillow(lambda image: image.filter(ImageFilter.UnsharpMask(3, 250, 0))),
    "histogram equalised": pillow(ImageOps.equalize),
    "elastic warp": elastic,
    "colour jitter": jittered,
    "tilted": tilted,
    "perspective": perspective,
    "shuffled tiles": shuffled,
    "local contrast": clahe,
    "noise added": noisy,
    "median": pillow(lambda image: image.filter(ImageFilter.MedianFilter(7))),
    "posterised": pillow(lambda image: ImageOps.posterize(image, 2)),
    "solarised": pillow(lambda image: ImageOps.solarize(image, 100)),
    "edges": lambda rng, a: cv2.Laplacian(a, cv2.CV_8U, ksize=3),
}


def unlike_any_resize(a, path, how):
    """Levels that the best straight line per channel leaves, whatever the resize method."""
    left = []
    for method in METHODS:
        trial = dict(how, resize=dict(how["resize"], method=method))
        if how["resize"]["method"] == "none" and left:
            break
        known = levels(decoded(path, trial), trial).astype(float)
        rest = 0
        for c in range(3):
            line = np.polyfit(known[..., c].ravel(), a[..., c].astype(float).ravel(), 1)
            rest += np.mean((a[..., c] - np.polyval(line, known[..., c])) ** 2) / 3
        left.append(rest ** 0.5)
    return min(left)


# Cases.


def base(rng, families, hidden):
    how = intended(rng, "quantization" in families)
    kind = pick(rng, ["jpeg", "jpeg", "exif", "alpha"]) if "decode" in families else "any"
    if not families and rng.random() < 0.25:
        kind = pick(rng, ["exif", "alpha"])
    how["decode-kind"] = "jpeg" if hidden and kind == "alpha" else kind
    how["orientation"] = int(rng.integers(2, 9))
    if kind == "exif":
        how["exif"] = bool(rng.random() < 0.7)
    return how


def families_of(rng, k, hidden):
    if hidden:
        return [pick(rng, ["channel-order", "grayscale", "resize"])]
    if k % 2 == 0:
        return [FAMILIES[k // 2 % len(FAMILIES)]]
    while True:
        count = int(rng.choice([2, 3, 4], p=[0.5, 0.35, 0.15]))
        chosen = {FAMILIES[int(i)] for i in rng.choice(len(FAMILIES), count, replace=False)}
        if not any(pair <= chosen for pair in EXCLUSIVE):
            return [f for f in FAMILIES if f in chosen]


def faulty(rng, k, album, folder):
    hidden = k % HIDDEN_EVERY == HIDDEN_EVERY - 1
    families = families_of(rng, k, hidden)
    for _ in range(200):
        right = base(rng, families, hidden)
        if right["decode-kind"] == "exif" and {"rotation", "flip"} & set(families):
            continue
        how, changes = planted(rng, right, families)
        if how["quantize"] == "twice" and "normalization" in families:
            continue
        paths = album.draw(rng, right, folder, hidden)
        a, step = model_input(paths, how), level_step(how)
        if saturation(a) > (0.995 if how["quantize"] == "twice" else 0.5):
            continue
        turned = "channel-order" in changes and isinstance(how["normalize"][0], dict) and \
            np.ndim(how["normalize"][0].get("mean", 0)) + np.ndim(how["normalize"][0].get("std", 0)) == 2
        least = VISIBLE_HALF_WAY if how["tensor"].get("scale") == HALF_WAY else VISIBLE
        truth = []
        for family, (_, did, cause, also) in changes.items():
            seen = visibility(a, model_input(paths, without(right, changes, family)), step)
            if family == "normalization" and turned:  # As if BGR had been the author's wish throughout.
                also = [*also, "channel-order"]
            if did == "other-sign" and is_offset(model_input(paths, without(right, changes, family)), right):
                also = [*also, "normalization"]
            truth.append({
                "family": family, "did": did, "cause": f"preprocess.{cause}",
                "alsoRight": [f"preprocess.{name}" for name in also], "visible": seen >= least,
                "levels": round(min(seen, 1e9), 3)})
        if cancels(paths, a, right, changes, step, least):
            continue
        if all(t["visible"] for t in truth) != hidden:
            # Where nothing is resized, or where it begins to be, the method follows the crop.
            follows = "none" in (right["resize"]["method"], how["resize"]["method"]) or \
                "center-pixels" in (right["crop"]["mode"], how["crop"]["mode"])
            return right, paths, a, {"truth": truth, "tolerated": ["preprocess.resize"] if follows else []}
    raise RuntimeError(f"no picture shows {families}")


def unexplained(rng, k, album, folder):
    name = list(PROCESSINGS)[k % len(PROCESSINGS)]
    for _ in range(60):
        right = base(rng, ["none"], False)
        paths = album.draw(rng, right, folder, False)
        frames = []
        for path in paths:
            a = np.ascontiguousarray(levels(decoded(path, right), right))
            if PROCESSINGS[name]:
                a = PROCESSINGS[name](rng, a)
            else:
                other = levels(decoded(pick(rng, [p for p in album.color if p not in paths]), right), right)
                share = 0 if name == "another picture" else rng.uniform(0.35, 0.65)
                a = np.rint(a * share + other * (1 - share)).astype(np.uint8)
            frames.append(a)
        left = min(unlike_any_resize(a, path, right) for a, path in zip(frames, paths))
        if left >= 4:
            a = np.stack([stored(real(frame, right), right) for frame in frames])
            return right, paths, a, {"processing": name, "leftInLevels": round(left, 2)}
    raise RuntimeError(f"no picture shows {name}")


def healthy(rng, k, album, folder):
    right = base(rng, [], False)
    paths = album.draw(rng, right, folder, False)
    return right, paths, model_input(paths, right), {}


def case(job):
    """Writes one case and gives its row of suite.json."""
    seed, index, data, output = job
    cv2.setNumThreads(1)
    make, k = (
        (faulty, index // 7 * 5 + index % 7) if index % 7 < 5 else
        ((unexplained, healthy)[index % 7 - 5], index // 7))
    name = f"{make.__name__}-{k:04}"
    folder = output / name
    folder.mkdir(parents=True, exist_ok=True)
    right, paths, a, facts = make(np.random.default_rng([seed, index]), k, Pictures(data), folder)
    for unused in set(folder.glob("raw-*")) - set(paths):
        unused.unlink()
    np.save(folder / "model-input.npy", a)
    (folder / "intended.json").write_text(json.dumps(recipe(right), indent=1))
    return dict(
        {"name": name, "kind": make.__name__, "seed": [seed, index], "raw": [str(p) for p in paths],
         "tensor": right["tensor"]}, **facts)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--cases", type=int, default=1400)
    options = parser.parse_args()
    data, output = options.data.resolve(), options.output.resolve()
    jobs = [(options.seed, index, data, output) for index in range(options.cases)]
    # A pool of forks waits for ever when one dies or inherits a lock that nobody opens.
    fresh = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(2, fresh) as pool:
        rows = list(pool.map(case, jobs, chunksize=4))
    (output / "suite.json").write_text(json.dumps({"seed": options.seed, "cases": rows}, indent=1))
    print(f"{len(rows)} cases in {output}")


if __name__ == "__main__":
    main()
