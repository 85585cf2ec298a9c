"""Makes a model's inputs from pictures with Pillow and NumPy: rightly, and in 14 wrong ways.

The faults are those of the sensitivity table in the shared data's manifest, made without any of EXray's code.

    .deps/python/bin/python3 Scripts/make_faulty_inputs.py PICTURES_FOLDER COUNT OUTPUT_FOLDER [lite0]

Writes OUTPUT_FOLDER/FAULT.npy, float32 [COUNT, 224, 224, 3], for every fault and for `healthy`.
"""

import pathlib
import sys

import numpy as np
from PIL import Image

FAULTS = [
    "healthy", "bgr", "norm_0_1", "norm_0_255", "norm_imagenet_meanstd", "rot90", "rot180", "flip_lr",
    "squash_no_crop_bilinear", "squash_nearest", "crop_nearest", "center_crop_224_no_resize",
    "chw_bytes_as_hwc", "gray", "transposed_xy",
]
MEAN = np.float32([0.485, 0.456, 0.406])
STD = np.float32([0.229, 0.224, 0.225])


def centre(picture, width, height):
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    return picture.crop((left, top, left + width, top + height))


def pixels(picture, fault, resample):
    """Levels 0 to 255 as uint8, (height, width, channel)."""
    size = (224, 224)
    if fault == "gray":
        picture = picture.convert("L").convert("RGB")
    if fault == "squash_no_crop_bilinear":
        return np.asarray(picture.resize(size, Image.BILINEAR))
    if fault == "squash_nearest":
        return np.asarray(picture.resize(size, Image.NEAREST))
    if fault == "center_crop_224_no_resize":
        return np.asarray(centre(picture, *size))
    side = round(0.875 * min(picture.size))
    square = centre(picture, side, side)
    values = np.asarray(square.resize(size, Image.NEAREST if fault == "crop_nearest" else resample))
    match fault:
        case "bgr":
            return values[..., ::-1]
        case "rot90":
            return np.rot90(values)
        case "rot180":
            return np.rot90(values, 2)
        case "flip_lr":
            return values[:, ::-1]
        case "transposed_xy":
            return values.transpose(1, 0, 2)
        case "chw_bytes_as_hwc":
            return np.ascontiguousarray(values.transpose(2, 0, 1)).reshape(values.shape)
    return values


def normalised(values, fault, lite0):
    values = values.astype(np.float32)
    match fault:
        case "norm_0_1":
            return values / 255
        case "norm_0_255":
            return values
        case "norm_imagenet_meanstd":
            return (values / 255 - MEAN) / STD
    return (values - 127) / 128 if lite0 else values / 127.5 - 1


def main():
    folder, count, output = pathlib.Path(sys.argv[1]), int(sys.argv[2]), pathlib.Path(sys.argv[3])
    lite0 = "lite0" in sys.argv[4:]
    resample = Image.BICUBIC if lite0 else Image.BILINEAR
    pictures = [Image.open(path).convert("RGB") for path in sorted(folder.iterdir())[:count]]
    for fault in FAULTS:
        frames = [normalised(pixels(p, fault, resample), fault, lite0) for p in pictures]
        np.save(output / f"{fault}.npy", np.stack(frames).astype(np.float32))


main()
