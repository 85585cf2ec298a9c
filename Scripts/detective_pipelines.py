"""Pipelines of the detective's suite: how apps prepare pictures, and how they do it wrongly.

Pillow, OpenCV, libjpeg-turbo and NumPy do the work. A pipeline is a dictionary: a recipe's stages
(Documentation/recipes.md) and what recipes do not say. Used by make_detective_suite.py.
"""

import ctypes
import ctypes.util
import io
import json

import cv2
import numpy as np
from PIL import Image, ImageOps

import check_preprocess as libraries

F = np.float32
FAMILIES = ["channel-order", "grayscale", "normalization", "rotation", "flip", "crop", "resize", "layout",
            "quantization", "decode", "transfer"]
# Listed here so that a method which recipes learn later does not change the suite.
METHODS = [
    "nearest/pillow", "box/pillow", "bilinear/pillow", "bicubic/pillow", "lanczos/pillow", "nearest/opencv",
    "bilinear/opencv", "area/opencv", "nearest/tf-half-pixel", "bilinear/tf-half-pixel",
    "bicubic/tf-half-pixel", "bilinear/tf-align-corners", "bilinear/tf-legacy", "bilinear/tf-antialias",
    "bicubic/tf-antialias", "lanczos3/tf-antialias", "area/tf", "bicubic/opencv", "lanczos4/opencv",
    "bilinear-exact/opencv", "nearest-exact/opencv", "bilinear/pytorch", "bicubic/pytorch",
    "bilinear/pytorch-align-corners", "bicubic/pytorch-align-corners", "bilinear/pytorch-antialias",
    "bicubic/pytorch-antialias"]
# The eight orientations, but for none; EXIF's number is what the camera notes.
TURNS = [
    {"rotate": 90}, {"rotate": 180}, {"rotate": 270}, {"rotate": 90, "flip": "horizontal"},
    {"rotate": 270, "flip": "horizontal"}]
FLIPS = [{"flip": "horizontal"}, {"flip": "vertical"}]
EXIF_FLIPS = (2, 4)


def pick(rng, choices):
    return choices[int(rng.integers(len(choices)))]


# Decoding.


def turbojpeg(data, fast, plain):
    """libjpeg-turbo itself, with the fast inverse transform or with plain upsampling."""
    library = ctypes.CDLL(ctypes.util.find_library("turbojpeg"))
    library.tjInitDecompress.restype = ctypes.c_void_p
    handle = ctypes.c_void_p(library.tjInitDecompress())
    image = Image.open(io.BytesIO(data))
    a = np.empty((image.height, image.width, 3), np.uint8)
    flags = (2048 if fast else 4096) | (256 if plain else 0)
    failed = library.tjDecompress2(
        handle, data, ctypes.c_ulong(len(data)), a.ctypes.data_as(ctypes.c_void_p), image.width, 0,
        image.height, 0, flags)
    library.tjDestroy(handle)
    if failed:
        raise ValueError("libjpeg-turbo refuses a picture of the data folder")
    return a


def decoded(path, how):
    """RGB levels, (height, width, 3)."""
    decode = how["decode"]
    fast, plain = decode.get("dct") == "fast", decode.get("upsampling") == "plain"
    if fast or plain:
        a = turbojpeg(path.read_bytes(), fast, plain)
    elif how["alpha"] != "drop":
        a = blended(np.asarray(Image.open(path).convert("RGBA")), how["alpha"])
    elif how["decoder"] == "opencv":
        flags = cv2.IMREAD_COLOR | (0 if how["exif"] else cv2.IMREAD_IGNORE_ORIENTATION)
        return cv2.cvtColor(cv2.imread(str(path), flags), cv2.COLOR_BGR2RGB)
    else:
        image = Image.open(path)
        return np.asarray((ImageOps.exif_transpose(image) if how["exif"] else image).convert("RGB"))
    return np.asarray(ImageOps.exif_transpose(with_orientation(a, path))) if how["exif"] else a


def with_orientation(a, path):
    image = Image.fromarray(a)
    image.getexif()[274] = Image.open(path).getexif().get(274, 1)
    return image


def blended(rgba, ground):
    """The picture on white, on black (alpha multiplied in), or on grey."""
    alpha = rgba[..., 3:].astype(F) / 255
    level = {"white": 255, "black": 0, "grey": 128}[ground]
    return np.rint(rgba[..., :3] * alpha + level * (1 - alpha)).astype(np.uint8)


# Everything after decoding.


def cropped(a, how):
    crop, (dx, dy) = how["crop"], how["shift"]
    width, height = how["resize"]["width"], how["resize"]["height"]
    if (dx, dy) == (0, 0):
        return libraries.crop(a, crop, width, height, how["resize"]["method"])
    if crop["mode"] == "center-fraction":
        side = max(1, round(crop["fraction"] * min(a.shape[:2])))
        left, top = (a.shape[1] - side) // 2 + dx, (a.shape[0] - side) // 2 + dy
        return libraries.pil_crop(a, (left, top, left + side, top + side), [0, 0, 0])
    return a[max(0, dy):a.shape[0] + min(0, dy), max(0, dx):a.shape[1] + min(0, dx)]


def resized(a, how):
    width, height, method = (how["resize"][key] for key in ("width", "height", "method"))
    if how["unrounded"] and method == "bilinear/tf-half-pixel" and a.shape[:2] != (height, width):
        x0, x1, fx = libraries.tf_taps(a.shape[1], width, "half")
        y0, y1, fy = libraries.tf_taps(a.shape[0], height, "half")
        a, fx, fy = a.astype(F), fx[None, :, None], fy[:, None, None]
        top, bottom = (a[y][:, x0] + (a[y][:, x1] - a[y][:, x0]) * fx for y in (y0, y1))
        return top + (bottom - top) * fy
    return libraries.resize(np.ascontiguousarray(a), width, height, method)


def grey(a, how):
    if how["grey-by"] == "opencv":
        return cv2.cvtColor(np.ascontiguousarray(a), cv2.COLOR_RGB2GRAY)[..., None]
    return libraries.luma(a)


def levels(a, how):
    """Orient, crop, resize and color: (height, width, channel)."""
    color, orient = how["color"], how["orient"]
    late = orient.get("when") == "after-resize"
    if color == "GRAY3":
        a = np.repeat(grey(a, how), 3, -1)
    a = np.ascontiguousarray(a if late else libraries.turn(a, orient))
    a = resized(np.ascontiguousarray(cropped(a, how)), how)
    a = libraries.turn(a, orient) if late else a
    if color == "GRAY3/after-resize":
        a = np.repeat(grey(np.rint(a).astype(np.uint8), how), 3, -1)
    return a[..., ::-1] if color == "BGR" else a


def bent(a, curve):
    """Levels taken for sRGB and made proportional to light, or the other way round (IEC 61966-2-1)."""
    v = a.astype(float) / 255
    if curve == "srgb-to-linear":
        v = np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)
    else:
        v = np.where(v <= 0.0031308, v * 12.92, 1.055 * v ** (1 / 2.4) - 0.055)
    return (255 * v).astype(F)


def affine(rule):
    rule = libraries.NORMALIZE[rule] if isinstance(rule, str) else rule
    return rule.get("divisor", 1), np.array(rule.get("mean", 0)), np.array(rule.get("std", 1))


def real(a, how):
    """Transfer, normalize and layout; spellings of the same formula differ in their last bits only."""
    if how["transfer"] != "none":
        a = bent(a, how["transfer"])
        a = np.rint(a) if how["rounded-transfer"] else a
    for rule in how["normalize"]:
        divisor, mean, std = affine(rule)
        if how["spelling"] == "folded":
            a = a.astype(F) * (1 / (divisor * std)).astype(F) - (mean / std).astype(F)
        elif how["spelling"] == "double":
            a = ((a.astype(float) / divisor - mean) / std).astype(F)
        else:
            a = (a.astype(F) / F(divisor) - mean.astype(F)) / std.astype(F)
    shape = a.shape
    if how["layout"] in ("NCHW", "CHW-as-HWC"):
        a = a.transpose(2, 0, 1)
    a = np.ascontiguousarray(a)
    if how["layout"] == "CHW-as-HWC":
        return a.reshape(shape)
    return a.reshape(shape[2], *shape[:2]) if how["layout"] == "HWC-as-CHW" else a


def stored(a, how):
    tensor, fault = how["tensor"], how["quantize"]
    if tensor["type"] == "float32":
        return a
    low, high = (-128, 127) if tensor["type"] == "int8" else (0, 255)
    steps = a / F(tensor["scale"]) + F(0 if fault == "no-zero-point" else tensor["zeroPoint"])
    steps = np.clip(np.floor(steps) if fault == "cut" else np.round(steps), low, high)
    if fault == "twice":
        steps = np.clip(np.round(steps / F(tensor["scale"]) + F(tensor["zeroPoint"])), low, high)
    if fault == "other-sign":  # The bytes of uint8 in an int8 tensor, or the other way round.
        wrong = (steps - low + (0 if low else -128)).astype(np.int64)
        steps = wrong.astype(np.uint8).view(np.int8) if low else wrong.astype(np.int8).view(np.uint8)
    return steps.astype(tensor["type"])


def model_input(paths, how):
    """The tensor of all pictures, (picture, …)."""
    return np.stack([stored(real(levels(decoded(p, how), how), how), how) for p in paths])


# Intended recipes.


INTENDED = [
    ("center-fraction", "bilinear/pillow", "RGB", "NHWC", "[-1,1]"),
    ("center-fraction", "bicubic/pillow", "RGB", "NHWC", {"mean": 127, "std": 128}),
    ("none", "bilinear/pillow", "RGB", "NHWC", "[0,1]"),
    ("short-side", "bilinear/pillow", "RGB", "NCHW", "imagenet"),
    ("letterbox", "bilinear/opencv", "RGB", "NHWC", "[0,1]"),
    ("none", "bilinear/opencv", "BGR", "NHWC", "none"),
    ("center-fraction", "area/opencv", "RGB", "NHWC", "[-1,1]"),
    ("none", "bilinear/tf-half-pixel", "RGB", "NHWC", "[-1,1]"),
    ("center-fraction", "lanczos/pillow", "RGB", "NHWC", "imagenet"),
    ("none", "bicubic/tf-half-pixel", "RGB", "NCHW", "[0,1]"),
    ("short-side", "bicubic/pillow", "RGB", "NHWC", "imagenet"),
    ("center-pixels", "none", "RGB", "NHWC", "[-1,1]"),
]
# Scale and zero point as converters write them, int8 first.
STORED = {
    "[-1,1]": [(0.007843137718737125, -1), (0.0078125, 128)],
    "[0,1]": [(0.003921568859368563, -128), (0.003921568859368563, 0)],
    "none": [(1.0, -128), (1.0, 0)],
    "imagenet": [(0.018658444285392761, -14), (0.018658444285392761, 114)],
}


def intended(rng, needs_integers):
    """A recipe as an app's author meant it, with what recipes do not say."""
    mode, method, color, layout, normalize = pick(rng, INTENDED)
    width = height = int(pick(rng, [96, 128, 160, 192, 224]))
    if rng.random() < 0.15 and mode != "short-side":
        height = width * 3 // 4
    crop = {"mode": mode}
    if mode == "center-fraction":
        crop["fraction"] = float(pick(rng, [0.875, 0.875, 1]))
    if mode == "letterbox":
        crop["pad"] = int(pick(rng, [0, 114]))
        crop["pad"] = [crop["pad"]] * 3
    if mode == "short-side":
        crop["shortSide"] = width * 8 // 7
    tensor = {"type": "float32"}
    if needs_integers or rng.random() < 0.25:
        kind = int(rng.integers(2))
        name = normalize if isinstance(normalize, str) else "[-1,1]"
        scale, zero = STORED[name][kind]
        tensor = {"type": ("int8", "uint8")[kind], "scale": scale, "zeroPoint": zero}
    return {
        "decode": {}, "exif": False, "alpha": "drop", "decoder": pick(rng, ["pillow", "opencv"]),
        "orient": {}, "crop": crop, "shift": (0, 0), "unrounded": False,
        "grey-by": pick(rng, ["pillow", "opencv"]),
        "resize": {"width": width, "height": height, "method": method}, "color": color, "layout": layout,
        "normalize": [normalize], "spelling": pick(rng, ["plain", "folded", "double"]),
        "transfer": "none", "rounded-transfer": bool(rng.random() < 0.5), "tensor": tensor, "quantize": "right"}


def recipe(how):
    """The recipe's JSON."""
    return {
        "exrayRecipe": 1, "orient": {"exif": "apply" if how["exif"] else "ignore"}, "crop": how["crop"],
        "resize": how["resize"], "color": how["color"], "layout": how["layout"],
        "normalize": how["normalize"][0]}


# Faults: each changes the pipeline and returns (what it did, its cause, other right names for it).


def channel_order(rng, how):
    how["color"] = "BGR" if how["color"] == "RGB" else "RGB"
    return how["color"], "channel-order", []


def grayscale(rng, how):
    how["color"] = pick(rng, ["GRAY3", "GRAY3/after-resize"])
    return f"{how['color']} by {how['grey-by']}", "grayscale", []


def normalization(rng, how):
    right = how["normalize"][0]
    rules = ["none", "[0,1]", "[-1,1]", "imagenet", {"mean": 127, "std": 128}]
    choices = [[rule] for rule in rules if rule != right]
    divisor, mean, std = affine(right)
    if right != "none":
        choices += [[right, right]] * 2  # Twice.
    if mean.ndim:
        turned = {"divisor": divisor, "mean": mean[::-1].tolist(), "std": std[::-1].tolist()}
        choices += [[turned]] * 2 + [[dict(turned, std=std.tolist())], [dict(turned, mean=mean.tolist())]]
    if mean.any():
        choices.append([{"divisor": divisor, "std": std.tolist()}])  # The mean forgotten.
    if (std != 1).any():
        choices.append([{"divisor": divisor, "mean": mean.tolist()}])  # The deviation forgotten.
    mean, std = round(rng.uniform(0.2, 0.6), 3), round(rng.uniform(0.15, 0.6), 3)
    choices.append([{"divisor": 255, "mean": mean, "std": std}])
    how["normalize"] = pick(rng, choices)
    # Within an integer tensor a wrong straight line is a wrong scale and zero point as well.
    also = [] if how["tensor"]["type"] == "float32" else ["quantization"]
    return json.dumps(how["normalize"]), "normalization", also


def oriented(rng, how, choices, cause):
    how["orient"] = dict(pick(rng, choices))
    square = how["resize"]["width"] == how["resize"]["height"]
    if square and rng.random() < 0.5:
        how["orient"]["when"] = "after-resize"
    return json.dumps(how["orient"]), cause, []


def rotation(rng, how):
    return oriented(rng, how, TURNS, "rotation")


def flip(rng, how):
    return oriented(rng, how, FLIPS, "flip")


def crop(rng, how):
    right = how["crop"]
    width = how["resize"]["width"]
    choices = [
        {"mode": "none"}, {"mode": "center-fraction", "fraction": 0.875},
        {"mode": "center-fraction", "fraction": float(pick(rng, [0.8, 0.9, 0.75, 1]))},
        {"mode": "letterbox", "pad": [int(pick(rng, [0, 114, 128, 255]))] * 3}, {"mode": "center-pixels"}]
    if width == how["resize"]["height"]:
        choices.append({"mode": "short-side", "shortSide": width * 8 // 7})
    choices = [c for c in choices if c != right]
    if right["mode"] in ("none", "center-fraction"):
        choices += ["shift"] * 2
    choice = pick(rng, choices)
    if choice == "shift":
        how["shift"] = pick(rng, [(1, 0), (0, 1), (1, 1), (-1, 0), (0, -1), (-1, -1)])
        return f"off by {how['shift']}", "crop", []
    how["crop"] = choice
    if how["resize"]["method"] == "none" and choice["mode"] != "center-pixels":
        how["resize"] = dict(how["resize"], method="bilinear/pillow")
    return json.dumps(choice), "crop", []


def resize(rng, how):
    right = how["resize"]["method"]
    method = pick(rng, [m for m in METHODS if m != right])
    how["resize"] = dict(how["resize"], method=method)
    how["unrounded"] = method == "bilinear/tf-half-pixel" and rng.random() < 0.3
    return method + (" unrounded" if how["unrounded"] else ""), "resize", []


def layout(rng, how):
    wrong = {"NHWC": ["CHW-as-HWC", "CHW-as-HWC", "NCHW"], "NCHW": ["HWC-as-CHW", "HWC-as-CHW", "NHWC"]}
    how["layout"] = pick(rng, wrong[how["layout"]])
    return how["layout"], "layout", []


def quantization(rng, how):
    tensor = how["tensor"]
    choices = ["other-sign", "other-sign", "twice"]
    if tensor["zeroPoint"] not in (0, -1):
        choices.append("no-zero-point")
    if tensor["scale"] not in (1.0, 0.007843137718737125, 0.003921568859368563):
        choices.append("cut")  # Elsewhere steps are levels, and cutting differs by accident only.
    how["quantize"] = pick(rng, choices)
    # Where nothing wraps around it is an offset or a straight line as well; cutting is half a step.
    also = [] if how["quantize"] == "other-sign" else ["normalization"]
    return how["quantize"], "quantization", also


def decode(rng, how):
    kind = how["decode-kind"]
    if kind == "exif":
        how["exif"] = not how["exif"]
        cause = "flip" if how["orientation"] in EXIF_FLIPS else "rotation"
        did = f"exif {how['orientation']} {'applied' if how['exif'] else 'ignored'}"
        return did, cause, ["decode", "rotation"]
    if kind == "alpha":
        how["alpha"] = pick(rng, ["white", "black", "grey"])
        return f"alpha on {how['alpha']}", "decode", []
    fast, plain = {"dct": "fast"}, {"upsampling": "plain"}
    how["decode"] = pick(rng, [fast, plain, fast | plain])
    return json.dumps(how["decode"]), "decode", []


def transfer(rng, how):
    how["transfer"] = pick(rng, ["srgb-to-linear", "linear-to-srgb"])
    return how["transfer"] + (" rounded" if how["rounded-transfer"] else ""), "transfer", []


FAULTS = dict(zip(FAMILIES, [
    channel_order, grayscale, normalization, rotation, flip, crop, resize, layout, quantization, decode,
    transfer]))
# Pairs that cannot be in one case.
EXCLUSIVE = [{"channel-order", "grayscale"}, {"rotation", "flip"}]
