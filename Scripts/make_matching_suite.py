"""Makes copies of real models that compute the same in another dress, and says which tensor is which.

    .deps/python/bin/python3 Scripts/make_matching_suite.py DATA OUTPUT [--seed 5] [--kinds shuffled,unfused] [--models resnet8_float]

DATA is the folder of shared data. FlatBuffers' object API edits the models; none of EXray's code takes part. All copies
are renamed, their tensors, buffers and ops are shuffled (ops into another order of execution that is valid). OUTPUT gets
MODEL.KIND.tflite and MODEL.KIND.json: `candidate`, `reference`, `pairs` from the copy's tensors to the original's, and
`permutations`, the order of the copy's axes that is the original's. The last line counts the copies as JSON. Kinds:

shuffled   nothing else
misnamed   the names of the original, given to other tensors
unfused    activations and biases apart from the float ops that had them, and a factor a channel out of the weights
nchw       pictures, sums and activations in (batch, channel, height, width), with TRANSPOSE ops around
quantized  QUANTIZE and DEQUANTIZE around a third of the float layers
split      SOFTMAX, HARD_SWISH and LOGISTIC as the ops that they are made of
"""

import argparse
import json
import pathlib

import numpy as np

from mutant_models import A, B, F, T, WEIGHTED, Model, schema

ACTIVATIONS = {A.RELU: B.RELU, A.RELU6: B.RELU6, A.RELU_N1_TO_1: B.RELU_N1_TO_1}
STATEFUL = {B.VAR_HANDLE, B.READ_VARIABLE, B.ASSIGN_VARIABLE, B.CALL_ONCE, B.CUSTOM}
# What the checks of the project refuse, so that there is nothing to match.
REFUSED = ("person_detect_bad_quant_dim", "keyword_scrambled_8bit_segfaults_litert")
NCHW, NHWC = [0, 3, 1, 2], [0, 2, 3, 1]


def ints(values):
    return [] if values is None else [int(v) for v in values]


class Copy:
    """A copy of a model, and which of its tensors is which of the original's."""

    def __init__(self, content):
        self.model = Model(content)
        model = self.model
        buffers = model.file.buffers
        fixed = {
            i for i, t in enumerate(model.graph.tensors)
            if buffers[t.buffer].data is not None and len(buffers[t.buffer].data) > 0}
        constants = set(fixed)
        for op in model.ops:
            read = [i for i in ints(op.inputs) if i >= 0]
            if read and all(i in fixed for i in read):
                fixed |= set(ints(op.outputs))
        self.fixed, self.constants = fixed, constants
        made = [i for op in model.ops for i in ints(op.outputs) if i >= 0]
        self.truth = {i: i for i in [*ints(model.graph.inputs), *made] if i not in fixed}
        self.permutations = {}

    def result(self, op):
        """An op's first result, or -1."""
        outputs = self.model.ops[op].outputs
        return -1 if outputs is None or len(outputs) == 0 else int(outputs[0])

    def like(self, index, shape=None):
        """A new tensor like another one."""
        tensor = self.model.tensor(index)
        return self.model.add_tensor("new", tensor.shape if shape is None else shape, tensor.type)

    def is_plain(self, index):
        """Whether a tensor is of floats that ops or callers write."""
        return index >= 0 and index not in self.fixed and self.model.tensor(index).type == T.FLOAT32

    def after(self, op, kind, **options):
        """Puts an op behind another one: the old result is the new op's, the old op has a new one."""
        entry = self.model.ops[op]
        result = int(entry.outputs[0])
        middle = self.like(result)
        entry.outputs = np.array([middle, *ints(entry.outputs)[1:]], np.int32)
        self.model.add_op(kind, [middle], result, at=op + 1, **options)
        return middle

    def constant(self, values, type=T.FLOAT32):
        values = np.asarray(values)
        index = self.model.add_tensor("constant", values.shape, type, values=values)
        self.fixed.add(index)
        return index

    def note_order(self, index):
        """Notes that a tensor is NCHW, where that makes a difference in memory."""
        channels, *area = [int(e) for e in self.model.tensor(index).shape[1:]]
        if channels > 1 and area != [1, 1]:
            self.permutations[index] = NHWC

    def transpose(self, source, axes, at, target=None):
        shape = [int(self.model.tensor(source).shape[a]) for a in axes]
        target = self.like(source, shape) if target is None else target
        self.model.add_op(B.TRANSPOSE, [source, self.constant(axes, T.INT32)], target, at=at)
        return target


# Kinds of copies.


def unfuse_activations(copy):
    for op in reversed(range(len(copy.model.ops))):
        options = copy.model.ops[op].builtinOptions
        activation = getattr(options, "fusedActivationFunction", 0)
        if activation in ACTIVATIONS and copy.is_plain(copy.result(op)):
            options.fusedActivationFunction = A.NONE
            copy.after(op, ACTIVATIONS[activation])


def unfused(copy, rng):
    unfuse_activations(copy)
    model = copy.model
    for op in reversed(range(len(model.ops))):
        if model.kind(op) not in WEIGHTED or len(model.ops[op].inputs) < 3 or rng.random() < 0.3:
            continue
        x, w, b, y = model.parts(op)
        if b < 0 or not copy.is_plain(y) or not model.is_float(w) or not model.is_float(b):
            continue
        if w not in copy.constants or b not in copy.constants:
            continue
        values, axis = model.values(w), model.channel_axis(op)
        factors = rng.uniform(0.5, 2, values.shape[axis]).astype(F)
        shape = [1] * values.ndim
        shape[axis] = len(factors)
        bias = model.values(b)
        weights = copy.constant((values / factors.reshape(shape)).astype(F))
        model.ops[op].inputs = np.array([x, weights, copy.constant(np.zeros_like(bias))], np.int32)
        for kind, options, type, values in (
                (B.ADD, schema.AddOptionsT(), schema.BuiltinOptions.AddOptions, bias),
                (B.MUL, schema.MulOptionsT(), schema.BuiltinOptions.MulOptions, factors)):
            copy.after(op, kind, options_type=type, options=options)
            entry = model.ops[op + 1]
            entry.inputs = np.array([*ints(entry.inputs), copy.constant(values)], np.int32)


def nchw(copy, rng):
    unfuse_activations(copy)
    model = copy.model
    flat = {B.ADD, B.MUL, B.RELU, B.RELU6, B.LOGISTIC, B.HARD_SWISH, B.PRELU}
    for op in reversed(range(len(model.ops))):
        inputs, y = ints(model.ops[op].inputs), copy.result(op)
        if model.kind(op) not in flat or not copy.is_plain(y) or len(model.tensor(y).shape) != 4:
            continue
        if not all(copy.is_plain(i) and len(model.tensor(i).shape) == 4 for i in inputs):
            continue
        at = op
        turned = []
        for i in inputs:
            turned.append(copy.transpose(i, NCHW, at))
            at += 1
        own = copy.like(y, [int(model.tensor(y).shape[a]) for a in NCHW])
        entry = model.ops[at]
        entry.inputs, entry.outputs = np.array(turned, np.int32), np.array([own], np.int32)
        copy.transpose(own, NHWC, at + 1, y)
        if y in copy.truth:
            copy.truth[own] = copy.truth.pop(y)
            copy.note_order(own)
    for place, x in enumerate(ints(model.graph.inputs)):
        if copy.is_plain(x) and len(model.tensor(x).shape) == 4 and model.tensor(x).shape[3] > 1:
            source = copy.like(x, [int(model.tensor(x).shape[a]) for a in NCHW])
            copy.transpose(source, NHWC, 0, x)
            entries = ints(model.graph.inputs)
            entries[place] = source
            model.graph.inputs = np.array(entries, np.int32)
            copy.truth[source] = copy.truth.pop(x)
            copy.note_order(source)


def quantized(copy, rng):
    model = copy.model
    outputs = set(ints(model.graph.outputs))
    for op in reversed(range(len(model.ops))):
        y = copy.result(op)
        if not copy.is_plain(y) or y in outputs or y not in copy.truth or rng.random() < 0.67:
            continue
        stored = model.add_tensor("new", model.tensor(y).shape, T.INT8, float(rng.uniform(0.01, 0.1)), 3)
        back = copy.like(y)
        for later in range(op + 1, len(model.ops)):
            entry = model.ops[later]
            entry.inputs = np.array([back if i == y else i for i in ints(entry.inputs)], np.int32)
        model.add_op(B.QUANTIZE, [y], stored, at=op + 1)
        model.add_op(B.DEQUANTIZE, [stored], back, at=op + 2, version=2)


def split(copy, rng):
    model = copy.model
    for op in reversed(range(len(model.ops))):
        kind, y = model.kind(op), copy.result(op)
        if kind not in (B.SOFTMAX, B.HARD_SWISH, B.LOGISTIC) or not copy.is_plain(y):
            continue
        x = int(model.ops[op].inputs[0])
        model.ops.pop(op)
        steps = []
        if kind == B.SOFTMAX:
            shape = [int(e) for e in model.tensor(y).shape]
            power, total = copy.like(y), copy.like(y, [*shape[:-1], 1])
            keep = schema.ReducerOptionsT()
            keep.keepDims = True
            axis = copy.constant(np.array([len(shape) - 1]), T.INT32)
            steps = [
                (B.EXP, [x], power, 0, None),
                (B.SUM, [power, axis], total, schema.BuiltinOptions.ReducerOptions, keep),
                (B.DIV, [power, total], y, schema.BuiltinOptions.DivOptions, schema.DivOptionsT())]
        elif kind == B.HARD_SWISH:
            moved, clamped, product = copy.like(y), copy.like(y), copy.like(y)
            add, mul = schema.BuiltinOptions.AddOptions, schema.BuiltinOptions.MulOptions
            steps = [
                (B.ADD, [x, copy.constant(np.array([3], F))], moved, add, schema.AddOptionsT()),
                (B.RELU6, [moved], clamped, 0, None),
                (B.MUL, [x, clamped], product, mul, schema.MulOptionsT()),
                (B.MUL, [product, copy.constant(np.array([1 / 6], F))], y, mul, schema.MulOptionsT())]
        else:
            minus, power, more = copy.like(y), copy.like(y), copy.like(y)
            one = copy.constant(np.array([1], F))
            steps = [
                (B.NEG, [x], minus, 0, None), (B.EXP, [minus], power, 0, None),
                (B.ADD, [power, one], more, schema.BuiltinOptions.AddOptions, schema.AddOptionsT()),
                (B.DIV, [one, more], y, schema.BuiltinOptions.DivOptions, schema.DivOptionsT())]
        for number, (step, inputs, output, type, options) in enumerate(steps):
            model.add_op(step, inputs, output, type, options, at=op + number)


KINDS = {
    "shuffled": lambda copy, rng: None, "misnamed": lambda copy, rng: None, "unfused": unfused, "nchw": nchw,
    "quantized": quantized, "split": split}


def order_of_ops(model, rng):
    """Another order of execution that is valid; ops that keep state keep theirs."""
    makers = {i: n for n, op in enumerate(model.ops) for i in ints(op.outputs) if i >= 0}
    needs = [{makers[i] for i in ints(op.inputs) if i in makers} - {n} for n, op in enumerate(model.ops)]
    variables = {i for i, t in enumerate(model.graph.tensors) if t.isVariable}
    last = None
    for n, op in enumerate(model.ops):
        if model.kind(n) in STATEFUL or variables & set(ints(op.inputs)):
            if last is not None:
                needs[n].add(last)
            last = n
    users = [[] for _ in model.ops]
    for n, needed in enumerate(needs):
        for i in needed:
            users[i].append(n)
    missing = [len(needed) for needed in needs]
    ready, order = [n for n, count in enumerate(missing) if count == 0], []
    while ready:
        n = ready.pop(int(rng.integers(len(ready))))
        order.append(n)
        for user in users[n]:
            missing[user] -= 1
            if missing[user] == 0:
                ready.append(user)
    return order


def shuffle(copy, rng, misnamed):
    model, graph = copy.model, copy.model.graph
    graph.operators = [model.ops[n] for n in order_of_ops(model, rng)]
    places = rng.permutation(len(graph.tensors))
    names = [model.name(i) for i in range(len(graph.tensors))]
    tensors = [None] * len(places)
    for old, new in enumerate(places):
        tensors[new] = graph.tensors[old]
    graph.tensors = tensors
    new_names = rng.permutation(names) if misnamed else [f"t{n}" for n in rng.permutation(len(names))]
    for tensor, name in zip(graph.tensors, new_names):
        tensor.name = str(name).encode()

    def moved(values):
        return np.array([int(places[i]) if i >= 0 else -1 for i in ints(values)], np.int32)

    for op in graph.operators:
        op.inputs, op.outputs = moved(op.inputs), moved(op.outputs)
        if op.intermediates is not None:
            op.intermediates = moved(op.intermediates)
    graph.inputs, graph.outputs = moved(graph.inputs), moved(graph.outputs)
    copy.model.file.signatureDefs = None
    # The first buffer stays: it stands for none.
    buffers = copy.model.file.buffers
    order = [0, *(1 + rng.permutation(len(buffers) - 1))]
    copy.model.file.buffers = [buffers[i] for i in order]
    renumbered = {int(old): new for new, old in enumerate(order)}
    for other in copy.model.file.subgraphs:
        for tensor in other.tensors:
            tensor.buffer = renumbered[tensor.buffer]
    for entry in copy.model.file.metadata or []:
        entry.buffer = renumbered[entry.buffer]
    copy.truth = {int(places[new]): old for new, old in copy.truth.items()}
    copy.permutations = {int(places[new]): order for new, order in copy.permutations.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--models", default="", help="parts of file names, or all models")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    counts = dict.fromkeys(arguments.kinds.split(","), 0)
    paths = sorted([*arguments.data.glob("models/**/*.tflite"), *arguments.data.glob("kenning/**/*.tflite")])
    for number, path in enumerate(p for p in paths if p.stem not in REFUSED):
        if not any(part in path.name for part in arguments.models.split(",")):
            continue
        content = path.read_bytes()
        for kind in counts:
            rng = np.random.default_rng([arguments.seed, number, list(KINDS).index(kind)])
            copy = Copy(content)
            before = len(copy.model.ops)
            KINDS[kind](copy, rng)
            if kind not in ("shuffled", "misnamed") and len(copy.model.ops) == before:
                continue
            shuffle(copy, rng, kind == "misnamed")
            name = f"{path.stem}.{kind}"
            (arguments.output / f"{name}.tflite").write_bytes(copy.model.packed())
            (arguments.output / f"{name}.json").write_text(json.dumps({
                "candidate": f"{name}.tflite", "reference": str(path), "kind": kind,
                "pairs": {str(new): old for new, old in sorted(copy.truth.items())},
                "permutations": {str(new): order for new, order in sorted(copy.permutations.items())}}))
            counts[kind] += 1
    print(json.dumps({"copies": counts}))


if __name__ == "__main__":
    main()
