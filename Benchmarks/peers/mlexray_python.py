"""Times ML-EXray's own Python monitor on a real model, frame by frame; prints the seconds of each frame.

    mlexray_python.py CHECKOUT MODEL layers|io FRAMES FOLDER

CHECKOUT is a checkout of ML-EXray, whose EdgeMLMonitor.py is imported as it is.
"""

import importlib.util
import pathlib
import shutil
import sys
import time

import numpy
from ai_edge_litert.interpreter import Interpreter

checkout, model, mode, frames, folder = sys.argv[1:]
source = pathlib.Path(checkout) / "edgeml/python/src/MLEXray/EdgeMLMonitor/EdgeMLMonitor.py"
specification = importlib.util.spec_from_file_location("EdgeMLMonitor", source)
module = importlib.util.module_from_spec(specification)
specification.loader.exec_module(module)

interpreter = Interpreter(
    model_path=model, num_threads=1, experimental_preserve_all_tensors=mode == "layers")
interpreter.allocate_tensors()
details = interpreter.get_input_details()[0]
picture = numpy.random.default_rng(1).uniform(-1, 1, details["shape"]).astype(details["dtype"])
monitor = module.EdgeMLMonitor()
monitor.set_logDir(folder)
monitor.set_per_layer_output_logging(mode == "layers")
for _ in range(int(frames)):
    interpreter.set_tensor(details["index"], picture)
    interpreter.invoke()
    begin = time.perf_counter()
    monitor.onFrameStart()
    monitor.onInferenceStart()
    result = None
    if mode == "io":
        output = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
        result = {"predictions": output, "input": picture}
    monitor.onInferenceStop(interpreter, result)
    print(time.perf_counter() - begin, flush=True)
    for log in (pathlib.Path(folder) / "nativeLog").iterdir():
        log.unlink()
shutil.rmtree(folder)
