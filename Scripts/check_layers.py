#!/usr/bin/env python3
"""Proves that models edited by EXrayModel give out the true values of their layers.

usage: .deps/python/bin/python3 Scripts/check_layers.py DATA EDITED

DATA is the shared data folder. EDITED holds, for each model, NAME.tflite (the edited file) and
NAME.json: {"model": path under DATA, "outputs": [tensor index...], "layers": [tensor index...]}.

For the builtin and the reference kernels the outputs of the edited model must equal, byte for
byte, the tensors that Interpreter(experimental_preserve_all_tensors=True) keeps for the original.
For the builtin kernels they must also have the statistics in golden/layers. Prints one line of
JSON and ends with status 1 after any difference.
"""

import json
import pathlib
import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

KERNELS = {
    "builtin": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    "reference": OpResolverType.BUILTIN_REF,
}


def golden(data, model):
    """The recorded statistics of a model's layers, or None."""
    group, name = pathlib.PurePath(model).parts[-2:]
    path = data / "golden" / "layers" / f"{group}__{name.removesuffix('.tflite')}.json"
    return json.loads(path.read_text()) if path.exists() else None


def inputs(details, record, data):
    """One array for each input: the recorded picture where there is one, else seeded noise."""
    recorded = None
    if record and (data / "golden" / "inputs" / record["input_file"]).exists():
        recorded = np.fromfile(data / "golden" / "inputs" / record["input_file"], "<f4")
    random = np.random.default_rng(20240607)
    arrays = []
    for detail in details:
        shape, dtype = detail["shape"], detail["dtype"]
        if recorded is not None:
            real = recorded.reshape(record["input_shape"])
            scale, zero = detail["quantization"]
            if np.issubdtype(dtype, np.integer):
                limits = np.iinfo(dtype)
                real = np.clip(np.round(real / scale + zero), limits.min, limits.max)
            arrays.append(real.astype(dtype))
        elif np.issubdtype(dtype, np.floating):
            arrays.append(random.uniform(-1, 1, shape).astype(dtype))
        elif dtype in (np.int8, np.uint8, np.int16):
            limits = np.iinfo(dtype)
            arrays.append(random.integers(limits.min, limits.max + 1, shape).astype(dtype))
        else:  # word indices and the like
            arrays.append(random.integers(0, 100, shape).astype(dtype))
    return arrays, recorded is not None


def run(content, kernels, record, data, preserve):
    interpreter = Interpreter(
        model_content=content,
        num_threads=1,
        experimental_op_resolver_type=KERNELS[kernels],
        experimental_preserve_all_tensors=preserve,
    )
    interpreter.allocate_tensors()
    details = interpreter.get_input_details()
    arrays, is_recorded = inputs(details, record, data)
    for detail, array in zip(details, arrays):
        interpreter.set_tensor(detail["index"], array)
    interpreter.invoke()
    return interpreter, is_recorded


def real(values, detail):
    parameters = detail["quantization_parameters"]
    values = values.astype(np.float64)
    if len(parameters["scales"]) == 1 and detail["dtype"] != np.float32:
        return (values - float(parameters["zero_points"][0])) * float(parameters["scales"][0])
    return values


def statistics_agree(values, entry):
    """Whether real values have the recorded statistics, which are rounded to a few digits."""
    if values.size == 0:
        return True
    actual = {
        "min": values.min(),
        "max": values.max(),
        "mean": values.mean(),
        "rms": np.sqrt(np.mean(values * values)),
    }
    close = all(
        np.isclose(actual[key], entry[key], rtol=1e-5, atol=1e-5) for key in actual
    )
    first = values.reshape(-1)[:8]
    return close and np.allclose(first, entry["first8"], rtol=1e-5, atol=2e-6)


def main():
    data, edited = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    compared = recorded = models = 0
    faults = []
    for listing in sorted(edited.glob("*.json")):
        entry = json.loads(listing.read_text())
        original = (data / entry["model"]).read_bytes()
        copy = listing.with_suffix(".tflite").read_bytes()
        record = golden(data, entry["model"])
        by_tensor = {op["tensor"]: op for op in record["ops"]} if record else {}
        models += 1
        for kernels in KERNELS:
            try:
                reference, is_recorded = run(original, kernels, record, data, preserve=True)
            except (RuntimeError, ValueError) as error:
                faults.append(f"{entry['model']} {kernels}: the original does not run: {error}")
                continue
            candidate, _ = run(copy, kernels, record, data, preserve=False)
            outputs = [detail["index"] for detail in candidate.get_output_details()]
            if outputs != entry["outputs"]:
                faults.append(f"{entry['model']} {kernels}: outputs are {outputs}")
            details = {d["index"]: d for d in candidate.get_tensor_details()}
            for index in dict.fromkeys(entry["outputs"] + entry["layers"]):
                expected = reference.get_tensor(index)
                actual = candidate.get_tensor(index)
                compared += 1
                same_shape = expected.shape == actual.shape and expected.dtype == actual.dtype
                if not same_shape or expected.tobytes() != actual.tobytes():
                    faults.append(f"{entry['model']} {kernels}: tensor {index} differs")
                if kernels == "builtin" and is_recorded and index in by_tensor:
                    recorded += 1
                    if not statistics_agree(real(actual, details[index]), by_tensor[index]):
                        faults.append(f"{entry['model']}: tensor {index} leaves golden/layers")
    print(
        json.dumps(
            {"models": models, "tensors": compared, "recorded": recorded, "faults": faults}
        )
    )
    sys.exit(1 if faults or compared == 0 else 0)


if __name__ == "__main__":
    main()
