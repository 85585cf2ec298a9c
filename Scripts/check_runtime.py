"""The outside authority for EXrayLiteRT's tests: LiteRT's own Python interpreter.

    check_runtime.py outputs REQUESTS.json    runs models, writes each output's bytes
    check_runtime.py models FOLDER            writes small models with unusual features

REQUESTS.json is a list of {"model", "kernels", "layers", "inputs": [files], "folder"}: the outputs go to
FOLDER/<tensor index>.bin. With "layers" true every tensor that an op makes is written.
"""

import json
import pathlib
import sys

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

RESOLVERS = {
    "xnnpack": OpResolverType.AUTO,
    "builtin": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    "reference": OpResolverType.BUILTIN_REF,
}


def outputs(requests):
    for request in requests:
        interpreter = Interpreter(
            request["model"],
            num_threads=1,
            experimental_op_resolver_type=RESOLVERS[request["kernels"]],
            experimental_preserve_all_tensors=request.get("layers", False),
        )
        interpreter.allocate_tensors()
        for detail, path in zip(interpreter.get_input_details(), request["inputs"]):
            values = np.fromfile(path, detail["dtype"]).reshape(detail["shape"])
            interpreter.set_tensor(detail["index"], values)
        interpreter.invoke()
        folder = pathlib.Path(request["folder"])
        folder.mkdir(parents=True, exist_ok=True)
        indices = {detail["index"] for detail in interpreter.get_output_details()}
        if request.get("layers", False):
            for op in interpreter._get_ops_details():
                indices.update(int(i) for i in op["outputs"] if i >= 0)
        for index in sorted(indices):
            interpreter.get_tensor(index).tofile(folder / f"{index}.bin")


# --- models -----------------------------------------------------------------------------------


class Graph:
    """A model with one subgraph a call of `subgraph`, written with the official schema."""

    def __init__(self):
        self.model = schema.ModelT()
        self.model.version = 3
        self.model.description = "exray test"
        self.model.operatorCodes = []
        self.model.subgraphs = []
        self.model.buffers = [schema.BufferT()]

    def subgraph(self):
        graph = schema.SubGraphT()
        graph.name = "main"
        graph.tensors, graph.operators, graph.inputs, graph.outputs = [], [], [], []
        self.model.subgraphs.append(graph)
        return graph

    def tensor(self, graph, name, dtype, shape, data=None, signature=None, quantization=None):
        tensor = schema.TensorT()
        tensor.name, tensor.type, tensor.shape = name, dtype, list(shape)
        tensor.hasRank = True
        if signature is not None:
            tensor.shapeSignature = list(signature)
        if quantization is not None:
            scales, zero_points, axis = quantization
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale = list(scales)
            tensor.quantization.zeroPoint = list(zero_points)
            tensor.quantization.quantizedDimension = axis
        tensor.buffer = 0
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
            self.model.buffers.append(buffer)
            tensor.buffer = len(self.model.buffers) - 1
        graph.tensors.append(tensor)
        return len(graph.tensors) - 1

    def op(self, graph, code, inputs, outputs, options_type=0, options=None, version=1):
        entry = schema.OperatorCodeT()
        entry.deprecatedBuiltinCode = min(code, 127)
        entry.builtinCode = code
        entry.version = version
        self.model.operatorCodes.append(entry)
        op = schema.OperatorT()
        op.opcodeIndex = len(self.model.operatorCodes) - 1
        op.inputs, op.outputs = list(inputs), list(outputs)
        op.builtinOptionsType, op.builtinOptions = options_type, options
        graph.operators.append(op)

    def sign(self, key, inputs, outputs, index=0):
        signature = schema.SignatureDefT()
        signature.signatureKey, signature.subgraphIndex = key, index
        signature.inputs = [self.entry(*pair) for pair in inputs]
        signature.outputs = [self.entry(*pair) for pair in outputs]
        self.model.signatureDefs = (self.model.signatureDefs or []) + [signature]

    @staticmethod
    def entry(name, index):
        entry = schema.TensorMapT()
        entry.name, entry.tensorIndex = name, index
        return entry

    def write(self, path):
        import flatbuffers

        builder = flatbuffers.Builder(1024)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        path.write_bytes(bytes(builder.Output()))


T = schema.TensorType
B = schema.BuiltinOperator


def elementwise(dtype, shape, signature=None):
    """out = in + in, or a reshape where ADD has no kernel for the type."""
    file = Graph()
    graph = file.subgraph()
    a = file.tensor(graph, "in", dtype, shape, signature=signature)
    out = file.tensor(graph, "out", dtype, shape, signature=signature)
    graph.inputs, graph.outputs = [a], [out]
    if dtype in (T.FLOAT32, T.INT32, T.INT64):
        options = schema.AddOptionsT()
        file.op(graph, B.ADD, [a, a], [out], schema.BuiltinOptions.AddOptions, options)
    else:
        extents = file.tensor(graph, "extents", T.INT32, [len(shape)], np.array(shape, np.int32))
        options = schema.ReshapeOptionsT()
        options.newShape = list(shape)
        file.op(graph, B.RESHAPE, [a, extents], [out], schema.BuiltinOptions.ReshapeOptions, options)
    return file


def two_outputs(names, signed):
    """Outputs x + 1 and x + 2, under given names; the signature lists them the other way round."""
    file = Graph()
    graph = file.subgraph()
    a = file.tensor(graph, "x", T.FLOAT32, [1, 4])
    results = []
    for step, name in enumerate(names, 1):
        constant = file.tensor(graph, f"c{step}", T.FLOAT32, [1], np.array([step], np.float32))
        out = file.tensor(graph, name, T.FLOAT32, [1, 4])
        file.op(
            graph, B.ADD, [a, constant], [out], schema.BuiltinOptions.AddOptions, schema.AddOptionsT()
        )
        results.append(out)
    graph.inputs, graph.outputs = [a], results
    if signed:
        file.sign("serving_default", [("x", a)], [("a_second", results[1]), ("b_first", results[0])])
        file.sign("other", [("x", a)], [("only", results[0]), ("more", results[1])])
    return file


def per_channel():
    """An int8 output whose four channels have scales of their own (a reshape keeps them)."""
    file = Graph()
    graph = file.subgraph()
    quantization = ([0.5, 0.25, 0.125, 2.0], [0, 0, 0, 0], 1)
    a = file.tensor(graph, "in", T.INT8, [1, 4], quantization=quantization)
    extents = file.tensor(graph, "extents", T.INT32, [2], np.array([1, 4], np.int32))
    out = file.tensor(graph, "out", T.INT8, [1, 4], quantization=quantization)
    file.op(
        graph, B.RESHAPE, [a, extents], [out], schema.BuiltinOptions.ReshapeOptions,
        schema.ReshapeOptionsT(),
    )
    graph.inputs, graph.outputs = [a], [out]
    return file


def where():
    """WHERE: how many rows the output has is only known during a run."""
    file = Graph()
    graph = file.subgraph()
    a = file.tensor(graph, "condition", T.BOOL, [4])
    out = file.tensor(graph, "indices", T.INT64, [0, 1], signature=[-1, 1])
    file.op(graph, B.WHERE, [a], [out], schema.BuiltinOptions.WhereOptions, schema.WhereOptionsT())
    graph.inputs, graph.outputs = [a], [out]
    return file


def endless():
    """WHILE whose condition is always true."""
    file = Graph()
    main, condition, body = file.subgraph(), file.subgraph(), file.subgraph()
    a = file.tensor(main, "x", T.FLOAT32, [4])
    out = file.tensor(main, "y", T.FLOAT32, [4])
    options = schema.WhileOptionsT()
    options.condSubgraphIndex, options.bodySubgraphIndex = 1, 2
    file.op(main, B.WHILE, [a], [out], schema.BuiltinOptions.WhileOptions, options)
    main.inputs, main.outputs = [a], [out]
    x = file.tensor(condition, "x", T.FLOAT32, [4])
    zero = file.tensor(condition, "zero", T.FLOAT32, [1], np.zeros(1, np.float32))
    square = file.tensor(condition, "square", T.FLOAT32, [4])
    always = file.tensor(condition, "always", T.BOOL, [4])
    first = file.tensor(condition, "first", T.BOOL, [1])
    begin = file.tensor(condition, "begin", T.INT32, [1], np.zeros(1, np.int32))
    size = file.tensor(condition, "size", T.INT32, [1], np.ones(1, np.int32))
    file.op(
        condition, B.MUL, [x, x], [square], schema.BuiltinOptions.MulOptions, schema.MulOptionsT()
    )
    file.op(
        condition, B.GREATER_EQUAL, [square, zero], [always],
        schema.BuiltinOptions.GreaterEqualOptions, schema.GreaterEqualOptionsT(),
    )
    file.op(
        condition, B.SLICE, [always, begin, size], [first], schema.BuiltinOptions.SliceOptions,
        schema.SliceOptionsT(), version=2,
    )
    condition.inputs, condition.outputs = [x], [first]
    x = file.tensor(body, "x", T.FLOAT32, [4])
    y = file.tensor(body, "y", T.FLOAT32, [4])
    file.op(body, B.ABS, [x], [y], schema.BuiltinOptions.AbsOptions, schema.AbsOptionsT())
    body.inputs, body.outputs = [x], [y]
    return file


def nameless_signature():
    """A signature entry without a name: LiteRT 2.3.0 ends with an uncaught C++ exception."""
    file = two_outputs(["a", "b"], False)
    file.sign("serving_default", [(None, 0)], [("a", 2), ("b", 4)])
    return file


def models(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in vars(T).items():
        if not name.startswith("_"):
            elementwise(value, [1, 4]).write(folder / f"type_{name.lower()}.tflite")
    elementwise(T.FLOAT32, [1, 4], [-1, 4]).write(folder / "dynamic_batch.tflite")
    two_outputs(["first", "second"], True).write(folder / "two_signatures.tflite")
    two_outputs(["same", "same"], False).write(folder / "same_names.tflite")
    two_outputs(["", ""], False).write(folder / "no_names.tflite")
    per_channel().write(folder / "per_channel.tflite")
    where().write(folder / "where.tflite")
    endless().write(folder / "endless.tflite")
    nameless_signature().write(folder / "nameless_signature.tflite")


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "outputs":
        outputs(json.loads(pathlib.Path(sys.argv[2]).read_text()))
    elif len(sys.argv) == 3 and sys.argv[1] == "models":
        models(pathlib.Path(sys.argv[2]))
    else:
        sys.exit(__doc__)
