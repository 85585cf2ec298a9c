"""Finds and declares the shared library, as exray.h does."""

from __future__ import annotations

import ctypes
import os
import sys
from ctypes import (
    CFUNCTYPE, POINTER, Structure, c_bool, c_char, c_char_p, c_double, c_float, c_int32, c_int64, c_size_t, c_uint32,
    c_uint64, c_void_p)
from pathlib import Path

INTERFACE_VERSION = 1
NAME = "libEXrayC.dylib" if sys.platform == "darwin" else "libEXrayC.so"


class Options(Structure):
    _fields_ = [
        ("struct_size", c_size_t), ("ring_byte_count", c_uint64), ("when_full", c_int32), ("every_nth", c_uint32),
        ("byte_budget", c_uint64), ("duration_budget_nanoseconds", c_uint64),
        ("frame_time_budget_nanoseconds", c_uint64), ("flush_interval_nanoseconds", c_uint64),
        ("sketch_seed", c_uint64), ("finding_limit", c_uint32), ("raw_inputs", c_int32), ("clock", c_int32),
        ("manual_clock_start_nanoseconds", c_uint64), ("samples_memory", c_bool), ("device", c_char_p),
        ("operating_system", c_char_p), ("tool", c_char_p)]


class Model(Structure):
    _fields_ = [
        ("struct_size", c_size_t), ("name", c_char_p), ("sha256", c_char_p), ("byte_count", c_uint64),
        ("runtime", c_char_p), ("runtime_version", c_char_p), ("kernels", c_char_p), ("threads", c_uint32),
        ("recipe", c_char_p)]


class FrameHandle(Structure):
    _fields_ = [("monitor", c_void_p), ("token", c_uint64)]


class SpanHandle(Structure):
    _fields_ = [("frame", FrameHandle), ("token", c_uint64)]


class Tensor(Structure):
    _fields_ = [
        ("struct_size", c_size_t), ("role", c_int32), ("index", c_uint32), ("name", c_char_p),
        ("element_type", c_int32), ("rank", c_uint32), ("dims", c_void_p), ("data", c_void_p),
        ("byte_count", c_size_t), ("quantization_count", c_size_t), ("scales", c_void_p), ("zero_points", c_void_p),
        ("quantization_axis", c_uint32)]


class BoxSample(Structure):
    _fields_ = [
        ("x", c_double), ("y", c_double), ("width", c_double), ("height", c_double), ("label", c_char_p),
        ("score", c_double)]


class Selector(Structure):
    _fields_ = [("name", c_char_p), ("role", c_int32), ("index", c_int32)]


class CheckedTensor(Structure):
    _fields_ = [
        ("role", c_int32), ("index", c_uint32), ("name", c_char_p), ("element_type", c_int32), ("rank", c_uint32),
        ("dims", POINTER(c_int64)), ("data", c_void_p), ("byte_count", c_size_t), ("frame_index", c_uint32)]


class Loss(Structure):
    _fields_ = [("reason", c_char_p), ("event_count", c_uint64), ("byte_count", c_uint64)]


class CheckResult(Structure):
    _fields_ = [
        ("check", c_char_p), ("checked_count", c_uint64), ("failed_count", c_uint64), ("inconclusive_count", c_uint64),
        ("message", c_char_p)]


class Summary(Structure):
    _fields_ = [
        ("struct_size", c_size_t), ("frame_count", c_uint64), ("lost_frame_count", c_uint64),
        ("skipped_frame_count", c_uint64), ("event_count", c_uint64), ("byte_count", c_uint64),
        ("lost_event_count", c_uint64), ("loss_count", c_size_t), ("losses", POINTER(Loss)),
        ("misuse_count", c_size_t), ("misuse", POINTER(c_char_p)), ("check_count", c_size_t),
        ("checks", POINTER(CheckResult)), ("app_nanoseconds", c_uint64), ("writer_nanoseconds", c_uint64),
        ("peak_ring_byte_count", c_uint64), ("file_byte_count", c_uint64), ("error", c_char_p), ("text", c_char_p)]


CheckFunction = CFUNCTYPE(c_int32, c_void_p, POINTER(CheckedTensor), POINTER(c_char), c_size_t)

# Arguments and result of each function.
_FUNCTIONS = {
    "exray_interface_version": ([], c_uint32),
    "exray_options_init": ([POINTER(Options), c_size_t], None),
    "exray_open": ([c_char_p, c_int32, POINTER(Options)], c_void_p),
    "exray_note_misuse": ([c_void_p, c_char_p], None),
    "exray_is_recording": ([c_void_p], c_bool),
    "exray_describe_model": ([c_void_p, POINTER(Model)], None),
    "exray_begin_frame": ([c_void_p, c_char_p, c_char_p], FrameHandle),
    "exray_end_frame": ([FrameHandle], None),
    "exray_outside_frames": ([c_void_p], FrameHandle),
    "exray_begin_preprocess": ([FrameHandle], None),
    "exray_end_preprocess": ([FrameHandle], None),
    "exray_begin_inference": ([FrameHandle], None),
    "exray_end_inference": ([FrameHandle], None),
    "exray_log_tensor": ([FrameHandle, POINTER(Tensor)], None),
    "exray_wants": ([FrameHandle, c_int32], c_bool),
    "exray_log_raw_input": ([FrameHandle, c_void_p, c_size_t, c_char_p, c_char_p], None),
    "exray_log_image": ([FrameHandle, c_void_p, c_size_t, c_uint32, c_uint32, c_size_t, c_int32], None),
    "exray_log_boxes": ([FrameHandle, POINTER(BoxSample), c_size_t], None),
    "exray_log_scalar": ([FrameHandle, c_char_p, c_double], None),
    "exray_begin_span": ([FrameHandle, c_char_p], SpanHandle),
    "exray_end_span": ([SpanHandle], None),
    "exray_log_span": ([FrameHandle, c_char_p, c_uint64, c_uint64], None),
    "exray_now": ([c_void_p], c_uint64),
    "exray_advance": ([c_void_p, c_uint64], None),
    "exray_log_sensor": ([c_void_p, c_int32, POINTER(c_double), c_size_t], None),
    "exray_check_range": ([c_void_p, Selector, c_double, c_double], None),
    "exray_check_finite": ([c_void_p, Selector], None),
    "exray_check_shape": ([c_void_p, Selector, POINTER(c_int64), c_uint32], None),
    "exray_check_channel_order": ([c_void_p, Selector, POINTER(c_double), c_uint32], None),
    "exray_check_with": ([c_void_p, c_char_p, Selector, CheckFunction, c_void_p, c_void_p], None),
    "exray_close": ([c_void_p, POINTER(Summary)], c_bool),
    "exray_free": ([c_void_p], None),
}


def _places() -> list[Path]:
    """Where the library may be, the best place first."""
    given = os.environ.get("EXRAY_LIBRARY")
    if given:
        # Nothing else is meant then.
        return [Path(given) / NAME if os.path.isdir(given) else Path(given)]
    package = Path(__file__).resolve().parent
    return [package / NAME, package.parent.parent / ".build" / "library" / NAME]


def load() -> ctypes.CDLL:
    """Opens the library and declares its functions; ImportError lists the places that were tried."""
    tried = []
    for place in _places():
        try:
            library = ctypes.CDLL(str(place))
            for name, (arguments, result) in _FUNCTIONS.items():
                function = getattr(library, name)
                function.argtypes = arguments
                function.restype = result
        except (OSError, AttributeError) as error:
            tried.append(f"  {place}: {error if place.exists() else 'no such file'}")
            continue
        version = library.exray_interface_version()
        if version >= INTERFACE_VERSION:
            return library
        tried.append(f"  {place}: has interface version {version}, {INTERFACE_VERSION} is needed")
    raise ImportError(
        "EXray's library was not found; tried\n" + "\n".join(tried)
        + "\nBuild it with Scripts/build_library.sh, or set EXRAY_LIBRARY to its path.")
