"""Says what Pillow, OpenCV and NumPy make of pictures, for the tests of EXrayPreprocess.

    .deps/python/bin/python3 Scripts/check_preprocess.py FOLDER [--data FOLDER] [--record]

Writes FOLDER/cases.json: a list of cases, each a picture, a recipe and the SHA-256 of the levels
(`image`) or of the little-endian float32 values (`real`) or of the packed values (`stored`) that the
other libraries give; float pictures (`float`) are files of float32 levels, with a tolerance in levels. Pictures are either made from a seed, in the same way here and in the tests, or
files that this script writes to FOLDER or that lie in the data folder.

--record prints the cases that need no file as the Swift table of RecordedCases.swift instead.
"""

import argparse
import hashlib
import io
import json
import os

import cv2
import numpy as np
from PIL import Image, ImageOps

F = np.float32


def seeded(seed, width, height):
    """The picture of a seed: noise for odd seeds, a slope with a little noise for even ones."""
    count = width * height * 3
    index = np.arange(1, (count + 7) // 8 + 1, dtype=np.uint64)
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + index * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    noise = z.astype("<u8").view(np.uint8)[:count].reshape(height, width, 3)
    if seed % 2:
        return noise.copy()
    y, x, c = np.mgrid[0:height, 0:width, 0:3]
    return ((x * 2 + y + c * 50 + (noise & 15)) & 255).astype(np.uint8)


# TensorFlow's resizes as NumPy formulas.


def tf_taps(size, target, centers):
    scale = F(size - 1) / F(target - 1) if centers == "corners" and target > 1 else F(size) / F(target)
    position = np.arange(target, dtype=F)
    center = (position + F(0.5)) * scale - F(0.5) if centers == "half" else position * scale
    floor = np.floor(center)
    lower = np.clip(floor.astype(int), 0, size - 1)
    upper = np.clip(np.ceil(center).astype(int), 0, size - 1)
    return lower, upper, (center - floor).astype(F)


def tf_bilinear(a, width, height, centers):
    x0, x1, fx = tf_taps(a.shape[1], width, centers)
    y0, y1, fy = tf_taps(a.shape[0], height, centers)
    a, fx, fy = a.astype(F), fx[None, :, None], fy[:, None, None]
    top = a[y0][:, x0] + (a[y0][:, x1] - a[y0][:, x0]) * fx
    bottom = a[y1][:, x0] + (a[y1][:, x1] - a[y1][:, x0]) * fx
    return top + (bottom - top) * fy


def tf_cubic_taps(size, target):
    center = (np.arange(target, dtype=F) + F(0.5)) * (F(size) / F(target)) - F(0.5)
    floor = np.floor(center)
    step = np.rint((center - floor) * F(1024)) / F(1024)
    a = F(-0.5)
    inner = lambda x: ((a + F(2)) * x - (a + F(3))) * x * x + F(1)
    outer = lambda x: ((a * (x + F(1)) - F(5) * a) * (x + F(1)) + F(8) * a) * (x + F(1)) - F(4) * a
    weights = np.stack([outer(step), inner(step), inner(F(1) - step), outer(F(1) - step)])
    wanted = floor.astype(int) + np.arange(-1, 3)[:, None]
    weights[(wanted < 0) | (wanted >= size)] = 0
    total = weights[0] + weights[1] + weights[2] + weights[3]
    return np.clip(wanted, 0, size - 1), (weights * (F(1) / total)).astype(F)


def tf_bicubic(a, width, height):
    x, wx = tf_cubic_taps(a.shape[1], width)
    y, wy = tf_cubic_taps(a.shape[0], height)
    rows = sum_in_order([a[y[k]].astype(F) * wy[k][:, None, None] for k in range(4)])
    full = sum_in_order([rows[:, x[k]] * wx[k][None, :, None] for k in range(4)])
    return full


def sum_in_order(parts):
    return ((parts[0] + parts[1]) + parts[2]) + parts[3]


def tf_nearest(a, width, height):
    pick = lambda size, target: np.clip(
        np.floor((np.arange(target, dtype=F) + F(0.5)) * (F(size) / F(target))).astype(int), 0, size - 1)
    return a[pick(a.shape[0], height)][:, pick(a.shape[1], width)]


def tf_kernel(name, x):
    """The kernels of tf.image.resize with antialias=True, of float32 distances."""
    if name == "bilinear":
        return np.maximum(F(0), F(1) - x)
    if name == "bicubic":
        near = ((F(1.5) * x - F(2.5)) * x) * x + F(1)
        far = ((F(-.5) * x + F(2.5)) * x - F(4)) * x + F(2)
        return np.where(x >= 2, F(0), np.where(x >= 1, far, near))
    return np.where(x > 3, F(0), (np.sinc(x.astype(float)) * np.sinc(x / 3.0)).astype(F))


def tf_antialias(name, size, target):
    """Every output position's weights as a row of a matrix."""
    inverse = F(1) / (F(target) / F(size))
    wide = max(inverse, F(1))
    sample = ((np.arange(target, dtype=F) + F(.5)) * inverse)[:, None]
    weights = tf_kernel(name, np.abs((np.arange(size, dtype=F)[None] + F(.5) - sample) / wide))
    return weights.astype(float) / weights.sum(1, dtype=float)[:, None]


def tf_area(size, target):
    scale = F(size) / F(target)
    left = (np.arange(target, dtype=F) * scale)[:, None]
    right = (np.arange(1, target + 1, dtype=F) * scale)[:, None]
    index = np.arange(size, dtype=F)[None]
    return np.maximum(0, np.minimum(index + 1, right) - np.maximum(index, left)).astype(float) / scale


def torch_matrix(name, centers, size, target):
    """The weights of PyTorch's interpolate, from the formulas in aten's UpSample.h."""
    index = np.arange(target)
    if centers == "pytorch-antialias":
        scale = size / target
        wide, reach = max(scale, 1.0), {"bilinear": 1, "bicubic": 2}[name]
        center = ((index + .5) * scale)[:, None]
        x = np.abs(np.arange(size)[None] - center + .5) * (1 / wide)
        near, far = ((1.5 * x - 2.5) * x) * x + 1, (((x - 5) * x + 8) * x - 4) * -.5
        cubic = np.where(x < 1, near, np.where(x < 2, far, 0))
        weights = np.maximum(0, 1 - x) if reach == 1 else cubic
        first = np.maximum(0, (center - reach * wide + .5).astype(int))
        last = np.minimum(size, (center + reach * wide + .5).astype(int))
        inside = (np.arange(size)[None] >= first) & (np.arange(size)[None] < last)
        weights = np.where(inside, weights, 0)
        return weights / weights.sum(1)[:, None]
    if centers == "pytorch-align-corners":
        source = index * ((size - 1) / (target - 1) if target > 1 else 0)
    else:
        source = (index + .5) * (size / target) - .5
    if name == "bilinear":
        source = np.maximum(0, source)
    start = np.minimum(np.floor(source).astype(int), size - 1)
    t = np.clip(source - start, 0, 1)
    inner = lambda x: 1.25 * x ** 3 - 2.25 * x ** 2 + 1
    outer = lambda x: -.75 * (x ** 3 - 5 * x ** 2 + 8 * x - 4)
    taps = [(0, 1 - t), (1, t)] if name == "bilinear" else [
        (-1, outer(1 + t)), (0, inner(t)), (1, inner(1 - t)), (2, outer(2 - t))]
    weights = np.zeros((target, size))
    for offset, weight in taps:
        np.add.at(weights, (index, np.clip(start + offset, 0, size - 1)), weight)
    return weights


def separable(a, width, height, matrix):
    """Both passes in float64, each rounded to float32."""
    a = a.astype(F)
    if width != a.shape[1]:
        a = np.tensordot(matrix(a.shape[1], width), a, (1, 1)).transpose(1, 0, 2).astype(F)
    if height != a.shape[0]:
        a = np.tensordot(matrix(a.shape[0], height), a, (1, 0)).astype(F)
    return a


def torch_levels(a, width, height, matrix):
    """PyTorch's 8-bit path: 16-bit weights with as many fractional bits as fit."""
    def one_pass(a, size, target, axis):
        if size == target:
            return a
        weights = matrix(size, target)
        bits = next(b for b in range(23) if b == 22 or int(.5 + weights.max() * 2 ** (b + 1)) >= 1 << 15)
        fixed = np.trunc(weights * 2 ** bits + np.copysign(.5, weights))
        total = np.tensordot(fixed, a.astype(float), (1, axis)) + (1 << bits >> 1)
        level = np.floor(total / 2 ** bits).clip(0, 255).astype(np.uint8)
        return level.transpose(1, 0, 2) if axis else level
    return one_pass(one_pass(a, a.shape[1], width, 1), a.shape[0], height, 0)


def rounded(a):
    return np.rint(a).clip(0, 255).astype(np.uint8)


PILLOW = {"nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3, "box": 4}
OPENCV = {
    "nearest": cv2.INTER_NEAREST, "bilinear": cv2.INTER_LINEAR, "area": cv2.INTER_AREA,
    "bicubic": cv2.INTER_CUBIC, "lanczos4": cv2.INTER_LANCZOS4,
    "bilinear-exact": cv2.INTER_LINEAR_EXACT, "nearest-exact": cv2.INTER_NEAREST_EXACT}
TF_ANTIALIAS = ["bilinear/tf-antialias", "bicubic/tf-antialias", "lanczos3/tf-antialias", "area/tf"]
TORCH = [f"{name}/pytorch{centers}" for centers in ("", "-align-corners", "-antialias")
         for name in ("bilinear", "bicubic")]
TF = ["nearest/tf-half-pixel", "bilinear/tf-half-pixel", "bicubic/tf-half-pixel",
      "bilinear/tf-align-corners", "bilinear/tf-legacy"]
METHODS = ([f"{name}/pillow" for name in PILLOW] + [f"{name}/opencv" for name in OPENCV] + TF
           + TF_ANTIALIAS + TORCH)


def opencv(a, width, height, name):
    """OpenCV's own code: Intel's library is one level off here and there in bicubic."""
    intel = cv2.ipp.useIPP()
    result = cv2.resize(a, (width, height), interpolation=OPENCV[name])
    if name == "bicubic" or a.dtype == F:
        cv2.ipp.setUseIPP(False)
        own = cv2.resize(a, (width, height), interpolation=OPENCV[name])
        cv2.ipp.setUseIPP(intel)
        assert a.dtype == F or np.abs(own.astype(int) - result).max() <= 1, "more than one level"
        result = own
    return result.reshape(height, width, -1)


def float_resize(a, width, height, method):
    """The resize that stays in float32, and the tolerance in levels."""
    name, library = method.split("/")
    if name == "nearest" or name == "nearest-exact" or (a.shape[1], a.shape[0]) == (width, height):
        return resize(a, width, height, method).astype(F), 0
    if library == "pillow":
        planes = [Image.fromarray(np.ascontiguousarray(a[..., c].astype(F))) for c in range(a.shape[2])]
        return np.stack([np.asarray(p.resize((width, height), PILLOW[name])) for p in planes], -1), 0
    if library == "opencv":
        return opencv(a.astype(F), width, height, name), 1e-2
    if method == "bicubic/tf-half-pixel":
        return tf_bicubic(a, width, height), 0
    if method in TF:
        return tf_bilinear(a, width, height, TF_CENTERS[library]), 0
    return separable(a, width, height, matrix_of(name, library)), 1e-3


def matrix_of(name, library):
    if library == "tf":
        return tf_area
    if library == "tf-antialias":
        return lambda size, target: tf_antialias(name, size, target)
    return lambda size, target: torch_matrix(name, library, size, target)


TF_CENTERS = {"tf-half-pixel": "half", "tf-align-corners": "corners", "tf-legacy": "legacy"}


def resize(a, width, height, method):
    if (a.shape[1], a.shape[0]) == (width, height) or method == "none":
        return a
    name, library = method.split("/")
    if library == "pillow":
        image = Image.fromarray(a if a.shape[2] == 3 else a[..., 0])
        return np.asarray(image.resize((width, height), PILLOW[name])).reshape(height, width, -1)
    if library == "opencv":
        return opencv(a, width, height, name)
    if library.startswith("pytorch"):
        return torch_levels(a, width, height, matrix_of(name, library))
    if name == "nearest":
        return tf_nearest(a, width, height)
    return rounded(float_resize(a, width, height, method)[0])


def pil_crop(a, box, pad):
    """Pillow's crop, with a colour outside."""
    left, top, right, bottom = box
    mode = "RGB" if a.shape[2] == 3 else "L"
    canvas = Image.new(mode, (right - left, bottom - top), tuple(pad) if mode == "RGB" else pad[0])
    canvas.paste(Image.fromarray(a if mode == "RGB" else a[..., 0]), (-left, -top))
    return np.asarray(canvas).reshape(bottom - top, right - left, -1)


def centered(a, width, height, pad):
    left, top = (a.shape[1] - width) // 2, (a.shape[0] - height) // 2
    return pil_crop(a, (left, top, left + width, top + height), pad)


def crop(a, recipe, width, height, method):
    mode, pad = recipe.get("mode", "none"), recipe.get("pad", [0, 0, 0])
    h, w = a.shape[:2]
    if mode == "none":
        return a
    if mode == "center-fraction":
        side = max(1, round(recipe["fraction"] * min(w, h)))
        return centered(a, side, side, pad)
    if mode == "center-pixels":
        return centered(a, recipe.get("width", width), recipe.get("height", height), pad)
    if mode == "letterbox":
        return centered(a, max(w, round(h * (width / height))), max(h, round(w / (width / height))), pad)
    if mode == "box":
        x, y = recipe["x"], recipe["y"]
        return pil_crop(a, (x, y, x + recipe["width"], y + recipe["height"]), pad)
    # torchvision's Resize(short side) and CenterCrop.
    target = recipe["shortSide"]
    size = (target, int(target * h / w)) if w <= h else (int(target * w / h), target)
    a = resize(a, size[0], size[1], method)
    left, top = int(round((size[0] - width) / 2.0)), int(round((size[1] - height) / 2.0))
    return pil_crop(a, (left, top, left + width, top + height), pad)


def turn(a, orient):
    a = np.rot90(a, -orient.get("rotate", 0) // 90)
    return {"none": a, "horizontal": a[:, ::-1], "vertical": a[::-1]}[orient.get("flip", "none")]


def luma(a, formula="pillow"):
    if formula == "opencv":
        return cv2.cvtColor(np.ascontiguousarray(a), cv2.COLOR_RGB2GRAY)[..., None]
    if formula == "tensorflow":
        real = a.astype(F) * F(1 / 255)
        total = real[..., 0] * F(.2989) + real[..., 1] * F(.5870) + real[..., 2] * F(.1140)
        return np.trunc(total * F(255.5)).clip(0, 255).astype(np.uint8)[..., None]
    return np.asarray(Image.fromarray(np.ascontiguousarray(a)).convert("L"))[..., None]


def image_of(a, recipe):
    """The stages orient, crop, resize and color."""
    color, orient = recipe.get("color", "RGB"), recipe.get("orient", {})
    width, height = recipe["resize"]["width"], recipe["resize"]["height"]
    method = recipe["resize"].get("method", "bilinear/pillow")
    late = orient.get("when") == "after-resize"
    if late and orient.get("rotate", 0) % 180:
        width, height = height, width
    if color in ("GRAY", "GRAY3"):
        a = luma(a, recipe.get("luma", "pillow"))
    if not late:
        a = turn(a, orient)
    a = np.ascontiguousarray(a)
    a = crop(a, recipe.get("crop", {}), width, height, method)
    a = resize(np.ascontiguousarray(a), width, height, method)
    if late:
        a = turn(a, orient)
    if color.endswith("after-resize"):
        a = luma(a, recipe.get("luma", "pillow"))
    if color.startswith("GRAY3"):
        a = np.repeat(a, 3, -1)
    if not color.startswith("GRAY"):
        a = a[..., ["RGB".index(name) for name in color]]
    return np.ascontiguousarray(a)


NORMALIZE = {
    "none": {}, "[0,1]": {"divisor": 255}, "[-1,1]": {"divisor": 127.5, "mean": 1},
    "imagenet": {"divisor": 255, "mean": [.485, .456, .406], "std": [.229, .224, .225]}}


def transfer(a, curve):
    v = a / 255.0
    if curve == "srgb-to-linear":
        return 255 * np.where(v <= .04045, v / 12.92, ((v + .055) / 1.055) ** 2.4)
    if curve == "linear-to-srgb":
        return 255 * np.where(v <= .0031308, v * 12.92, 1.055 * v ** (1 / 2.4) - .055)
    return a


def real_of(a, recipe):
    """The stages layout and normalize."""
    how = recipe.get("normalize", "none")
    how = NORMALIZE[how] if isinstance(how, str) else how
    a = transfer(a, how.get("transfer", "none")).astype(F)
    a = a / F(how.get("divisor", 1)) - np.array(how.get("mean", 0), F)
    a = a / np.array(how.get("std", 1), F)
    if recipe.get("layout", "NHWC") != "NHWC":
        a = a.transpose(2, 0, 1)
    return np.ascontiguousarray(a)


def whole(value, rounding):
    if rounding == "half-away":
        return np.trunc(value + np.copysign(F(.5), value))
    return {"half-even": np.rint, "truncate": np.trunc, "floor": np.floor}[rounding](value)


def stored_of(real, tensor, how):
    kind = tensor["type"]
    if kind in ("float32", "float16", "float64"):
        return real.astype("<" + {"float32": "f4", "float16": "f2", "float64": "f8"}[kind])
    limits, rounding, fault = np.iinfo(kind), how.get("rounding", "half-even"), how.get("fault", "none")

    def quantized(real):
        steps, zero = real / F(tensor["scale"]), F(tensor["zeroPoint"])
        if how.get("zeroPoint") == "after-rounding":
            return (whole(steps, rounding) + zero).clip(limits.min, limits.max)
        return whole(steps + zero, rounding).clip(limits.min, limits.max)

    if fault == "missing":
        return whole(real, rounding).clip(limits.min, limits.max).astype(kind)
    if fault == "missing-wrapped":
        return whole(real, rounding).astype(np.int64).astype(kind)
    stored = quantized(real)
    if fault == "twice":
        stored = quantized(stored.astype(F))
    stored = stored.astype(kind)
    if fault == "other-sign":
        other = np.dtype("u" + kind if kind[0] == "i" else kind[1:])
        stored = (stored.astype(int) - limits.min + np.iinfo(other).min).astype(other)
    return stored


def digest(a):
    return hashlib.sha256(np.ascontiguousarray(a).tobytes()).hexdigest()


class Cases:
    def __init__(self, folder):
        self.folder, self.list = folder, []

    def add(self, a, recipe, source, stage="image", tensor=None):
        image = image_of(a, recipe)
        value = image if stage == "image" else real_of(image, recipe)
        if stage == "stored":
            value = stored_of(value, tensor, recipe.get("quantize", {}))
        case = dict(source, recipe=recipe, stage=stage, digest=digest(value))
        if tensor:
            case["tensor"] = tensor
        self.list.append(case)

    def file(self, name, data, recipe=None):
        """A case whose expectation is Pillow's own decoding of a file."""
        with open(os.path.join(self.folder, name), "wb") as f:
            f.write(data)
        image = Image.open(io.BytesIO(data))
        recipe = dict(recipe or {})
        if recipe.get("orient", {}).get("exif") == "apply":
            image = ImageOps.exif_transpose(image)
        a = np.asarray(image.convert("RGB"))
        ground = recipe.get("decode", {}).get("alpha", "drop")
        if ground != "drop":
            image = image.convert("RGBA")
            canvas = Image.new("RGB", image.size, ground if isinstance(ground, str) else tuple(ground))
            canvas.paste(image, mask=image.getchannel("A"))
            a = np.asarray(canvas)
        recipe["resize"] = {"width": a.shape[1], "height": a.shape[0], "method": "none"}
        stripped = {k: v for k, v in recipe.items() if k != "orient"}
        self.add(a, stripped, {"file": name})
        self.list[-1]["recipe"] = recipe


    def floats(self, a, width, height, method, source):
        """A case whose expectation is a file of float32 levels."""
        value, tolerance = float_resize(a, width, height, method)
        name = f"floats{len(self.list)}.f32"
        with open(os.path.join(self.folder, name), "wb") as f:
            f.write(np.ascontiguousarray(value, "<f4").tobytes())
        recipe = {"resize": {"width": width, "height": height, "method": method, "precision": "float"}}
        self.list.append(dict(
            source, recipe=recipe, stage="float", digest=name, tolerance=tolerance))


TENSORS = [
    {"type": "float32"}, {"type": "float16"},
    {"type": "int8", "scale": 0.007843137718737125, "zeroPoint": -1},
    {"type": "uint8", "scale": 0.0078125, "zeroPoint": 128},
    {"type": "int8", "scale": 0.018631115555763245, "zeroPoint": -14},
    {"type": "int16", "scale": 0.00003, "zeroPoint": 0},
]

STAGES = [
    {"crop": {"mode": "center-fraction", "fraction": 0.875}},
    {"crop": {"mode": "center-fraction", "fraction": 1}},
    {"crop": {"mode": "center-pixels"}},
    {"crop": {"mode": "center-pixels", "width": 50, "height": 101, "pad": [9, 8, 7]}},
    {"crop": {"mode": "letterbox"}},
    {"crop": {"mode": "letterbox", "pad": [114, 115, 116]}},
    {"crop": {"mode": "short-side", "shortSide": 80}},
    {"crop": {"mode": "box", "x": -3, "y": 5, "width": 40, "height": 30, "pad": [1, 2, 3]}},
    {"orient": {"rotate": 90}}, {"orient": {"rotate": 180, "flip": "vertical"}},
    {"orient": {"rotate": 270, "when": "after-resize"}},
    {"orient": {"rotate": 90, "flip": "horizontal", "when": "after-resize"}},
    {"color": "BGR"}, {"color": "GRAY"}, {"color": "GRAY3"}, {"color": "GRAY/after-resize"},
    {"color": "GRAY3/after-resize"},
    {"color": "GRAY", "crop": {"mode": "letterbox"}},
    {"color": "RBG"}, {"color": "GRB"}, {"color": "GBR"}, {"color": "BRG"},
    {"color": "GRAY", "luma": "opencv"}, {"color": "GRAY3/after-resize", "luma": "opencv"},
    {"color": "GRAY", "luma": "tensorflow"}, {"color": "GRAY3/after-resize", "luma": "tensorflow"},
]

QUANTIZE = [
    {"rounding": "half-away"}, {"rounding": "truncate"}, {"rounding": "floor"},
    {"zeroPoint": "after-rounding"}, {"rounding": "half-away", "zeroPoint": "after-rounding"},
    {"fault": "missing"}, {"fault": "missing-wrapped"}, {"fault": "twice"}, {"fault": "other-sign"},
]

# The wrong preprocessings of the accuracy tables, each a change of the right recipe.
WRONG = {
    "reference": {},
    "bgr": {"color": "BGR"},
    "norm_0_1": {"normalize": "[0,1]"},
    "norm_0_255": {"normalize": "none"},
    "norm_imagenet_meanstd": {"normalize": "imagenet"},
    "rot90": {"orient": {"rotate": 270, "when": "after-resize"}},
    "rot180": {"orient": {"rotate": 180, "when": "after-resize"}},
    "flip_lr": {"orient": {"flip": "horizontal", "when": "after-resize"}},
    "squash_no_crop_bilinear": {"crop": {"mode": "none"}, "method": "bilinear/pillow"},
    "squash_nearest": {"crop": {"mode": "none"}, "method": "nearest/pillow"},
    "crop_nearest": {"method": "nearest/pillow"},
    "center_crop_224_no_resize": {"crop": {"mode": "center-pixels"}, "method": "none"},
    "chw_bytes_as_hwc": {"layout": "CHW-as-HWC"},
    "gray": {"color": "GRAY3"},
    "transposed_xy": {"orient": {"rotate": 90, "flip": "horizontal", "when": "after-resize"}},
}

FAMILIES = [
    ("bilinear/pillow", "[-1,1]", {"type": "int8", "scale": 0.007843137718737125, "zeroPoint": -1}),
    ("bicubic/pillow", {"divisor": 1, "mean": 127, "std": 128},
     {"type": "int8", "scale": 0.0078125, "zeroPoint": -1}),
]


def is_exact(method, width):
    """Whether 8-bit results must agree to the bit.

    TensorFlow's sums of many float weights meet halves that another order of additions rounds the other
    way (the float cases hold them to a tolerance); so does OpenCV's bicubic at the end of rows that are
    no whole number of vectors.
    """
    return method not in TF_ANTIALIAS and (method != "bicubic/opencv" or width % 32 == 0)


def seeded_cases(cases, seeds, sizes, targets, is_recording=False):
    for seed in seeds:
        for width, height in sizes:
            a = seeded(seed, width, height)
            source = {"seed": seed, "width": width, "height": height}
            for w, h in targets:
                for method in METHODS:
                    if not is_recording and not is_exact(method, w):
                        continue
                    cases.add(a, {"resize": {"width": w, "height": h, "method": method}}, source)


def stage_cases(cases, seed, width, height):
    a, source = seeded(seed, width, height), {"seed": seed, "width": width, "height": height}
    for stage in STAGES:
        for method in ("bilinear/pillow", "bilinear/opencv"):
            cases.add(a, dict(stage, resize={"width": 64, "height": 48, "method": method}), source)
    for tensor in TENSORS:
        for layout in ("NHWC", "NCHW", "CHW-as-HWC"):
            for normalize in ("[0,1]", "[-1,1]", "imagenet", {"mean": 127, "std": 128}):
                recipe = {"resize": {"width": 20, "height": 16}, "layout": layout, "normalize": normalize}
                cases.add(a, recipe, source, "stored", tensor)


    for tensor in TENSORS[2:5]:
        for how in QUANTIZE:
            for normalize in ("none", "[-1,1]", {"mean": 127, "std": 128}):
                recipe = {"resize": {"width": 20, "height": 16}, "normalize": normalize, "quantize": how}
                cases.add(a, recipe, source, "stored", tensor)
    for curve in ("srgb-to-linear", "linear-to-srgb"):
        recipe = {"resize": {"width": 20, "height": 16}, "normalize": {"divisor": 255, "transfer": curve}}
        cases.add(a, recipe, source, "real")


def float_cases(cases, seeds, sizes, targets):
    for seed in seeds:
        for width, height in sizes:
            source = {"seed": seed, "width": width, "height": height}
            for w, h in targets:
                for method in METHODS:
                    cases.floats(seeded(seed, width, height), w, h, method, source)


def yuv_of(bytes, name, standard):
    """RGB of a frame of 64 x 48: OpenCV's conversion, or the definition of YUV solved for RGB."""
    width, height = 64, 48
    frame = np.frombuffer(bytes, np.uint8)
    if standard == "bt601/video":
        return cv2.cvtColor(frame.reshape(height * 3 // 2, width), getattr(cv2, f"COLOR_YUV2RGB_{name}"))
    area = width * height
    y, rest = frame[:area].reshape(height, width).astype(float), frame[area:].astype(float)
    u, v = {"NV12": (rest[0::2], rest[1::2]), "NV21": (rest[1::2], rest[0::2]),
            "I420": np.split(rest, 2), "YV12": np.split(rest, 2)[::-1]}[name]
    enlarge = lambda p: p.reshape(height // 2, width // 2).repeat(2, 0).repeat(2, 1) - 128
    kr, kb = (.299, .114) if standard.startswith("bt601") else (.2126, .0722)
    low, y_range, c_range = (16, 219, 224) if standard.endswith("video") else (0, 255, 255)
    luma_row = np.array([kr, 1 - kr - kb, kb])
    definition = np.stack([
        luma_row, (np.array([0, 0, 1]) - luma_row) / (2 * (1 - kb)),
        (np.array([1, 0, 0]) - luma_row) / (2 * (1 - kr))])
    yuv = np.stack([(y - low) * 255 / y_range, enlarge(u) * 255 / c_range, enlarge(v) * 255 / c_range], -1)
    # The documented formula, for its exact halves, held to the definition.
    y, u, v = (y - low) * (255 / y_range), enlarge(u), enlarge(v)
    red, blue = y + 2 * (1 - kr) * (255 / c_range) * v, y + 2 * (1 - kb) * (255 / c_range) * u
    rgb = np.stack([red, (y - kr * red - kb * blue) / (1 - kr - kb), blue], -1)
    assert np.abs(rgb - yuv @ np.linalg.inv(definition).T).max() < 1e-9
    return rounded(rgb)


def yuv_cases(cases):
    data = seeded(1, 64, 24).tobytes()
    with open(os.path.join(cases.folder, "frame.yuv"), "wb") as f:
        f.write(data)
    for name in ("NV12", "NV21", "I420", "YV12"):
        for standard in ("bt601/video", "bt601/full", "bt709/video", "bt709/full"):
            recipe = {"decode": {"yuv": standard}, "resize": {"width": 64, "height": 48, "method": "none"}}
            source = {"file": "frame.yuv", "mediaType": f"image/x-{name.lower()};width=64;height=48"}
            cases.add(yuv_of(data, name, standard), recipe, source)


def alpha_cases(cases, save):
    """PNGs with transparency, laid on a ground as with Pillow's paste."""
    image = Image.fromarray(seeded(2, 97, 75))
    see_through = image.convert("RGBA")
    see_through.putalpha(Image.fromarray(seeded(1, 97, 75)[..., 0]))
    for name, ground in {"white": "white", "black": "black", "orange": [240, 130, 7]}.items():
        recipe = {"decode": {"alpha": ground}}
        save(f"RGBA{name}.png", see_through, recipe)
        save(f"LA{name}.png", see_through.convert("LA"), recipe)
        save(f"P{name}.png", image.quantize(40), recipe, transparency=3)
        save(f"RGB{name}.png", image, recipe, transparency=image.getpixel((5, 5)))
        save(f"opaque{name}.png", image, recipe)


def file_cases(cases):
    a = seeded(2, 97, 75)
    image = Image.fromarray(a)

    def save(name, image, recipe=None, **options):
        out = io.BytesIO()
        image.save(out, name.rsplit(".", 1)[1], **options)
        cases.file(name, out.getvalue(), recipe)

    for subsampling in (0, 1, 2):
        for quality in (30, 92):
            for progressive in (False, True):
                save(f"s{subsampling}q{quality}p{progressive:d}.jpeg", image, quality=quality,
                     subsampling=subsampling, progressive=progressive)
    save("grey.jpeg", image.convert("L"))
    save("cmyk.jpeg", image.convert("CMYK"), quality=95)
    alpha_cases(cases, save)
    save("restart.jpeg", image, restart_marker_rows=1)
    save("rgb.jpeg", image, keep_rgb=True)
    for mode in ("RGB", "RGBA", "L", "LA", "P", "1"):
        converted = image.convert(mode)
        if mode == "RGBA":
            converted.putalpha(image.convert("L"))
        save(f"{mode}.png", converted)
    save("P4.png", image.quantize(13), bits=4)
    save("Ptransparent.png", image.quantize(40), transparency=3)
    save("RGBtransparent.png", image, transparency=(1, 2, 3))
    wide = (a.astype(np.uint16) * 257 + np.arange(97, dtype=np.uint16)[None, :, None])
    for name, pixels in (("wide.png", wide), ("widegrey.png", wide[..., 0])):
        cases.file(name, cv2.imencode(".png", pixels)[1].tobytes())
    dark = (wide[..., 0] >> 7).astype(np.uint16)
    cases.file("widedark.png", cv2.imencode(".png", dark)[1].tobytes())
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        for extension in ("jpeg", "png"):
            for choice in ("ignore", "apply"):
                save(f"exif{orientation}{choice}.{extension}", image, {"orient": {"exif": choice}},
                     exif=exif)


def photo_cases(cases, data):
    folder = os.path.join(data, "data/imagenet_100/images")
    for number, name in enumerate(sorted(os.listdir(folder))):
        path = os.path.join(folder, name)
        a = np.asarray(Image.open(path).convert("RGB"))
        for method, normalize, tensor in FAMILIES:
            for change in WRONG if number % 10 == 6 else ["reference"]:
                change = dict(WRONG[change])
                recipe = {
                    "crop": {"mode": "center-fraction", "fraction": 0.875}, "normalize": normalize,
                    "resize": {"width": 224, "height": 224, "method": change.pop("method", method)}}
                recipe.update(change)
                if number % 10 != 6:
                    cases.add(a, recipe, {"file": path})
                    continue
                cases.add(a, recipe, {"file": path}, "real")
                cases.add(a, recipe, {"file": path}, "stored", tensor)


def swift_table(cases):
    print("/// Cases whose digests Pillow, OpenCV and NumPy gave; written by Scripts/check_preprocess.py.")
    print('let recordedCases = #"""')
    print("  [")
    print(",\n".join("    " + json.dumps(case, separators=(",", ":"), sort_keys=True) for case in cases))
    print('  ]\n  """#')


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--data")
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    cases = Cases(options.folder)
    if options.record:
        seeded_cases(cases, [1, 2], [(61, 45)], [(32, 24), (96, 80)], True)
        stage_cases(cases, 4, 101, 67)
        swift_table(cases.list)
        return
    seeded_cases(
        cases, [1, 2],
        [(1, 1), (3, 2), (17, 33), (120, 90), (500, 375), (328, 328), (448, 448), (672, 672), (300, 31)],
        [(224, 224), (96, 57), (13, 300), (1, 1)])
    seeded_cases(cases, [3], [(640, 480)], [(300, 300), (320, 240)])
    for seed, (width, height) in enumerate([(101, 67), (31, 90), (48, 64)]):
        stage_cases(cases, seed + 4, width, height)
    file_cases(cases)
    yuv_cases(cases)
    float_cases(
        cases, [1, 2], [(1, 1), (3, 2), (61, 45), (120, 90), (328, 328)],
        [(96, 57), (13, 300), (56, 56), (1, 1)])
    if options.data:
        photo_cases(cases, options.data)
    with open(os.path.join(options.folder, "cases.json"), "w") as f:
        json.dump(cases.list, f)


if __name__ == "__main__":
    main()
