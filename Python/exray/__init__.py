"""Records what a model is given and what it answers, into a trace (an MCAP file).

    with exray.Monitor("run.mcap") as monitor:
        with monitor.frame("cat.jpg") as frame:
            frame.input(pixels)
            with frame.inference():
                scores = run(pixels)
            frame.output(scores)

No call fails the app: what cannot be recorded is counted and reported by ``Monitor.close``. All calls may be made from
any thread; the interpreter's lock is released while a call copies.
"""

from ._monitor import (
    Box,
    Check,
    CheckedTensor,
    Frame,
    Level,
    Loss,
    Monitor,
    Quantization,
    Selector,
    Summary,
)

__all__ = [
    "Box",
    "Check",
    "CheckedTensor",
    "Frame",
    "Level",
    "Loss",
    "Monitor",
    "Quantization",
    "Selector",
    "Summary",
]
