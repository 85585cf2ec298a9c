"""Computes the metrics of a report with NumPy, in float64, for a candidate and a reference tensor.

    .deps/python/bin/python3 Scripts/check_metrics.py CANDIDATE.npy REFERENCE.npy [SCALE ZERO_POINT]

CANDIDATE is dequantized with SCALE and ZERO_POINT where they are given. Prints one JSON object.
"""

import json
import sys

import numpy as np

candidate = np.load(sys.argv[1]).astype(np.float64)
reference = np.load(sys.argv[2]).astype(np.float64)
scale = float(sys.argv[3]) if len(sys.argv) > 3 else None
if scale is not None:
    candidate = (candidate - float(sys.argv[4])) * scale
difference = candidate - reference
rmse = np.sqrt(np.mean(difference**2))
print(
    json.dumps(
        {
            "mse": np.mean(difference**2),
            "max_abs_diff": np.max(np.abs(difference)),
            "nrmse": rmse / (reference.max() - reference.min()),
            "cosine_similarity": np.sum(candidate * reference)
            / (np.linalg.norm(candidate) * np.linalg.norm(reference)),
            "sqnr_db": 10 * np.log10(np.sum(reference**2) / np.sum(difference**2)),
            "psnr_db": 20 * np.log10(np.max(np.abs(reference)) / rmse),
            "rmse_over_scale": None if scale is None else rmse / scale,
        }
    )
)
