"""The faults of make_mutants.py: each function plants one in a copy of a real model."""

import dataclasses

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from mutant_models import (
    A, B, F, FIXED_SCALE, SAME_SCALE, T, Model, Unfit, asymmetric, change, largest_weights, ranges)

# How many inputs ranges are measured with, besides the case's own.
CALIBRATION = {"mobilenet": 10, "lite0": 4}


@dataclasses.dataclass
class Plant:
    """A model with a fault, and what is true of it."""
    candidate: Model
    op: int | None  # The planted op in the candidate.
    did: str
    strength: float | str | None = None
    healthy: Model | None = None  # The candidate without the fault; else the pair's model of its kind.
    reference: Model | None = None  # Else the pair's float model.
    reference_op: int | None = None  # The planted op in the reference; -1 where there is none.
    also_right: tuple = ()  # Ops that may be blamed as well.
    also_causes: tuple = ()  # Causes that describe the same file.
    frames: np.ndarray | None = None  # Inputs in place of the pair's.
    view: object = lambda a: a  # What is measured of the planted op's output.
    view_output: object = lambda a: a  # What is measured of the model's output.
    mild: bool = False  # Whether what is seen at the op suffices.
    breaks: bool = False  # Whether values of the op must not be finite.


@dataclasses.dataclass
class Site:
    """Where a fault is to be planted."""
    rng: np.random.Generator
    pair: object
    kind: str  # `float` or `int8`
    frames: np.ndarray
    turn: int  # How many faults of this mechanism were planted before.

    def model(self, kind=None):
        return self.pair.model(kind or self.kind)

    def pick(self, items):
        items = list(items)
        if not items:
            raise Unfit("no such op")
        return items[int(self.rng.integers(len(items)))]

    def calibration(self):
        """Inputs to measure ranges with: the case's own and others."""
        more = self.pair.draw(self.rng, CALIBRATION.get(self.pair.name, 24))[1]
        return np.concatenate([self.frames, more])

    def factor(self, low, high):
        """A factor between both, or one over it."""
        factor = float(np.exp(self.rng.uniform(np.log(low), np.log(high))))
        return factor if self.rng.random() < 0.5 else 1 / factor

    def weighted(self, model):
        """A weighted op; of a float model, one with float weights."""
        ops = model.weighted()
        return self.pick(ops if self.kind == "int8" else [o for o in ops if model.is_float(model.parts(o)[1])])


# Quantization: planted in the int8 model.


def weight_scale(site):
    """Weight and bias scales of one op times a factor."""
    model = site.model()
    op, factor = site.weighted(model), site.factor(1.1, 2)
    _, w, b, _ = model.parts(op)
    for index in (w, b):
        model.set_scales(index, model.scales(index) * factor)
    return Plant(model, op, "weight and bias scales times a factor", factor)


def bias_scale(site):
    """A bias that was quantized with another scale than input scale × weight scale."""
    model = site.model()
    if site.rng.random() < 0.5:
        op, factor = site.weighted(model), site.factor(1.3, 4)
        b = model.parts(op)[2]
        model.store(b, np.clip(np.rint(model.values(b) / factor), -2 ** 31, 2 ** 31 - 1))
        model.set_scales(b, model.scales(b) * factor)
        return Plant(model, op, "bias quantized with a wrong scale, which the file tells", factor)
    op, users = scalable(site, model, lambda m, users: any(u in m.weighted() for u in users))
    y, factor = model.output(op), site.factor(1.1, 1.6)
    model.set_range(y, model.scale(y) * factor, model.zero_point(y))
    users = [u for u in users if u in model.weighted()]
    return Plant(
        model, users[0], "output scale of the op before times a factor, biases left", factor,
        also_right=(op, *users[1:]))


def scalable(site, model, fits=lambda m, users: True):
    """An op whose output can have another scale, and the ops that read it."""
    def users(op):
        return model.consumers(model.output(op))
    outputs = set(map(int, model.graph.outputs))
    ops = [
        op for op in range(len(model.ops))
        if (op in model.weighted() or model.kind(op) == B.ADD) and model.is_quantized(model.output(op))
        and model.output(op) not in outputs and fits(model, users(op))]
    op = site.pick(ops)
    return op, users(op)


def zero_point(site):
    """A bias that holds a wrong zero point: of the output, or of the input that converters fold into it."""
    model = site.model()
    op, steps = site.weighted(model), int(site.rng.integers(3, 33)) * (1 if site.rng.random() < 0.5 else -1)
    x, w, b, y = model.parts(op)
    if site.rng.random() < 0.5:
        stored = model.values(w).astype(np.int64)
        shift = -steps * stored.sum(axis=tuple(i for i in range(stored.ndim) if i != model.channel_axis(op)))
        did = "the input's zero point off by some steps, folded into the bias"
    else:
        shift = np.rint(steps * model.scale(y) / (model.scale(x) * model.scales(w)))
        did = "the output's zero point off by some steps, as the bias"
    changed = model.values(b) + shift
    if np.abs(changed).max() >= 2 ** 31:
        raise Unfit("a bias leaves int32")
    model.store(b, changed)
    return Plant(model, op, did, steps)


def ranged(site, factor, did):
    model = site.model()
    op, _ = scalable(site, model)
    y, biases = model.output(op), model.real_biases()
    model.set_range(y, model.scale(y) * factor, model.zero_point(y))
    model.set_biases(biases)
    return Plant(model, op, did, factor)


def range_too_narrow(site):
    """A smaller output scale, everything after it consistent."""
    return ranged(site, float(site.rng.uniform(0.2, 0.5)), "output scale times a factor, biases requantized")


def range_too_wide(site):
    """A much larger output scale, everything after it consistent."""
    return ranged(site, float(2 ** site.rng.uniform(3, 6)), "output scale times a factor, biases requantized")


def per_tensor_weights(site):
    """One scale for all channels of one op whose channels have very different ranges.

    Half of the scales are rounded up to a power of two, as some accelerators want them."""
    model, plain = site.model(), site.model("plain")
    largest = {
        op: largest_weights(plain.weights(op), plain.channel_axis(op))
        for op in model.weighted() if len(model.scales(model.parts(op)[1])) > 1}
    # Channels that lose all but some five bits; those with next to no weights have nothing to lose.
    small = {op: np.flatnonzero((of < of.max() / 6) & (of > of.max() / 1000)) for op, of in largest.items()}
    op = site.pick(op for op in small if len(small[op]) >= 0.1 * len(largest[op]))
    bias, real, w = model.bias(op), plain.weights(op), model.parts(op)[1]
    if change(model.weights(op), real) > 0.1:
        raise Unfit("the pair's weights are not the same")
    power, repeated = (bool(site.rng.random() < 0.5) for _ in range(2))
    scale = largest[op].max() / 127
    scale = 2 ** np.ceil(np.log2(scale)) if power else scale
    model.set_weights(op, real, np.array([scale]))
    if repeated:
        model.set_scales(w, np.full(len(largest[op]), scale), 0)
    model.set_bias(op, bias)
    did = "one weight scale, " + ("written for every channel" if repeated else "written once")
    did += ", a power of two" if power else ""
    spread = float(largest[op].max() / np.median(largest[op]))
    return Plant(model, op, did, spread, view=lambda a: a[..., small[op]], mild=True)


def calibration(site):
    """All activation ranges from inputs with a wrong normalisation."""
    model, plain = site.model(), site.model("plain")
    good = site.calibration()
    gain, offset = site.factor(3, 12), float(site.rng.uniform(-0.5, 0.5)) * float(good.std())
    bad = (good * F(gain) + F(offset)).astype(F)
    x, biases = int(model.graph.inputs[0]), model.real_biases()
    model.set_range(x, *asymmetric(float(bad.min()), float(bad.max())))
    recalibrate(model, range(len(model.ops)), ranges(plain, bad), biases)
    limits = (np.array([-128, 127]) - model.zero_point(x)) * model.scale(x)
    clipped = np.mean((site.frames < limits[0]) | (site.frames > limits[1]))
    also = ("quantization.input-range",) if clipped > 0.02 else ()
    return Plant(model, None, f"calibrated with inputs times {gain:.3g} and {offset:+.3g}", gain, also_causes=also)


def concat_scale(site):
    """Large values and scores of 0 to 1, joined with one scale for both; the reference joins them in float."""
    plain = site.model("float")
    last = plain.weighted()[-1]
    softmax = next(op for op in range(len(plain.ops)) if plain.kind(op) == B.SOFTMAX)
    scores, logits = plain.output(softmax), int(plain.ops[softmax].inputs[0])
    of_logits = bool(site.rng.random() < 0.2)
    source = logits if of_logits else plain.parts(last)[0]
    source_op, first = plain.producer(source), bool(site.rng.random() < 0.5)
    found = ranges(plain, site.calibration())[source_op]
    target = float(np.exp(site.rng.uniform(np.log(50), np.log(640))))
    gain = 1.0 if of_logits else target / max(found[1], 1e-6)
    low, high = min(found[0] * gain, 0), max(found[1] * gain, 1)
    width = int(np.prod(plain.tensor(source).shape))

    def joined(shared):
        """The reference (None), the int8 model that joins floats (False), or the one with one scale (True)."""
        model = site.model("float" if shared is None else "int8")
        values, (_, probabilities) = model.output(source_op), (None, model.output(softmax))
        count = int(model.tensor(probabilities).shape[1])
        scale, zero_point = asymmetric(low, high)
        own = dict(type=T.INT8, scale=scale, zero_point=zero_point)
        if shared is None:
            own = {}
        if len(model.tensor(values).shape) > 2:
            shape = model.add_tensor("joined/shape", [2], T.INT32, values=[1, width])
            old = {} if shared is None else dict(
                type=T.INT8, scale=model.scale(values), zero_point=model.zero_point(values))
            flat = model.add_tensor("joined/flat", [1, width], **old)
            options = schema.ReshapeOptionsT()
            options.newShape = np.array([1, width], np.int32)
            model.add_op(B.RESHAPE, [values, shape], flat, schema.BuiltinOptions.ReshapeOptions, options)
            values = flat
        if of_logits and shared is not None:
            model.set_range(values, scale, zero_point)
        if not of_logits:
            factor = model.add_tensor(
                "joined/factor", [1], values=[gain]) if shared is None else model.add_tensor(
                    "joined/factor", [1], T.INT8, gain / 127, 0, [127])
            large = model.add_tensor("joined/values", [1, width], **own)
            model.add_op(
                B.MUL, [values, factor], large, schema.BuiltinOptions.MulOptions, schema.MulOptionsT(), version=2)
            values = large
        parts = [values, probabilities]
        if shared:
            small = model.add_tensor("joined/scores", [1, count], **own)
            model.add_op(
                B.QUANTIZE, [probabilities], small, schema.BuiltinOptions.QuantizeOptions,
                schema.QuantizeOptionsT(), version=2)
            parts[1] = small
        elif shared is False:
            for i, part in enumerate(parts):
                parts[i] = model.add_tensor(f"joined/real{i}", model.tensor(part).shape)
                model.add_op(
                    B.DEQUANTIZE, [part], parts[i], schema.BuiltinOptions.DequantizeOptions,
                    schema.DequantizeOptionsT(), version=2)
        end = model.add_tensor("joined/detections", [1, width + count], **(own if shared else {}))
        options = schema.ConcatenationOptionsT()
        options.axis = 1
        op = model.add_op(
            B.CONCATENATION, parts[::-1] if first else parts, end, schema.BuiltinOptions.ConcatenationOptions,
            options, version=2 if shared else 1)
        model.set_ends(outputs=[end])
        return model, op, count

    candidate, op, count = joined(True)
    healthy, reference = joined(False)[0], joined(None)
    of_scores = slice(None, count) if first else slice(width, None)
    return Plant(
        candidate, op, f"scores of 0 to 1 joined with values of {low:.3g} to {high:.3g}", round(high - low, 1),
        healthy=healthy, reference=reference[0], reference_op=reference[1], also_right=(op - 1,),
        view=lambda a: a[..., of_scores], view_output=lambda a: a[..., of_scores])


# Layers: planted in the float model, and for int8 quantized with it.


def recalibrate(model, ops, found, biases):
    """Gives outputs of int8 ops the ranges that were found, and biases the scales that follow."""
    for op in ops:
        y = model.output(op)
        free = op in found and model.is_quantized(y) and model.tensor(y).type == T.INT8
        if free and model.kind(op) not in SAME_SCALE + FIXED_SCALE:
            model.set_range(y, *asymmetric(*found[op]))
    model.set_biases(biases)


def finished(site, plain, op, did, strength):
    """The plant in float, or in the int8 model that a converter makes of it."""
    if site.kind == "float":
        return Plant(plain, op, did, strength)
    model = site.model()
    biases = model.real_biases()
    if op in plain.weighted():
        model.set_weights(op, plain.weights(op))
        biases[op] = plain.bias(op)
        model.set_bias(op, biases[op])
    model.ops[op].builtinOptions.fusedActivationFunction = plain.ops[op].builtinOptions.fusedActivationFunction
    found = ranges(plain, site.calibration())
    if not np.isfinite(list(found.values())).all():
        raise Unfit("not finite")
    recalibrate(model, model.downstream(op), found, biases)
    return Plant(model, op, did, strength)


def base(site):
    return site.model("float" if site.kind == "float" else "plain")


def activation(site):
    """The activation inside of an op removed or added."""
    model, names = base(site), {A.NONE: "NONE", A.RELU: "RELU", A.RELU6: "RELU6"}
    ops = [
        op for op in range(len(model.ops))
        if (op in model.weighted() or model.kind(op) == B.ADD) and model.is_float(model.output(op))]
    op = site.pick(ops)
    options = model.ops[op].builtinOptions
    before = options.fusedActivationFunction
    if before not in names:
        raise Unfit("another activation")
    after = site.pick({A.RELU6: [A.NONE, A.RELU], A.RELU: [A.NONE], A.NONE: [A.RELU]}[before])
    options.fusedActivationFunction = after
    return finished(site, model, op, "activation replaced", f"{names[before]} by {names[after]}")


ORDERS = [[2, 1, 0], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1]]


def channel_order(site):
    """The input channels of the first convolution in another order."""
    model, order = base(site), ORDERS[site.turn // 8 % len(ORDERS)]
    model.set_weights(0, model.weights(0)[..., order])
    return finished(site, model, 0, "input channels in another order", "".join("RGB"[i] for i in order))


def layout(site):
    """Weights with two axes swapped, or in the order of another memory layout."""
    model = base(site)
    op = site.weighted(model)
    real, (x, *_) = model.weights(op), model.parts(op)
    if real.ndim == 4:
        o, h, w, i = real.shape
        if h > 1 and h == w:
            changed, did = real.transpose(0, 2, 1, 3), "height and width of the kernel swapped"
        elif h > 1 and w > 1:
            changed, did = real.transpose(0, 2, 1, 3).reshape(real.shape), "kernel stored width first"
        elif o == i:
            changed, did = real.transpose(3, 1, 2, 0), "input and output channels swapped"
        elif w > 1 and w != i:
            changed, did = real.transpose(0, 1, 3, 2).reshape(real.shape), "kernel stored channels first"
        else:
            raise Unfit("one axis")
    else:
        o, i = real.shape
        rows = {640: 5, 560: 28}.get(i)
        if rows:
            changed = real.reshape(o, rows, -1).transpose(0, 2, 1).reshape(o, i)
            did = f"inputs flattened as {i // rows} × {rows} in place of {rows} × {i // rows}"
        elif o == i:
            changed, did = real.T, "inputs and outputs swapped"
        else:
            changed, did = real.T.reshape(o, i), "weights stored inputs first"
    model.set_weights(op, np.ascontiguousarray(changed))
    return finished(site, model, op, did, None)


def batch_norm(site):
    """Weights and bias of every channel times its own factor, plus a shift: stale batch-norm statistics."""
    model = base(site)
    op = site.weighted(model)
    real, bias = model.weights(op), model.bias(op)
    spread = float(site.rng.uniform(0.3, 1))
    gains = np.exp(site.rng.uniform(-1, 1, len(bias)) * np.log(2) * spread)
    shifts = site.rng.normal(0, 0.3 * spread * max(bias.std(), 1e-6), len(bias))
    shape = [1] * real.ndim
    shape[model.channel_axis(op)] = -1
    model.set_weights(op, real * gains.reshape(shape))
    model.set_bias(op, bias * gains + shifts)
    return finished(site, model, op, "a factor and a shift a channel", round(2 ** spread, 3))


def dead_channels(site):
    """A share of the output channels is zero."""
    model = base(site)
    op = site.weighted(model)
    real, bias = model.weights(op), model.bias(op)
    count = max(1, round(float(site.rng.uniform(0.05, 0.6)) * len(bias)))
    if count == len(bias):
        raise Unfit("no channel is left")
    dead = site.rng.choice(len(bias), count, replace=False)
    np.moveaxis(real, model.channel_axis(op), 0)[dead] = 0
    bias[dead] = 0
    model.set_weights(op, real)
    model.set_bias(op, bias)
    return finished(site, model, op, "weights and bias of some channels zero", round(count / len(bias), 3))


def bias(site):
    """A bias of zero or of the wrong sign."""
    model = base(site)
    op, turned = site.weighted(model), bool(site.rng.random() < 0.5)
    model.set_bias(op, -model.bias(op) if turned else np.zeros_like(model.bias(op)))
    return finished(site, model, op, "bias with the wrong sign" if turned else "bias zero", None)


def weights(site):
    """Another op's weights of the same shape, or noise on the op's own."""
    model = base(site)
    op = site.weighted(model)
    real = model.weights(op)
    twins = [
        o for o in model.weighted()
        if o != op and model.kind(o) == model.kind(op) and model.weights(o).shape == real.shape]
    if twins and site.turn % 4 < 2:
        other = site.pick(twins)
        model.set_weights(op, model.weights(other))
        if site.rng.random() < 0.5:
            model.set_bias(op, model.bias(other))
        return finished(site, model, op, f"weights of op {other}", None)
    axes = tuple(i for i in range(real.ndim) if i != model.channel_axis(op))
    deviation = np.sqrt((real ** 2).mean(axis=axes, keepdims=True))
    share = float(np.exp(site.rng.uniform(np.log(0.2), np.log(1.5))))
    model.set_weights(op, real + site.rng.normal(0, 1, real.shape) * deviation * share)
    return finished(site, model, op, "noise on the weights", round(share, 3))


# The right line from what is fed to the model's input: levels of 255, or standardised features.
LINES = {"mobilenet": (1 / 127.5, -1), "lite0": (1 / 128, -127 / 128), "vww": (1 / 255, 0), "cifar": (127.5, 127.5)}


def normalized(model, line, subtracts):
    """Puts raw × gain + offset in front of a model, with a QUANTIZE where it takes integers."""
    gain, offset = line
    body = int(model.graph.inputs[0])
    shape, quantized = model.tensor(body).shape, model.is_quantized(body)
    raw, middle = (model.add_tensor(f"normalize/{n}", shape) for n in ("raw", "middle"))
    end = model.add_tensor("normalize/end", shape) if quantized else body
    factor = model.add_tensor("normalize/factor", [1], values=[gain])
    term = model.add_tensor("normalize/term", [1], values=[-offset / gain if subtracts else offset])
    multiply = (B.MUL, factor, schema.BuiltinOptions.MulOptions, schema.MulOptionsT())
    shift = (B.SUB, term, schema.BuiltinOptions.SubOptions, schema.SubOptionsT()) if subtracts else (
        B.ADD, term, schema.BuiltinOptions.AddOptions, schema.AddOptionsT())
    steps = [shift, multiply] if subtracts else [multiply, shift]
    for at, ((kind, constant, type, options), x, y) in enumerate(zip(steps, (raw, middle), (middle, end))):
        model.add_op(kind, [x, constant], y, type, options, at=at)
    if quantized:
        model.add_op(
            B.QUANTIZE, [end], body, schema.BuiltinOptions.QuantizeOptions, schema.QuantizeOptionsT(), at=2)
    model.set_ends(inputs=[raw])
    return model


def normalization(site, wrong=True):
    """A line at the model's start, right in the reference and wrong in the candidate."""
    mean, deviation = float(site.frames.mean()), float(site.frames.std())
    gain, offset = LINES.get(site.pair.name, (deviation, mean))
    raw = ((site.frames - F(offset)) / F(gain)).astype(F)
    subtracts = bool(site.rng.random() < 0.5)
    choices = ["gain", "both"] + (["offset forgotten", "offset of the wrong sign"] if offset else [])
    did = site.pick(choices)
    other = {"gain": (gain * site.factor(1.3, 3), offset), "offset forgotten": (gain, 0.0),
             "offset of the wrong sign": (gain, -offset),
             "both": (gain * site.factor(1.3, 3), offset + deviation * site.factor(1.3, 3))}[did]
    if subtracts and did == "gain":  # The other factor, and the same mean.
        other = (other[0], offset * other[0] / gain)
    multiply, shift = (1, 0) if subtracts else (0, 1)
    op = multiply if did == "gain" else shift if did.startswith("offset") else 0
    return Plant(
        normalized(site.model(), other if wrong else (gain, offset), subtracts), op,
        f"normalisation in the graph: {did}", f"{other[0]:.4g} {other[1]:+.4g}",
        healthy=normalized(site.model(), (gain, offset), subtracts),
        reference=normalized(site.model("float"), (gain, offset), subtracts), reference_op=op,
        also_right=(1 - op,) if did == "both" else (), frames=raw)


def not_finite(site):
    """One weight or one bias that is no number, or infinite."""
    model = base(site)
    op, value = site.weighted(model), float(site.pick([np.nan, np.inf, -np.inf]))
    of_bias = bool(site.rng.random() < 0.5)
    real = model.bias(op) if of_bias else model.weights(op)
    real.reshape(-1)[int(site.rng.integers(real.size))] = value
    (model.set_bias if of_bias else model.set_weights)(op, real)
    return Plant(model, op, f"one {'bias' if of_bias else 'weight'} is {value}", str(value), breaks=True)


SMALL = ("kws", "vww", "cifar", "mobilenet", "ad01")
MOST = SMALL + ("kws", "cifar", "mobilenet", "vww", "lite0")
BOTH, INTEGER, FLOAT = ("float", "int8"), ("int8",), ("float",)

# By cause: how it is planted, in which pairs and in which of their models.
MECHANISMS = {
    "quantization.weight-scale": (weight_scale, MOST + ("sentiment",), INTEGER),
    "layer.activation": (activation, SMALL + ("lite0", "cifar", "kws"), BOTH),
    "quantization.bias-scale": (bias_scale, MOST, INTEGER),
    "layer.channel-order": (channel_order, ("cifar", "mobilenet", "vww", "lite0"), BOTH),
    "quantization.zero-point": (zero_point, MOST + ("mnist",), INTEGER),
    "layer.layout": (layout, SMALL + ("mnist", "kws", "vww", "cifar", "lite0"), BOTH),
    "quantization.range-too-narrow": (range_too_narrow, MOST + ("sentiment",), INTEGER),
    "layer.batch-norm": (batch_norm, SMALL + ("vww", "lite0"), BOTH),
    "quantization.range-too-wide": (range_too_wide, MOST, INTEGER),
    "layer.dead-channels": (dead_channels, SMALL + ("sentiment", "lite0"), BOTH),
    "quantization.per-tensor-weights": (
        per_tensor_weights, ("mobilenet", "vww", "mobilenet", "kws", "lite0", "cifar", "mobilenet", "vww"), INTEGER),
    "layer.bias": (bias, SMALL + ("kws", "lite0"), BOTH),
    "quantization.calibration": (calibration, SMALL + ("kws", "vww", "cifar", "mobilenet", "lite0"), INTEGER),
    "layer.weights": (weights, SMALL + ("sentiment", "kws", "lite0"), BOTH),
    "quantization.concat-scale": (concat_scale, ("kws", "vww", "cifar", "mobilenet", "mnist", "lite0"), INTEGER),
    "layer.input-normalization": (normalization, ("mobilenet", "kws", "vww", "ad01", "cifar", "lite0"), BOTH),
    "model.not-finite": (not_finite, ("vww", "cifar", "mobilenet", "ad01", "kws", "sentiment", "lite0"), FLOAT),
}
