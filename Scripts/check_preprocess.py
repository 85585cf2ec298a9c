"""Says what Pillow, OpenCV and NumPy make of pictures, for the tests of EXrayPreprocess.

    .deps/python/bin/python3 Scripts/check_preprocess.py FOLDER [--data FOLDER] [--record]

Writes FOLDER/cases.json: a list of cases, each a picture, a recipe and the SHA-256 of the levels
(`image`) or of the little-endian float32 values (`real`) or of the packed values (`stored`) that the
other libraries give. Pictures are either made from a seed, in the same way here and in the tests, or
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
    return np.rint(top + (bottom - top) * fy).clip(0, 255).astype(np.uint8)


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
    return np.rint(full).clip(0, 255).astype(np.uint8)


def sum_in_order(parts):
    return ((parts[0] + parts[1]) + parts[2]) + parts[3]


def tf_nearest(a, width, height):
    pick = lambda size, target: np.clip(
        np.floor((np.arange(target, dtype=F) + F(0.5)) * (F(size) / F(target))).astype(int), 0, size - 1)
    return a[pick(a.shape[0], height)][:, pick(a.shape[1], width)]


PILLOW = {"nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3, "box": 4}
OPENCV = {"nearest": cv2.INTER_NEAREST, "bilinear": cv2.INTER_LINEAR, "area": cv2.INTER_AREA}
METHODS = (
    [f"{name}/pillow" for name in PILLOW] + [f"{name}/opencv" for name in OPENCV]
    + ["nearest/tf-half-pixel", "bilinear/tf-half-pixel", "bicubic/tf-half-pixel",
       "bilinear/tf-align-corners", "bilinear/tf-legacy"])


def resize(a, width, height, method):
    if (a.shape[1], a.shape[0]) == (width, height) or method == "none":
        return a
    name, library = method.split("/")
    if library == "pillow":
        image = Image.fromarray(a if a.shape[2] == 3 else a[..., 0])
        return np.asarray(image.resize((width, height), PILLOW[name])).reshape(height, width, -1)
    if library == "opencv":
        return cv2.resize(a, (width, height), interpolation=OPENCV[name]).reshape(height, width, -1)
    if name == "nearest":
        return tf_nearest(a, width, height)
    if name == "bicubic":
        return tf_bicubic(a, width, height)
    centers = {"tf-half-pixel": "half", "tf-align-corners": "corners", "tf-legacy": "legacy"}
    return tf_bilinear(a, width, height, centers[library])


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


def luma(a):
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
        a = luma(a)
    if not late:
        a = turn(a, orient)
    a = np.ascontiguousarray(a)
    a = crop(a, recipe.get("crop", {}), width, height, method)
    a = resize(np.ascontiguousarray(a), width, height, method)
    if late:
        a = turn(a, orient)
    if color.endswith("after-resize"):
        a = luma(a)
    if color.startswith("GRAY3"):
        a = np.repeat(a, 3, -1)
    return np.ascontiguousarray(a[..., ::-1] if color == "BGR" else a)


NORMALIZE = {
    "none": {}, "[0,1]": {"divisor": 255}, "[-1,1]": {"divisor": 127.5, "mean": 1},
    "imagenet": {"divisor": 255, "mean": [.485, .456, .406], "std": [.229, .224, .225]}}


def real_of(a, recipe):
    """The stages layout and normalize."""
    how = recipe.get("normalize", "none")
    how = NORMALIZE[how] if isinstance(how, str) else how
    a = a.astype(F)
    a = a / F(how.get("divisor", 1)) - np.array(how.get("mean", 0), F)
    a = a / np.array(how.get("std", 1), F)
    if recipe.get("layout", "NHWC") != "NHWC":
        a = a.transpose(2, 0, 1)
    return np.ascontiguousarray(a)


def stored_of(real, tensor):
    if tensor["type"] in ("float32", "float16", "float64"):
        return real.astype("<" + {"float32": "f4", "float16": "f2", "float64": "f8"}[tensor["type"]])
    limits = np.iinfo(tensor["type"])
    steps = np.round(real / tensor["scale"] + tensor["zeroPoint"])
    return np.clip(steps, limits.min, limits.max).astype(tensor["type"])


def digest(a):
    return hashlib.sha256(np.ascontiguousarray(a).tobytes()).hexdigest()


class Cases:
    def __init__(self, folder):
        self.folder, self.list = folder, []

    def add(self, a, recipe, source, stage="image", tensor=None):
        image = image_of(a, recipe)
        value = image if stage == "image" else real_of(image, recipe)
        if stage == "stored":
            value = stored_of(value, tensor)
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
        recipe["resize"] = {"width": a.shape[1], "height": a.shape[0], "method": "none"}
        stripped = {k: v for k, v in recipe.items() if k != "orient"}
        self.add(a, stripped, {"file": name})
        self.list[-1]["recipe"] = recipe


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


def seeded_cases(cases, seeds, sizes, targets):
    for seed in seeds:
        for width, height in sizes:
            a = seeded(seed, width, height)
            source = {"seed": seed, "width": width, "height": height}
            for w, h in targets:
                for method in METHODS:
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
        seeded_cases(cases, [1, 2], [(61, 45)], [(32, 24), (96, 80)])
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
    if options.data:
        photo_cases(cases, options.data)
    with open(os.path.join(options.folder, "cases.json"), "w") as f:
        json.dump(cases.list, f)


if __name__ == "__main__":
    main()
