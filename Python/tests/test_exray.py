"""Tests of the package: python -m unittest discover Python/tests, with the library built."""

import gc
import hashlib
import os
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import exray
import numpy as np
from exray import _library, _monitor
from mcap.reader import make_reader

try:
    import ml_dtypes
except ImportError:
    ml_dtypes = None


def messages(path):
    with open(path, "rb") as file:
        return [(channel, message) for _, channel, message in make_reader(file).iter_messages()]


class TraceTests(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "t.mcap")

    def test_structures_are_as_large_as_those_of_the_library(self):
        options = _library.Options()
        _monitor._exray.exray_options_init(options, 1 << 16)
        self.assertGreaterEqual(options.struct_size, 8)
        _monitor._exray.exray_options_init(options, _library.ctypes.sizeof(options))
        self.assertEqual(options.struct_size, _library.ctypes.sizeof(options))
        self.assertEqual(options.flush_interval_nanoseconds, 250_000_000)
        self.assertTrue(options.samples_memory)

    def test_every_element_type_is_written_as_it_is(self):
        names = [name for name in _monitor._ELEMENT_TYPES if name != "bfloat16"]
        arrays = [np.arange(6).astype(name).reshape(2, 3) for name in names]
        if ml_dtypes is not None:
            arrays.append(np.arange(6).astype(ml_dtypes.bfloat16).reshape(2, 3))
        with exray.Monitor(self.path) as monitor, monitor.frame() as frame:
            for index, array in enumerate(arrays):
                frame.tensor(array.dtype.name, array, index=index)
        found = {
            channel.metadata["name"]: (channel.metadata, message.data)
            for channel, message in messages(self.path) if channel.topic.startswith("/tensors/")}
        self.assertEqual(len(found), len(arrays))
        for array in arrays:
            metadata, data = found[array.dtype.name]
            self.assertEqual(metadata["elementType"], array.dtype.name)
            self.assertEqual(metadata["shape"], "2,3")
            self.assertEqual(data, array.tobytes())

    def test_a_contiguous_array_is_handed_over_by_its_address(self):
        array = np.arange(1000, dtype=np.float32).reshape(10, 100)
        raw = bytes(1000)
        seen = []

        def log_tensor(handle, tensor):
            seen.append((tensor.data, tensor.byte_count))
            return library.exray_log_tensor(handle, tensor)

        library = _monitor._exray
        spy = mock.Mock(wraps=library)
        spy.exray_log_tensor = log_tensor
        spy.exray_log_raw_input = lambda handle, data, *rest: seen.append((data, rest[0]))
        with mock.patch.object(_monitor, "_exray", spy):
            with exray.Monitor(self.path) as monitor, monitor.frame() as frame:
                frame.input(array)
                frame.input(array[2:4], index=1)
                frame.input(array.T, index=2)
                frame.raw_input(raw)
        address = array.__array_interface__["data"][0]
        self.assertEqual(seen[0], (address, 4000))
        self.assertEqual(seen[1], (address + 800, 800))
        self.assertNotEqual(seen[2][0], address)  # Not contiguous: copied once.
        self.assertEqual(seen[3], (np.frombuffer(raw, np.uint8).__array_interface__["data"][0], 1000))
        found = {c.topic: m.data for c, m in messages(self.path)}
        self.assertEqual(found["/inputs/0"], array.tobytes())
        self.assertEqual(found["/inputs/1"], array[2:4].tobytes())
        self.assertEqual(found["/inputs/2"], array.T.tobytes())

    def test_big_endian_and_lists_are_converted(self):
        with exray.Monitor(self.path) as monitor, monitor.frame() as frame:
            frame.input(np.array([1.5, -2], ">f4"))
            frame.output([[1, 2], [3, 4]])
            frame.tensor("scalar", np.float32(0.5))
        found = {c.topic: m.data for c, m in messages(self.path)}
        self.assertEqual(found["/inputs/0"], np.array([1.5, -2], "<f4").tobytes())
        self.assertEqual(found["/outputs/0"], np.array([1, 2, 3, 4]).tobytes())
        self.assertEqual(found["/tensors/0000"], np.float32(0.5).tobytes())

    def test_wrong_arguments_are_counted_and_never_raise(self):
        monitor = exray.Monitor(self.path)
        with monitor.frame("x") as frame:
            frame.input(np.array(["text"]))
            frame.input(np.array([object()]))
            frame.input([[1], [2, 3]])
            frame.input(1.0, index=-1)
            frame.log("nonsense", 1.0)
            frame.output(np.zeros(2, np.int8), quantization=exray.Quantization([1, 2, 3]))
            frame.output(np.zeros(2, np.int8), quantization=exray.Quantization([1, 2], [1]))
            frame.output(np.zeros(2, np.int8), quantization=5)
            frame.raw_input("text")
            frame.raw_input(None)
            frame.image(np.zeros((2, 2), np.float32))
            frame.image(np.zeros((2, 2, 7), np.uint8))
            frame.image(np.zeros((2, 2, 3), np.uint8), "cmyk")
            frame.boxes([(1, 2)])
            frame.boxes(7)
            frame.scalar("x", "many")
            monitor.light("bright")
            monitor.check_range(exray.Selector("output"), 1, 0)
            monitor.check_finite(exray.Selector("nonsense"))
            monitor.advance(5)
        frame.input(np.zeros(1))  # Ended: does nothing.
        summary = monitor.close()
        self.assertEqual([(loss.reason, loss.event_count) for loss in summary.losses], [("misuse", 20)])
        self.assertEqual(len(summary.misuse), 16)
        self.assertIn("<U4", summary.misuse[0])
        self.assertEqual(summary.frame_count, 1)
        self.assertEqual(monitor.close(), summary)

    def test_a_disabled_monitor_takes_every_call(self):
        with exray.Monitor(None) as monitor:
            self.assertFalse(monitor.is_recording)
            with monitor.frame("x") as frame, frame.inference(), frame.span("y"):
                frame.input(np.zeros(3))
                frame.raw_input(b"abc")
            monitor.light(3)
            monitor.check("c", exray.Selector(), lambda tensor: None)
        self.assertEqual(monitor.close(), exray.Summary())

    def test_a_folder_that_cannot_be_written_is_a_loss(self):
        with exray.Monitor("/nonexistent/t.mcap") as monitor, monitor.frame() as frame:
            frame.input(np.zeros(3))
        summary = monitor.close()
        self.assertIn("/nonexistent", summary.error)
        self.assertEqual(summary.frame_count, 0)
        self.assertGreater(summary.lost_event_count, 0)

    def test_threads_log_frames_at_once(self):
        count, frames = 8, 50

        def work(thread):
            for number in range(frames):
                with monitor.frame(f"{thread}-{number}") as frame:
                    frame.input(np.full(100, thread * 1000 + number, np.int32))
                    frame.output(np.full(3, thread * 1000 + number, np.int32))

        with exray.Monitor(self.path) as monitor:
            threads = [threading.Thread(target=work, args=(thread,)) for thread in range(count)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        summary = monitor.close()
        self.assertEqual((summary.frame_count, summary.lost_event_count), (count * frames, 0))
        inputs, outputs = {}, {}
        for channel, message in messages(self.path):
            if channel.topic in ("/inputs/0", "/outputs/0"):
                values = np.frombuffer(message.data, np.int32)
                self.assertEqual(len(set(values.tolist())), 1)
                (inputs if channel.topic == "/inputs/0" else outputs)[message.sequence] = values[0]
        self.assertEqual(inputs, outputs)
        self.assertEqual(
            sorted(inputs.values()), [t * 1000 + n for t in range(count) for n in range(frames)])

    def test_checks_see_the_values_and_their_exceptions_are_inconclusive(self):
        seen = []

        def look(tensor):
            seen.append((tensor.role, tensor.name, tensor.frame_index, tensor.values.copy()))
            self.assertFalse(tensor.values.flags.writeable)
            if tensor.frame_index == 1:
                raise RuntimeError("broken")
            return "wrong: ☃" if tensor.frame_index == 2 else None

        array = np.arange(6, dtype=np.int16).reshape(2, 3)
        with exray.Monitor(self.path) as monitor:
            monitor.check("mine", exray.Selector("output"), look)
            for _ in range(3):
                with monitor.frame() as frame:
                    frame.output(array, name="out")
        check = monitor.close().checks[0]
        self.assertEqual(
            check, exray.Check("mine", 3, 1, 1, "wrong: ☃"))
        self.assertEqual([item[:3] for item in seen], [("output", "out", index) for index in range(3)])
        np.testing.assert_array_equal(seen[0][3], array)

    def test_every_nth_frame_is_recorded_and_times_are_noted(self):
        with exray.Monitor(self.path, every_nth=3, manual_clock_start_nanoseconds=10) as monitor:
            for _ in range(7):
                with monitor.frame() as frame:
                    with frame.inference():
                        monitor.advance(5)
        summary = monitor.close()
        self.assertEqual((summary.frame_count, summary.skipped_frame_count), (3, 4))
        latencies = [m.data for c, m in messages(self.path) if c.topic == "/latency"]
        self.assertEqual(len(latencies), 3)
        self.assertTrue(all(b'"inferenceNanoseconds":5' in data for data in latencies))

    def test_raw_inputs_can_be_kept_as_digests(self):
        data = os.urandom(1000)
        with exray.Monitor(self.path, raw_inputs="digest") as monitor, monitor.frame() as frame:
            frame.raw_input(data, name="a.bin")
        self.assertEqual(monitor.close().lost_event_count, 0)
        text = Path(self.path).read_bytes()
        self.assertIn(hashlib.sha256(data).hexdigest().encode(), text)
        self.assertNotIn(data[:100], text)

    def test_a_monitor_that_is_dropped_or_left_open_is_closed(self):
        monitor = exray.Monitor(self.path)
        with monitor.frame() as frame:
            frame.input(np.zeros(3))
        del monitor, frame
        gc.collect()
        self.assertTrue(messages(self.path))
        other = self.path + "2"
        program = (
            "import exray, sys; monitor = exray.Monitor(sys.argv[1]); frame = monitor.frame('x');"
            " monitor.check('c', exray.Selector('input'), lambda tensor: None); frame.input([1.0]); frame.end()")
        environment = dict(os.environ, PYTHONPATH=str(Path(exray.__file__).parents[1]))
        subprocess.run([sys.executable, "-c", program, other], check=True, env=environment)
        self.assertTrue(messages(other))

    def test_options_that_do_not_exist_name_those_that_do(self):
        for options in ({"level": "everything"}, {"when_full": "wait"}, {"raw_inputs": "all"}):
            with self.assertRaisesRegex(ValueError, "give one of .*, "):
                exray.Monitor(self.path, **options)

    def test_a_missing_library_names_the_places_tried(self):
        with mock.patch.dict(os.environ, {"EXRAY_LIBRARY": "/nonexistent/lib.so"}):
            with self.assertRaisesRegex(ImportError, r"/nonexistent/lib\.so: no such file(.|\n)*build_library"):
                _library.load()
        with mock.patch.dict(os.environ, {"EXRAY_LIBRARY": __file__}):
            with self.assertRaisesRegex(ImportError, r"test_exray\.py: "):
                _library.load()


if __name__ == "__main__":
    unittest.main()
