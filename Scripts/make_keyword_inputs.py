"""Makes the inputs of MLPerf Tiny's keyword models from WAV files, as intended and with one fault each.

    .deps/python/bin/python3 Scripts/make_keyword_inputs.py DATA OUTPUT

DATA is the folder of shared data. NumPy and SciPy make the features of its labelled clips (check_sound.py),
OUTPUT gets FAULT.npy [N, 49, 10, 1] for every fault and for `healthy`, in float/ as float32 and in int8/ rounded
down as the models' authors do; labels.txt, the intended recipe intended.json, and sounds.txt with the WAV files in
the order of the arrays. micro_speech.npy holds the features that tflite-micro's front end makes of its four clips.
"""

import csv
import json
import pathlib
import sys

import numpy as np

from check_sound import KWS, change, pipeline

SCALE, ZERO_POINT = 0.5847029089927673, 83
FAULTS = {
    "healthy": {},
    "byte-order": {"signal": {"byteOrder": "big"}},
    "spectrum": {"spectrum": "power"},
    "log": {"log": {"kind": "log10"}},
    "mfcc": {"mfcc": {"first": 1}},
    "sample-rate": {"signal": {"sampleRate": 44100}},
    "mel-range": {"mel": {"high": 8000}},
}


def main():
    data, output = (pathlib.Path(argument) for argument in sys.argv[1:3])
    folder = data / "data" / "speech_wav"
    with open(folder / "labels.csv") as file:
        rows = list(csv.DictReader(file))
    paths = [str(folder / "clips" / row["file"]) for row in rows]
    (output / "sounds.txt").write_text("\n".join(paths))
    (output / "intended.json").write_text(json.dumps(KWS))
    lines = []
    for fault, update in FAULTS.items():
        recipe = change(update, KWS)
        values = np.stack([pipeline(path, recipe) for path in paths])
        steps = np.clip(np.floor(values / SCALE + ZERO_POINT), -128, 127)
        for kind, array in (("float", values.astype(np.float32)), ("int8", steps.astype(np.int8))):
            (output / kind).mkdir(exist_ok=True)
            np.save(output / kind / f"{fault}.npy", array[..., None])
        lines += [f"{fault}.npy[{index}] {row['label']}" for index, row in enumerate(rows)]
    (output / "labels.txt").write_text("\n".join(lines))
    front_end = np.fromfile(data / "data" / "micro_speech" / "features_int8_4x49x40.bin", np.int8)
    np.save(output / "micro_speech.npy", front_end.reshape(4, 49, 40))


if __name__ == "__main__":
    main()
