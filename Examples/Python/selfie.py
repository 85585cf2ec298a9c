# A real app: finds the person in a photo with LiteRT. The lines that record a trace are marked with a #.
#
#   python selfie.py selfie_segmentation.tflite photo.png trace.mcap
import sys
from pathlib import Path

import exray
import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

model, photo, trace = sys.argv[1:]
interpreter = Interpreter(model)
interpreter.allocate_tensors()
model_input, model_output = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
_, height, width, _ = model_input["shape"]

with exray.Monitor(trace) as monitor, monitor.frame(photo) as frame:  #
    frame.raw_input(Path(photo).read_bytes(), media_type="image/png", name=Path(photo).name)  #
    picture = Image.open(photo).convert("RGB").resize((width, height))
    pixels = np.asarray(picture, np.float32)[None] / 255  # (batch, height, width, channel)
    frame.input(pixels, name=model_input["name"])  #
    interpreter.set_tensor(model_input["index"], pixels)
    with frame.inference():  #
        interpreter.invoke()
    mask = interpreter.get_tensor(model_output["index"])
    frame.output(mask, name=model_output["name"])  #

print(f"{(mask > 0.5).mean():.0%} of the picture is a person")
print(monitor.close())
