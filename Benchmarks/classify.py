"""The work of `exray run --capture none`, as one writes it in Python: Pillow, NumPy and ai-edge-litert.

usage: classify.py MODEL PICTURES RESAMPLING MEAN STD FRACTION SUMMARY.json
"""

import json
import os
import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image


def main():
    model, folder, resampling, mean, std, fraction, summary = sys.argv[1:]
    resampling = Image.Resampling[resampling.upper()]
    mean, std, fraction = np.float32(mean), np.float32(std), float(fraction)

    interpreter = Interpreter(model, num_threads=1)
    interpreter.allocate_tensors()
    source = interpreter.get_input_details()[0]
    target = interpreter.get_output_details()[0]
    _, height, width, _ = source["shape"]
    source_scale, source_zero = source["quantization"]
    target_scale, target_zero = target["quantization"]

    answers = []
    for name in sorted(os.listdir(folder)):
        picture = Image.open(os.path.join(folder, name)).convert("RGB")
        side = round(min(picture.size) * fraction)
        left, top = (picture.width - side) // 2, (picture.height - side) // 2
        picture = picture.crop((left, top, left + side, top + side))
        picture = picture.resize((width, height), resampling)
        values = (np.asarray(picture, np.float32) - mean) / std
        if source_scale:
            limits = np.iinfo(source["dtype"])
            values = np.round(values / np.float32(source_scale)) + source_zero
            values = np.clip(values, limits.min, limits.max).astype(source["dtype"])
        interpreter.set_tensor(source["index"], values[np.newaxis])
        interpreter.invoke()
        scores = interpreter.get_tensor(target["index"])[0]
        if target_scale:
            scores = np.float32(target_scale) * (scores.astype(np.float32) - target_zero)
        best = np.argsort(-scores, kind="stable")[:5]
        answers.append(
            {
                "name": name,
                "top5": [{"index": int(i), "score": float(scores[i])} for i in best],
            }
        )

    with open(summary, "w", encoding="utf-8") as file:
        json.dump({"model": model, "frames": len(answers), "answers": answers}, file, indent=2)


if __name__ == "__main__":
    main()
