#!/usr/bin/env python3
"""Compares models as EXrayModel reads them with what two other readers say.

usage: .deps/python/bin/python3 Scripts/check_graph.py DATA GRAPHS

GRAPHS holds one JSON file a model, written by the tests: what EXrayModel read. Everything in it
must equal what the schema's own generated reader finds, and for models that LiteRT loads, what
Interpreter.get_tensor_details says. Prints one line of JSON; status 1 after any difference.
"""

import json
import pathlib
import sys

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

TYPES = {v: k.lower() for k, v in vars(schema.TensorType).items() if isinstance(v, int)}
OPS = {v: k for k, v in vars(schema.BuiltinOperator).items() if isinstance(v, int)}
ACTIVATIONS = {
    v: k for k, v in vars(schema.ActivationFunctionType).items() if isinstance(v, int) and v
}


def text(value):
    return (value or b"").decode("utf-8", "replace") if isinstance(value, bytes) else value or ""


def numbers(values):
    return [] if values is None else [int(value) for value in values]


def tensor(entry, buffers):
    quantization = entry.quantization
    scales = [] if quantization is None or quantization.scale is None else quantization.scale
    data = buffers[entry.buffer].data
    result = {
        "name": text(entry.name),
        "type": TYPES[entry.type],
        "shape": numbers(entry.shape),
        "signature": None if entry.shapeSignature is None else numbers(entry.shapeSignature),
        "buffer": entry.buffer,
        "constantByteCount": 0 if data is None else len(data),
        "isVariable": bool(entry.isVariable),
        "scales": [int(np.float32(scale).view(np.uint32)) for scale in scales],
        "zeroPoints": numbers(quantization.zeroPoint) if len(scales) else [],
        "axis": quantization.quantizedDimension if len(scales) else 0,
        "checksum": 0 if data is None else int(np.asarray(data, np.uint8).sum(dtype=np.uint64)),
    }
    return result


def op(entry, codes):
    code = codes[entry.opcodeIndex]
    builtin = max(code.builtinCode, code.deprecatedBuiltinCode)
    activation = getattr(entry.builtinOptions, "fusedActivationFunction", 0)
    return {
        "type": text(code.customCode) if builtin == 32 else OPS[builtin],
        "isCustom": builtin == 32,
        "version": code.version,
        "inputs": numbers(entry.inputs),
        "outputs": numbers(entry.outputs),
        "activation": ACTIVATIONS.get(activation),
    }


def entries(maps):
    return [[text(entry.name), entry.tensorIndex] for entry in maps or []]


def authority(content):
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    return {
        "formatVersion": model.version,
        "description": text(model.description),
        "metadata": [text(entry.name) for entry in model.metadata or []],
        "signatures": [
            {
                "key": text(signature.signatureKey),
                "inputs": entries(signature.inputs),
                "outputs": entries(signature.outputs),
                "subgraph": signature.subgraphIndex,
            }
            for signature in model.signatureDefs or []
        ],
        "subgraphs": [
            {
                "name": text(graph.name),
                "tensors": [tensor(entry, model.buffers) for entry in graph.tensors],
                "ops": [op(entry, model.operatorCodes) for entry in graph.operators or []],
                "inputs": numbers(graph.inputs),
                "outputs": numbers(graph.outputs),
            }
            for graph in model.subgraphs
        ],
    }


def differences(path, left, right):
    if isinstance(left, dict) and isinstance(right, dict):
        for key in sorted(set(left) | set(right)):
            yield from differences(f"{path}.{key}", left.get(key), right.get(key))
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for index, pair in enumerate(zip(left, right)):
            yield from differences(f"{path}[{index}]", *pair)
    elif left != right:
        yield f"{path}: EXrayModel {left!r}, authority {right!r}"


def interpreter_differences(name, content, graph):
    """Differences from the runtime's own tensor list, or None where it does not load the model."""
    try:
        interpreter = Interpreter(
            model_content=content,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
    except (RuntimeError, ValueError):
        return None
    found = []
    details = {detail["index"]: detail for detail in interpreter.get_tensor_details()}
    for index, mine in enumerate(graph["subgraphs"][0]["tensors"]):
        theirs = details.get(index)
        if theirs is None:  # the interpreter lists no tensors without a name
            continue
        parameters = theirs["quantization_parameters"]
        bits = [int(value) for value in parameters["scales"].view(np.uint32)]
        expected = (
            theirs["name"], [int(value) for value in theirs["shape"]], bits,
            numbers(parameters["zero_points"]), int(parameters["quantized_dimension"]),
        )
        actual = (mine["name"], mine["shape"], mine["scales"], mine["zeroPoints"], mine["axis"])
        if expected != actual:
            found.append(f"{name} tensor {index}: EXrayModel {actual}, interpreter {expected}")
    for key, list_details in (
        ("inputs", interpreter.get_input_details()), ("outputs", interpreter.get_output_details()),
    ):
        indices = [detail["index"] for detail in list_details]
        if indices != graph["subgraphs"][0][key]:
            found.append(f"{name} {key}: interpreter {indices}")
    return found


def main():
    data, graphs = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    models = tensors = ops = loaded = 0
    faults = []
    for path in sorted(graphs.glob("*.json")):
        listing = json.loads(path.read_text())
        content = (data / listing["model"]).read_bytes()
        graph = listing["graph"]
        models += 1
        tensors += sum(len(part["tensors"]) for part in graph["subgraphs"])
        ops += sum(len(part["ops"]) for part in graph["subgraphs"])
        faults += list(differences(listing["model"], graph, authority(content)))
        found = interpreter_differences(listing["model"], content, graph)
        if found is not None:
            loaded += 1
            faults += found
    print(
        json.dumps(
            {
                "models": models, "tensors": tensors, "ops": ops, "loaded": loaded,
                "faults": faults[:20],
            }
        )
    )
    sys.exit(1 if faults or models == 0 else 0)


if __name__ == "__main__":
    main()
