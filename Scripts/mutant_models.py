"""What make_mutants.py plants faults in: .tflite files edited through the FlatBuffers object API, LiteRT to
run them, and pairs of real models with inputs for them."""

import csv
import functools
import re

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

F = np.float32
B, T, A = schema.BuiltinOperator, schema.TensorType, schema.ActivationFunctionType
TYPES = {
    T.FLOAT32: np.float32, T.FLOAT16: np.float16, T.INT32: np.int32, T.UINT8: np.uint8, T.INT64: np.int64,
    T.INT8: np.int8, T.INT16: np.int16, T.BOOL: np.bool_}
WEIGHTED = (B.CONV_2D, B.DEPTHWISE_CONV_2D, B.FULLY_CONNECTED)
# Their integer kernels want one scale and zero point before and after.
SAME_SCALE = (B.AVERAGE_POOL_2D, B.MAX_POOL_2D, B.RESHAPE, B.REDUCE_MAX)
# Their outputs have a scale that the file format prescribes, or that of a table.
FIXED_SCALE = (B.SOFTMAX, B.GATHER, B.UNIDIRECTIONAL_SEQUENCE_LSTM, B.DEQUANTIZE)


class Unfit(Exception):
    """This fault cannot be planted here; another one is drawn."""


class AlignedBuffer(schema.BufferT):
    """A buffer that is written on a boundary of 16 bytes, as the schema asks; the generated code does not."""

    def Pack(self, builder):
        if self.data is None or len(self.data) == 0:
            return super().Pack(builder)
        data = np.ascontiguousarray(self.data, np.uint8).tobytes()
        builder.StartVector(1, len(data), 16)
        builder.head -= len(data)
        builder.Bytes[builder.head:builder.head + len(data)] = data
        vector = builder.EndVector()
        schema.BufferStart(builder)
        schema.BufferAddData(builder, vector)
        return schema.BufferEnd(builder)


class Model:
    """One subgraph of a .tflite file, to be edited."""

    def __init__(self, content):
        self.file = schema.ModelT.InitFromPackedBuf(content, 0)
        for buffer in self.file.buffers:
            buffer.__class__ = AlignedBuffer
        self.graph = self.file.subgraphs[0]

    def packed(self):
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(self.file.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    def copy(self):
        return Model(self.packed())

    # Ops and tensors.

    @property
    def ops(self):
        return self.graph.operators

    def kind(self, op):
        code = self.file.operatorCodes[self.ops[op].opcodeIndex]
        return max(code.builtinCode, code.deprecatedBuiltinCode)

    def tensor(self, index):
        return self.graph.tensors[index]

    def output(self, op):
        return int(self.ops[op].outputs[0])

    def weighted(self):
        """The ops with constant weights and a bias."""
        return [
            i for i in range(len(self.ops))
            if self.kind(i) in WEIGHTED and len(self.ops[i].inputs) > 2 and self.ops[i].inputs[2] >= 0]

    def parts(self, op):
        """Input, weights, bias and output of a weighted op, as tensor indices."""
        return (*(int(i) for i in self.ops[op].inputs[:3]), self.output(op))

    def name(self, index):
        name = self.tensor(index).name
        return name.decode() if isinstance(name, bytes) else name

    def consumers(self, index):
        return [i for i, op in enumerate(self.ops) if index in op.inputs]

    def producer(self, index):
        return next((i for i, op in enumerate(self.ops) if index in op.outputs), None)

    def downstream(self, op):
        """The op and all that depend on it, in the file's order."""
        reached, tensors = [], set()
        for i in range(op, len(self.ops)):
            if i == op or tensors & set(map(int, self.ops[i].inputs)):
                reached.append(i)
                tensors |= set(map(int, self.ops[i].outputs))
        return reached

    def channel_axis(self, op):
        """The axis of the output channels in an op's weights."""
        return 3 if self.kind(op) == B.DEPTHWISE_CONV_2D else 0

    # Values.

    def is_float(self, index):
        return self.tensor(index).type == T.FLOAT32

    def values(self, index):
        """The constant as it is stored."""
        tensor = self.tensor(index)
        data = np.asarray(self.file.buffers[tensor.buffer].data, np.uint8).tobytes()
        return np.frombuffer(data, TYPES[tensor.type]).reshape(tensor.shape).copy()

    def store(self, index, array):
        """Stores a constant in a buffer of its own, as files share buffers of equal constants."""
        tensor = self.tensor(index)
        array = np.ascontiguousarray(array, TYPES[tensor.type])
        buffer = AlignedBuffer()
        buffer.data = np.frombuffer(array.tobytes(), np.uint8)
        self.file.buffers.append(buffer)
        tensor.buffer, tensor.shape = len(self.file.buffers) - 1, np.array(array.shape, np.int32)

    def scales(self, index):
        quantization = self.tensor(index).quantization
        scale = None if quantization is None else quantization.scale
        return None if scale is None or len(scale) == 0 else np.array(scale, np.float64)

    def scale(self, index):
        return float(self.scales(index)[0])

    def zero_point(self, index):
        return int(self.tensor(index).quantization.zeroPoint[0])

    def set_scales(self, index, scales, zero_point=None):
        quantization = self.tensor(index).quantization
        quantization.scale = np.atleast_1d(np.asarray(scales, F))
        if zero_point is not None or len(quantization.zeroPoint) != len(quantization.scale):
            quantization.zeroPoint = np.full(len(quantization.scale), zero_point or 0, np.int64)
        quantization.min = quantization.max = None

    def is_quantized(self, index):
        return self.tensor(index).type in (T.INT8, T.UINT8, T.INT16) and self.scales(index) is not None

    def is_integer(self, op):
        """Whether a weighted op computes in integers."""
        return self.is_quantized(self.parts(op)[0])

    def real(self, index, axis=0):
        """The constant's values as real numbers."""
        values, scales = self.values(index), self.scales(index)
        if scales is None or self.is_float(index):
            return values.astype(np.float64)
        shape = [1] * values.ndim
        if values.ndim and len(scales) > 1:
            shape[axis if values.ndim > axis else 0] = len(scales)
        return (values - float(self.zero_point(index))) * scales.reshape(shape)

    def weights(self, op):
        return self.real(self.parts(op)[1], self.channel_axis(op))

    def bias(self, op):
        return self.real(self.parts(op)[2])

    def set_weights(self, op, real, scales=None):
        """Quantizes weights symmetrically, with these scales or, per channel where they were, the finest."""
        index, axis = self.parts(op)[1], self.channel_axis(op)
        if self.is_float(index):
            self.store(index, real)
            return
        if scales is None:
            old = self.scales(index)
            largest = largest_weights(real, axis) if len(old) > 1 else np.abs(real).max(keepdims=True).ravel()
            scales = np.where(largest > 0, largest / 127, old)
        shape = [1] * real.ndim
        shape[axis] = len(scales)
        self.store(index, np.clip(np.rint(real / scales.reshape(shape)), -127, 127))
        self.set_scales(index, scales, 0)

    def set_bias(self, op, real):
        """Stores a bias, in integers with input scale × weight scale."""
        x, w, b, _ = self.parts(op)
        if self.is_float(b):
            self.store(b, real)
            return
        # As converters do, the scale of weights that are next to nothing grows until the bias fits.
        least = np.abs(real) / self.scale(x) / 2 ** 30
        if len(self.scales(w)) == 1:
            least = np.atleast_1d(least.max())
        if (least > self.scales(w)).any():
            self.set_weights(op, self.weights(op), np.maximum(least, self.scales(w)))
        scales = self.scale(x) * self.scales(w)
        self.store(b, np.rint(real / scales))
        self.set_scales(b, scales, 0)

    def set_range(self, index, scale, zero_point):
        """Sets the scale of a tensor, and of all that must have the same."""
        self.set_scales(index, [scale], zero_point)
        for op in self.consumers(index):
            if self.kind(op) in SAME_SCALE and self.is_quantized(self.output(op)):
                self.set_range(self.output(op), scale, zero_point)

    def real_biases(self):
        return {op: self.bias(op) for op in self.weighted() if self.is_integer(op)}

    def set_biases(self, real):
        """Quantizes anew the biases whose input or weights have another scale now."""
        for op, bias in real.items():
            x, w, b, _ = self.parts(op)
            if not np.allclose(self.scales(b), self.scale(x) * self.scales(w), rtol=1e-5, atol=0):
                self.set_bias(op, bias)

    # New parts.

    def add_tensor(self, name, shape, type=T.FLOAT32, scale=None, zero_point=0, values=None):
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.type = name.encode(), np.array(shape, np.int32), type
        if scale is not None:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale = np.array([scale], F)
            tensor.quantization.zeroPoint = np.array([zero_point], np.int64)
        self.graph.tensors.append(tensor)
        if values is not None:
            self.store(len(self.graph.tensors) - 1, values)
        return len(self.graph.tensors) - 1

    def add_op(self, kind, inputs, output, options_type=0, options=None, at=None, version=1):
        code = schema.OperatorCodeT()
        code.builtinCode, code.deprecatedBuiltinCode, code.version = kind, min(kind, 127), version
        self.file.operatorCodes.append(code)
        op = schema.OperatorT()
        op.opcodeIndex = len(self.file.operatorCodes) - 1
        op.inputs, op.outputs = np.array(inputs, np.int32), np.array([output], np.int32)
        op.builtinOptionsType, op.builtinOptions = options_type, options
        at = len(self.ops) if at is None else at
        self.ops.insert(at, op)
        return at

    def set_ends(self, inputs=None, outputs=None):
        """Gives the graph other inputs or outputs; signatures, which name the old ones, go."""
        if inputs is not None:
            self.graph.inputs = np.array(inputs, np.int32)
        if outputs is not None:
            self.graph.outputs = np.array(outputs, np.int32)
        self.file.signatureDefs = None


def largest_weights(real, axis):
    """The largest weight of every output channel."""
    return np.abs(real).max(axis=tuple(i for i in range(real.ndim) if i != axis))


# Running.


def stored(array, detail):
    """What a model's input tensor gets."""
    scale, zero_point = detail["quantization"]
    if array.dtype != F or not scale:
        return array.astype(detail["dtype"])
    limits = np.iinfo(detail["dtype"])
    return np.clip(np.rint(array / F(scale) + F(zero_point)), limits.min, limits.max).astype(detail["dtype"])


def run(model, frames, tensors=()):
    """The real values of the first output, then of some other tensors, by LiteRT with XNNPACK; [N, …] each."""
    exposed = model.copy()
    exposed.set_ends(outputs=[*exposed.graph.outputs[:1], *[t for t in tensors if t != exposed.graph.outputs[0]]])
    interpreter = Interpreter(model_content=exposed.packed(), num_threads=1)
    interpreter.allocate_tensors()
    entry = interpreter.get_input_details()[0]
    exits = {d["index"]: d for d in interpreter.get_output_details()}
    wanted = [int(exposed.graph.outputs[0]), *tensors]
    results = [[] for _ in wanted]
    for frame in frames:
        interpreter.reset_all_variables()
        interpreter.set_tensor(entry["index"], stored(frame, entry).reshape(entry["shape"]))
        interpreter.invoke()
        for values, index in zip(results, wanted):
            array, (scale, zero_point) = interpreter.get_tensor(index), exits[index]["quantization"]
            values.append((array.astype(F) - zero_point) * F(scale) if scale else array.astype(F))
    return [np.stack(values) for values in results]


def ranges(model, frames):
    """The least and the largest value of every op's float output."""
    floats = [i for i in range(len(model.ops)) if model.is_float(model.output(i))]
    found = run(model, frames, [model.output(i) for i in floats])[1:]
    return {i: (float(a.min()), float(a.max())) for i, a in zip(floats, found)}


def asymmetric(low, high):
    """Scale and zero point of int8 for a range, as converters choose them."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = max(high - low, 1e-6) / 255
    return scale, int(np.clip(round(-128 - low / scale), -128, 127))


def change(a, b):
    """The root mean square of a's difference from b as a share of b's; infinite where a is not finite."""
    if not np.isfinite(a).all():
        return float("inf")
    a, b = a.astype(np.float64), b.astype(np.float64)
    return float(np.sqrt(np.mean((a - b) ** 2)) / max(np.sqrt(np.mean(b ** 2)), 1e-12))


# Real models.


class Pair:
    """A float model, its int8 twin, and inputs for both."""

    def __init__(self, data, name):
        self.data, self.name = data, name
        folder, stem, self.frames_a_case, self.inputs, self.recipe = PAIRS[name]
        self.folder, self.stem = data / "models" / folder, stem

    def path(self, kind):
        return self.folder / f"{self.stem}_{kind}.tflite"

    @functools.cache
    def content(self, kind):
        return self.path(kind).read_bytes()

    def model(self, kind):
        """The model to edit; `plain` is the float one with all weights in float."""
        model = Model(self.content("float" if kind == "plain" else kind))
        if kind == "plain":
            for op in model.weighted():
                w = model.parts(op)[1]
                if model.is_quantized(w):
                    real = model.weights(op)
                    model.tensor(w).type, model.tensor(w).quantization = T.FLOAT32, None
                    model.store(w, real)
        return model

    def draw(self, rng, count=None):
        """Files of some inputs, or None, and what the models get of them."""
        return self.inputs(self.data / "data", rng, count or self.frames_a_case)


def chosen(rng, items, count):
    return [items[int(i)] for i in sorted(rng.choice(len(items), min(count, len(items)), replace=False))]


@functools.cache
def color_pictures(folder):
    """Colour JPEGs that are stored upright."""
    found = []
    for path in sorted(folder.glob("*.[jJ][pP]*")):
        with Image.open(path) as image:
            if image.mode == "RGB" and image.getexif().get(274, 1) == 1:
                found.append(path)
    return found


def pictures(folder, size, fraction, method, divisor, mean):
    def draw(data, rng, count):
        paths, frames = chosen(rng, color_pictures(data / folder), count), []
        for path in paths:
            image = Image.open(path)
            if fraction:
                side = round(fraction * min(image.size))
                x, y = (image.width - side) // 2, (image.height - side) // 2
                image = image.crop((x, y, x + side, y + side))
            levels = np.asarray(image.resize((size, size), method), F)
            frames.append(levels / F(divisor) - F(mean))
        return paths, np.stack(frames)
    return draw


def keywords(data, rng, count):
    steps = np.fromfile(data / "kws_mfcc_1000/features_int8_1000x49x10.bin", np.int8).reshape(1000, 49, 10, 1)
    return None, (np.stack(chosen(rng, steps, count)).astype(F) - 83) * F(0.5847029089927673)


def machine_sounds(data, rng, count):
    frames = np.fromfile(data / "anomaly/normal_id_01_00000000_f32_200x128.bin", F).reshape(200, 128)
    return None, np.stack([frames[i:i + 5].ravel() for i in chosen(rng, range(196), count)])


def digits(data, rng, count):
    paths = chosen(rng, sorted((data / "mnist_10").glob("*.png")), count)
    return None, np.stack([np.asarray(Image.open(p).convert("L"), F) / F(255) for p in paths])


def sentences(data, rng, count):
    vocabulary = (data / "text/vocab.txt").read_text().splitlines()
    numbers = {word: i for i, word in enumerate(vocabulary)}
    with open(data / "text/rt_polarity_test_1000.tsv", newline="") as file:
        texts = [row[1] for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]
    rows = []
    for text in chosen(rng, texts, count):
        ids = [numbers.get(word, 1) for word in re.findall("[a-z0-9']+", text.lower())][:48]
        rows.append(ids + [0] * (48 - len(ids)))
    return None, np.array(rows, np.int32)


# Folder, stem, frames a case, inputs, and the recipe of Examples/recipes.
PAIRS = {
    "kws": ("audio", "kws_dscnn", 16, keywords, None),
    "vww": ("vww", "vww_96", 12, pictures(
        "coco_val_64/images", 96, None, Image.Resampling.BILINEAR, 255, 0), "vww-96"),
    "cifar": ("cifar10", "resnet8", 16, pictures(
        "cifar10_200/images", 32, None, Image.Resampling.BILINEAR, 1, 0), "resnet8-cifar10"),
    "ad01": ("anomaly", "ad01", 16, machine_sounds, None),
    "mnist": ("misc", "mnist_lstm", 8, digits, None),
    "sentiment": ("text", "sentiment_cnn", 16, sentences, None),
    "mobilenet": ("imagenet", "mobilenet_v1_025_224", 6, pictures(
        "imagenet_100/images", 224, 0.875, Image.Resampling.BILINEAR, 127.5, 1), "mobilenet-v1-0.25"),
    "lite0": ("imagenet", "efficientnet_lite0", 4, pictures(
        "imagenet_100/images", 224, 0.875, Image.Resampling.BICUBIC, 128, 127 / 128), "efficientnet-lite0"),
}
