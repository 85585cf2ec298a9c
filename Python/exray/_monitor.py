"""The monitor and its frames."""

from __future__ import annotations

import atexit
import ctypes
import enum
import math
import os
import weakref
from dataclasses import dataclass, field
from typing import Any, Callable, NamedTuple, Optional, Sequence, Union

import numpy as np

from . import _library

_exray = _library.load()


class Level(enum.IntEnum):
    """Which values a trace holds. Latencies, memory, spans, scalars, sensors and findings are in each."""

    NONE = 0
    """No tensors."""
    OUTPUT = 1
    """The model's outputs, custom tensors, and boxes."""
    IO = 2
    """Also the model's inputs, raw inputs and pictures."""
    EMBEDDING = 3
    """Also embeddings."""
    LAYERS = 4
    """Also each layer."""
    SKETCH = 5
    """A sketch of every tensor, and digests of raw inputs: no values leave the device."""


_ROLES = {"input": 0, "layer": 1, "output": 2, "embedding": 3, "custom": 4}
_ROLE_NAMES = {number: name for name, number in _ROLES.items()}
_SENSORS = {"orientation": 0, "accelerometer": 1, "gyroscope": 2, "light": 3, "temperature": 4}
_ENCODINGS = {"rgb8": 0, "bgr8": 1, "rgba8": 2, "bgra8": 3, "mono8": 4}
_WHEN_FULL = {"block": 0, "drop": 1}
_RAW_INPUTS = {"bytes": 0, "digest": 1, "none": 2}
# By the names of NumPy's and ml_dtypes' types whose values lie in memory as a trace holds them.
_ELEMENT_TYPES = {
    "float16": 1, "bfloat16": 2, "float32": 3, "float64": 4, "int8": 7, "int16": 8, "int32": 9, "int64": 10,
    "uint8": 12, "uint16": 13, "uint32": 14, "uint64": 15, "bool": 16, "complex64": 17, "complex128": 18,
}
_ELEMENT_TYPE_NAMES = {number: name for name, number in _ELEMENT_TYPES.items()}
_NO_FRAME = 2**32 - 1


class Quantization(NamedTuple):
    """How stored integers stand for real numbers: real = scale * (stored - zero point)."""

    scales: Sequence[float]
    """One scale for all, or one a slice along ``axis``."""
    zero_points: Sequence[int] = ()
    """As many as scales, or none for zeros."""
    axis: int = 0


class Box(NamedTuple):
    """A rectangle in a picture, in pixels from its top left corner."""

    x: float
    y: float
    width: float
    height: float
    label: str = ""
    score: Optional[float] = None


class Selector(NamedTuple):
    """The tensors that a check looks at: of a name; or of a role, and of an index where one is given."""

    role: str = "input"
    index: Optional[int] = None
    name: Optional[str] = None


@dataclass(frozen=True)
class CheckedTensor:
    """A tensor as a check sees it."""

    role: str
    index: int
    name: str
    values: np.ndarray
    """Read only, and valid during the call only; bytes (uint8) where NumPy lacks the element type."""
    frame_index: Optional[int]


@dataclass(frozen=True)
class Loss:
    """Events that the trace lacks, for one reason."""

    reason: str
    event_count: int
    byte_count: int


@dataclass(frozen=True)
class Check:
    """What one check came to."""

    name: str
    checked_count: int
    failed_count: int
    inconclusive_count: int
    message: str


@dataclass(frozen=True)
class Summary:
    """What a monitor recorded, lost and found."""

    frame_count: int = 0
    lost_frame_count: int = 0
    skipped_frame_count: int = 0
    event_count: int = 0
    byte_count: int = 0
    lost_event_count: int = 0
    app_nanoseconds: int = 0
    writer_nanoseconds: int = 0
    peak_ring_byte_count: int = 0
    file_byte_count: int = 0
    losses: Sequence[Loss] = field(default_factory=tuple)
    misuse: Sequence[str] = field(default_factory=tuple)
    checks: Sequence[Check] = field(default_factory=tuple)
    error: Optional[str] = None
    text: str = ""

    def __str__(self) -> str:
        return self.text


class Frame:
    """A frame, or the run outside of frames; takes tensors, numbers and spans.

    An array is handed over by its address: NumPy copies nothing where it is C-contiguous, little-endian and of an
    element type that traces have. Any other array is copied once.
    """

    __slots__ = ("_monitor", "_handle")

    def __init__(self, monitor: Monitor, handle: _library.FrameHandle) -> None:
        self._monitor = monitor
        self._handle = handle

    def __enter__(self) -> Frame:
        return self

    def __exit__(self, *_: Any) -> None:
        self.end()

    def end(self) -> None:
        """Ends the frame; with this it counts. Again, does nothing."""
        handle, self._handle = self._handle, _library.FrameHandle()
        _exray.exray_end_frame(handle)

    def wants(self, role: str) -> bool:
        """Whether the level wants tensors of a role, so that an app need not make what is not recorded."""
        return _exray.exray_wants(self._handle, _ROLES.get(role, -1))

    def input(
        self, values: Any, *, index: int = 0, name: str = "", quantization: Optional[Quantization] = None
    ) -> None:
        """Logs an input of the model."""
        self.log("input", values, index=index, name=name, quantization=quantization)

    def output(
        self, values: Any, *, index: int = 0, name: str = "", quantization: Optional[Quantization] = None
    ) -> None:
        """Logs an output of the model."""
        self.log("output", values, index=index, name=name, quantization=quantization)

    def embedding(
        self, values: Any, *, index: int = 0, name: str = "", quantization: Optional[Quantization] = None
    ) -> None:
        """Logs a tensor inside of the model that stands for its input."""
        self.log("embedding", values, index=index, name=name, quantization=quantization)

    def layer(
        self, index: int, values: Any, *, name: str = "", quantization: Optional[Quantization] = None
    ) -> None:
        """Logs a tensor that an op of the model made."""
        self.log("layer", values, index=index, name=name, quantization=quantization)

    def tensor(
        self, name: str, values: Any, *, index: int = 0, quantization: Optional[Quantization] = None
    ) -> None:
        """Logs any other tensor."""
        self.log("custom", values, index=index, name=name, quantization=quantization)

    def log(
        self, role: str, values: Any, *, index: int = 0, name: str = "",
        quantization: Optional[Quantization] = None,
    ) -> None:
        """Logs a tensor of any role: an array, or anything that NumPy makes one of."""
        if not self._handle.token:
            return
        try:
            number = _ROLES[role]
            if not _exray.exray_wants(self._handle, number) and _exray.exray_is_recording(self._handle.monitor):
                return
            array = np.asarray(values)
            if array.dtype.byteorder == ">" or array.dtype.byteorder == "=" and not np.little_endian:
                array = array.astype(array.dtype.newbyteorder("<"))
            if not array.flags.c_contiguous:
                array = np.ascontiguousarray(array)
            if not 0 <= index < 2**31:
                raise ValueError(f"the index {index} is no position")
            element_type = _ELEMENT_TYPES.get(array.dtype.name)
            if element_type is None:
                raise TypeError(f"a trace has no elements of type {array.dtype}")
            dims = (ctypes.c_int64 * array.ndim)(*array.shape)
            tensor = _library.Tensor(
                struct_size=ctypes.sizeof(_library.Tensor), role=number, index=index, name=_encode(name),
                element_type=element_type, rank=array.ndim,
                dims=ctypes.addressof(dims),
                data=array.__array_interface__["data"][0], byte_count=array.nbytes)
            if quantization is not None:
                scales, zero_points, axis = Quantization(*quantization)
                scales = np.ascontiguousarray(scales, np.float32).reshape(-1)
                zero_points = np.ascontiguousarray(
                    zero_points if len(zero_points) else np.zeros(scales.size), np.int64).reshape(-1)
                if zero_points.size != scales.size:
                    raise ValueError(f"{scales.size} scales and {zero_points.size} zero points")
                tensor.quantization_count = scales.size
                tensor.scales = scales.__array_interface__["data"][0]
                tensor.zero_points = zero_points.__array_interface__["data"][0]
                tensor.quantization_axis = axis
        except Exception as error:  # A wrong argument is counted, and never fails the app.
            self._misuse(f"the {role} {name or index} cannot be logged", error)
            return
        _exray.exray_log_tensor(self._handle, tensor)

    def raw_input(self, data: Any, *, media_type: str = "application/octet-stream", name: str = "") -> None:
        """Logs what the frame was made from: the bytes of a picture file, a sound; once a frame. Copies nothing."""
        try:
            array = np.frombuffer(data, np.uint8)
        except Exception as error:
            self._misuse("a raw input cannot be logged", error)
            return
        _exray.exray_log_raw_input(
            self._handle, array.__array_interface__["data"][0], array.nbytes, _encode(media_type), _encode(name))

    def image(self, pixels: np.ndarray, encoding: Optional[str] = None) -> None:
        """Logs a picture's pixels: uint8 of shape (height, width) or (height, width, channels).

        The encoding is ``mono8``, ``rgb8``, ``bgr8``, ``rgba8`` or ``bgra8``; where not given, it follows from the
        channels, with red first.
        """
        try:
            array = np.ascontiguousarray(pixels)
            channels = array.shape[2] if array.ndim == 3 else 1
            if array.dtype != np.uint8 or array.ndim not in (2, 3) or channels not in (1, 3, 4):
                raise TypeError(f"{array.dtype} of shape {array.shape} is no picture of 8-bit channels")
            encoding = encoding or {1: "mono8", 3: "rgb8", 4: "rgba8"}[channels]
            _exray.exray_log_image(
                self._handle, array.__array_interface__["data"][0], array.nbytes, array.shape[1], array.shape[0], 0,
                _ENCODINGS[encoding])
        except Exception as error:
            self._misuse("an image cannot be logged", error)

    def boxes(self, boxes: Sequence[Box]) -> None:
        """Logs boxes in the frame's picture."""
        try:
            samples = (_library.BoxSample * len(boxes))()
            for sample, box in zip(samples, boxes):
                box = Box(*box)
                sample.x, sample.y, sample.width, sample.height = box.x, box.y, box.width, box.height
                sample.label = _encode(box.label)
                sample.score = math.nan if box.score is None else box.score
        except Exception as error:
            self._misuse("boxes cannot be logged", error)
            return
        _exray.exray_log_boxes(self._handle, samples, len(boxes))

    def scalar(self, name: str, value: float) -> None:
        """Logs a named number."""
        try:
            number = float(value)
        except Exception as error:
            self._misuse(f"the scalar {name} cannot be logged", error)
            return
        _exray.exray_log_scalar(self._handle, _encode(name), number)

    def span(self, name: str) -> _Stretch:
        """A named stretch of time: ``with frame.span("resize"): …``"""
        return _Stretch(lambda: _exray.exray_begin_span(self._handle, _encode(name)), _exray.exray_end_span)

    def preprocess(self) -> _Stretch:
        """The time in which the model's inputs are made: ``with frame.preprocess(): …``"""
        handle = self._handle
        return _Stretch(lambda: _exray.exray_begin_preprocess(handle) or handle, _exray.exray_end_preprocess)

    def inference(self) -> _Stretch:
        """The time in which the model runs: ``with frame.inference(): …``"""
        handle = self._handle
        return _Stretch(lambda: _exray.exray_begin_inference(handle) or handle, _exray.exray_end_inference)

    def _misuse(self, what: str, error: Exception) -> None:
        if self._handle.token:
            _exray.exray_note_misuse(self._handle.monitor, _encode(f"{what}: {type(error).__name__}: {error}"))


class _Stretch:
    """A context manager that begins and ends something."""

    __slots__ = ("_begin", "_end", "_handle")

    def __init__(self, begin: Callable[[], Any], end: Callable[[Any], None]) -> None:
        self._begin = begin
        self._end = end

    def __enter__(self) -> None:
        self._handle = self._begin()

    def __exit__(self, *_: Any) -> None:
        self._end(self._handle)


class Monitor:
    """Records what a model does inside of an app, into one trace file.

    The file has a temporary name until ``close``, which the context manager calls, as does the end of the program.
    A monitor without a path is disabled: every call returns at once.

    Args:
        path: The trace.
        level: Which values it holds: a ``Level`` or its name in small letters.
        ring_byte_count: Bytes between the app and the file; memory is taken only as it is used.
        when_full: What a call does where they are full: ``block`` or ``drop``.
        every_nth: Records one frame in so many.
        byte_budget: Bytes of the file from which on tensors, raw inputs and pictures are left out.
        duration_budget_seconds: Time after which they are left out.
        frame_time_budget_seconds: Time inside of the library's calls after which they are left out of a frame.
        flush_interval_seconds: The most time until an event is in the file.
        raw_inputs: What is kept of raw inputs: ``bytes``, ``digest`` or ``none``.
        sketch_seed: Seed of the sketches' random projections.
        finding_limit: Findings that each check writes.
        samples_memory: Whether frames get the process's memory and processor time.
        device, operating_system: The machine, where the system's own words will not do.
        tool: The program that records.
        manual_clock_start_nanoseconds: Where given, the clock stands there until ``advance`` moves it. For tests.
    """

    def __init__(
        self, path: Union[str, os.PathLike, None], level: Union[Level, str] = Level.IO, *,
        ring_byte_count: Optional[int] = None, when_full: str = "block", every_nth: int = 1,
        byte_budget: Optional[int] = None, duration_budget_seconds: Optional[float] = None,
        frame_time_budget_seconds: Optional[float] = None, flush_interval_seconds: Optional[float] = None,
        raw_inputs: str = "bytes", sketch_seed: int = 0, finding_limit: Optional[int] = None,
        samples_memory: bool = True, device: Optional[str] = None, operating_system: Optional[str] = None,
        tool: Optional[str] = None, manual_clock_start_nanoseconds: Optional[int] = None,
    ) -> None:
        self._pointer: Optional[int] = None
        self._checks: list = []
        self._summary: Optional[Summary] = None
        options = _library.Options()
        _exray.exray_options_init(options, ctypes.sizeof(options))
        options.when_full = _choice("when_full", when_full, _WHEN_FULL)
        options.raw_inputs = _choice("raw_inputs", raw_inputs, _RAW_INPUTS)
        options.every_nth = every_nth
        options.sketch_seed = sketch_seed
        options.samples_memory = samples_memory
        options.byte_budget = byte_budget or 0
        options.duration_budget_nanoseconds = _nanoseconds(duration_budget_seconds)
        options.frame_time_budget_nanoseconds = _nanoseconds(frame_time_budget_seconds)
        options.device = _encode(device)
        options.operating_system = _encode(operating_system)
        if ring_byte_count is not None:
            options.ring_byte_count = ring_byte_count
        if flush_interval_seconds is not None:
            options.flush_interval_nanoseconds = _nanoseconds(flush_interval_seconds)
        if finding_limit is not None:
            options.finding_limit = finding_limit
        if tool is not None:
            options.tool = _encode(tool)
        if manual_clock_start_nanoseconds is not None:
            options.clock = 1
            options.manual_clock_start_nanoseconds = manual_clock_start_nanoseconds
        names = {item.name.lower(): item for item in Level}
        number = _choice("level", level, names) if isinstance(level, str) else Level(level)
        if path is not None:
            self._pointer = _exray.exray_open(os.fsencode(path), number, options)
            _open_monitors.add(self)

    def __enter__(self) -> Monitor:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def __del__(self) -> None:
        # Frames hold the monitor, so that nothing is under way here.
        pointer, self._pointer = getattr(self, "_pointer", None), None
        if pointer is not None:
            _exray.exray_free(pointer)

    @property
    def is_recording(self) -> bool:
        """Whether anything is being recorded."""
        return _exray.exray_is_recording(self._pointer)

    def frame(self, name: str = "", label: Optional[str] = None) -> Frame:
        """Begins a frame: ``with monitor.frame("cat.jpg") as frame: …``. Frames may overlap.

        Args:
            name: A file name or the name of a sample.
            label: What the input is known to show.
        """
        return Frame(self, _exray.exray_begin_frame(self._pointer, _encode(name), _encode(label)))

    @property
    def run(self) -> Frame:
        """Takes tensors, numbers and spans that belong to no frame."""
        return Frame(self, _exray.exray_outside_frames(self._pointer))

    def scalar(self, name: str, value: float) -> None:
        """Logs a number that belongs to no frame."""
        self.run.scalar(name, value)

    def span(self, name: str) -> _Stretch:
        """A stretch of time outside of frames, logged as the scalar ``NAME.durationNanoseconds``."""
        return self.run.span(name)

    def describe(
        self, name: str, *, sha256: str = "", byte_count: int = 0, runtime: str = "", runtime_version: str = "",
        kernels: str = "", threads: int = 1, recipe: Optional[str] = None,
    ) -> None:
        """Says which model runs, and what runs it; the last description counts."""
        model = _library.Model(
            struct_size=ctypes.sizeof(_library.Model), name=_encode(name), sha256=_encode(sha256),
            byte_count=byte_count, runtime=_encode(runtime), runtime_version=_encode(runtime_version),
            kernels=_encode(kernels), threads=threads, recipe=_encode(recipe))
        _exray.exray_describe_model(self._pointer, model)

    def orientation(self, x: float, y: float, z: float, w: float) -> None:
        """Logs how the device is held, as a unit quaternion."""
        self._sensor("orientation", x, y, z, w)

    def accelerometer(self, x: float, y: float, z: float) -> None:
        """Logs an acceleration with gravity, in m/s²."""
        self._sensor("accelerometer", x, y, z)

    def gyroscope(self, x: float, y: float, z: float) -> None:
        """Logs a turning rate, in rad/s."""
        self._sensor("gyroscope", x, y, z)

    def light(self, lux: float) -> None:
        """Logs an illuminance, in lux."""
        self._sensor("light", lux)

    def temperature(self, celsius: float) -> None:
        """Logs a temperature, in °C."""
        self._sensor("temperature", celsius)

    def _sensor(self, kind: str, *values: float) -> None:
        try:
            numbers = (ctypes.c_double * len(values))(*values)
        except TypeError as error:
            _exray.exray_note_misuse(self._pointer, _encode(f"{kind}: {error}"))
            return
        _exray.exray_log_sensor(self._pointer, _SENSORS[kind], numbers, len(values))

    def check_range(self, tensors: Selector, low: float, high: float) -> None:
        """Reports values that do not lie between ``low`` and ``high``; not-a-number does not."""
        _exray.exray_check_range(self._pointer, _selector(tensors), low, high)

    def check_finite(self, tensors: Selector) -> None:
        """Reports infinities and not-a-number."""
        _exray.exray_check_finite(self._pointer, _selector(tensors))

    def check_shape(self, tensors: Selector, shape: Sequence[int]) -> None:
        """Reports another shape; an extent of -1 fits any."""
        dims = (ctypes.c_int64 * len(shape))(*shape)
        _exray.exray_check_shape(self._pointer, _selector(tensors), dims, len(shape))

    def check_channel_order(
        self, tensors: Selector, expected_means: Sequence[float], minimum_frames: int = 32
    ) -> None:
        """Reports colour channels that come in the reversed order, by the means of three channels."""
        if len(expected_means) != 3:
            _exray.exray_note_misuse(self._pointer, b"check_channel_order takes the means of three channels")
            return
        means = (ctypes.c_double * 3)(*expected_means)
        _exray.exray_check_channel_order(self._pointer, _selector(tensors), means, minimum_frames)

    def check(
        self, name: str, tensors: Selector, function: Callable[[CheckedTensor], Optional[str]]
    ) -> None:
        """Adds a check of the app's own, called on the monitor's writer thread.

        Args:
            function: Returns what is wrong in words, or None. One that raises an exception is inconclusive. It must
                not call the monitor.
        """

        def run(_: int, pointer: Any, message: Any, capacity: int) -> int:
            try:
                words = function(_checked(pointer.contents))
                outcome = 0 if words is None else 1
            except Exception as error:
                words, outcome = f"{type(error).__name__}: {error}", 2
            if words is not None:
                text = words.encode("utf-8", "replace")[: capacity - 1] + b"\0"
                ctypes.memmove(message, text, len(text))
            return outcome

        callback = _library.CheckFunction(run)
        self._checks.append(callback)  # Lives as long as the library may call it.
        _exray.exray_check_with(self._pointer, _encode(name), _selector(tensors), callback, None, None)

    @property
    def now_nanoseconds(self) -> int:
        """The moment by the monitor's clock, since 1970."""
        return _exray.exray_now(self._pointer)

    def advance(self, nanoseconds: int) -> None:
        """Moves a manual clock on."""
        _exray.exray_advance(self._pointer, nanoseconds)

    def close(self) -> Summary:
        """Waits for everything to be written, gives the file its name and says what came of it."""
        if self._summary is None:
            summary = _library.Summary(struct_size=ctypes.sizeof(_library.Summary))
            _exray.exray_close(self._pointer, summary)
            self._summary = _summary(summary)
        return self._summary


_open_monitors: weakref.WeakSet = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    # While checks written in Python can still run.
    for monitor in list(_open_monitors):
        monitor.close()


def _choice(name: str, value: str, choices: dict) -> int:
    if value not in choices:
        raise ValueError(f"{name} is {value!r}; give one of {', '.join(choices)}")
    return choices[value]


def _encode(text: Optional[str]) -> Optional[bytes]:
    return None if text is None else str(text).encode("utf-8", "replace")


def _decode(text: Optional[bytes]) -> str:
    return "" if text is None else text.decode("utf-8", "replace")


def _nanoseconds(seconds: Optional[float]) -> int:
    return 0 if seconds is None else max(1, int(seconds * 1e9))


def _selector(tensors: Selector) -> _library.Selector:
    role, index, name = Selector(*tensors) if not isinstance(tensors, str) else Selector(name=tensors)
    return _library.Selector(_encode(name), _ROLES.get(role, -1), -1 if index is None else index)


def _checked(tensor: _library.CheckedTensor) -> CheckedTensor:
    shape = tuple(tensor.dims[: tensor.rank])
    raw = (ctypes.c_uint8 * tensor.byte_count).from_address(tensor.data) if tensor.byte_count else b""
    values = np.frombuffer(raw, np.uint8)
    try:
        values = values.view(np.dtype(_ELEMENT_TYPE_NAMES[tensor.element_type])).reshape(shape)
    except (KeyError, TypeError, ValueError):
        pass
    values.flags.writeable = False
    frame_index = None if tensor.frame_index == _NO_FRAME else tensor.frame_index
    return CheckedTensor(
        _ROLE_NAMES.get(tensor.role, ""), tensor.index, _decode(tensor.name), values, frame_index)


def _summary(source: _library.Summary) -> Summary:
    counts = {
        name: getattr(source, name)
        for name in (
            "frame_count", "lost_frame_count", "skipped_frame_count", "event_count", "byte_count",
            "lost_event_count", "app_nanoseconds", "writer_nanoseconds", "peak_ring_byte_count", "file_byte_count")
    }
    return Summary(
        losses=tuple(
            Loss(_decode(loss.reason), loss.event_count, loss.byte_count)
            for loss in source.losses[: source.loss_count]),
        misuse=tuple(_decode(note) for note in source.misuse[: source.misuse_count]),
        checks=tuple(
            Check(
                _decode(check.check), check.checked_count, check.failed_count, check.inconclusive_count,
                _decode(check.message))
            for check in source.checks[: source.check_count]),
        error=None if source.error is None else _decode(source.error), text=_decode(source.text), **counts)
