"""Prints every tensor of a trace: python Scripts/read_trace.py TRACE.mcap"""
import sys

import numpy as np
from mcap.reader import make_reader

with open(sys.argv[1], "rb") as file:
    for _, channel, message in make_reader(file).iter_messages(log_time_order=False):
        if channel.message_encoding == "exray.tensor":
            about = channel.metadata
            shape = [int(n) for n in about["shape"].split(",") if n]
            values = np.frombuffer(message.data, about["elementType"]).reshape(shape)
            print(message.sequence, channel.topic, about["name"], values.dtype, shape, values.mean())
