"""How long `exray identify` takes on one processor, beside decoding the same pictures; a section of measure.py."""

import json
import statistics
import sys

import numpy as np
from PIL import Image

from rounds import Rounds, run, spread, table

FRACTION, SIDE = 0.875, 224
INTENDED = {
    "exrayRecipe": 1, "crop": {"mode": "center-fraction", "fraction": FRACTION},
    "resize": {"width": SIDE, "height": SIDE, "method": "bilinear/pillow"}, "normalize": "[-1,1]"}


def faulty(path):
    """The input of an app with three faults: squashed, blue first, from 0 to 1."""
    image = Image.open(path).convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    return np.asarray(image, np.float32)[..., ::-1] / np.float32(255)


def unlike(path):
    """An input that no recipe describes: the picture on its head in colour, with noise."""
    noise = np.random.default_rng(5).normal(0, 40, (SIDE, SIDE, 3))
    return np.clip(255 - 255 * faulty(path) + noise, 0, 255).astype(np.float32)


def pictures(data, folder):
    """Name, paths, what made the inputs, and the limit in seconds."""
    photos = sorted((data / "data/imagenet_100/images").iterdir())
    square, large = folder / "square.jpg", folder / "large.jpg"
    image = Image.open(photos[0]).convert("RGB")
    image.resize((SIDE, SIDE), Image.Resampling.LANCZOS).save(square, quality=92)
    image.resize((4000, 3000), Image.Resampling.LANCZOS).save(large, quality=92)
    return [
        ("224 × 224", [square], faulty, 0.5), ("224 × 224, unexplained", [square], unlike, 0.5),
        ("500 × 375", [photos[0]], faulty, 0.5), ("4000 × 3000", [large], faulty, 3),
        ("4000 × 3000, unexplained", [large], unlike, 3), ("100 photos", photos[:100], faulty, 10),
        ("100 photos, unexplained", photos[:100], unlike, 10)]


def measure_identification(options, folder):
    recipe = folder / "intended.json"
    recipe.write_text(json.dumps(INTENDED))
    rounds, rows = Rounds(options), []
    decode = folder / "decode.py"
    decode.write_text(
        "import sys\nfrom PIL import Image\nfor p in sys.argv[1:]: Image.open(p).convert('RGB').load()\n")
    for name, paths, make, limit in pictures(options.data, folder):
        array = folder / "input.npy"
        np.save(array, np.stack([make(path) for path in paths]))
        command = ["taskset", "-c", "0", options.exray, "identify", "--raw", *paths,
                   "--model-input", array, "--intended", recipe, "--json", folder / "found.json"]

        def one_round():
            return {
                "identify": run(["sh", "-c", '"$@"; [ $? -eq 3 ] || exit 0', "sh", *command]),
                "decode": run(["taskset", "-c", "0", sys.executable, decode, *paths])}

        sides = rounds.take(one_round)
        walls = [wall for wall, _ in sides["identify"]]
        decoding = statistics.median(wall for wall, _ in sides["decode"])
        found = json.loads((folder / "found.json").read_text())
        causes = ", ".join(d["cause"].removeprefix("preprocess.") for d in found["differences"])
        wall = statistics.median(walls)
        rows.append([
            name, f"**{wall:.2f} s**", spread(walls), f"{wall / decoding:.1f}", causes or found["verdict"],
            f"{limit} s", "yes" if wall <= limit else "no"])
    table(
        "`exray identify` on one processor",
        ["pictures", "wall", "of rounds", "of Pillow's decoding, Python's start included", "found", "limit", "met"],
        rows)
    rounds.note()
