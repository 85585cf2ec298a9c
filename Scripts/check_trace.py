"""Reads a trace with the official mcap package and prints what it holds as JSON.

    python Scripts/check_trace.py TRACE.mcap [EXPECTED.json]

With EXPECTED.json, a file as this script prints it, the two are compared member by member: exit code 0 where they
are the same, 1 with the differences where not. Tensors are given as the SHA-256 of their packed values and, for
types that NumPy has, the sum of their elements.
"""
import hashlib
import json
import sys

import numpy as np
from mcap.reader import NonSeekingReader, SeekingReader


def tensor(channel, data):
    """A tensor message as the bytes' digest and the elements' sum."""
    about = channel.metadata
    shape = [int(n) for n in about["shape"].split(",") if n]
    found = {"sha256": hashlib.sha256(data).hexdigest(), "byteCount": len(data)}
    if about["elementType"] in np.sctypeDict:
        values = np.frombuffer(data, np.dtype(about["elementType"]).newbyteorder("<"))
        found["sum"] = float(values.reshape(shape).astype(np.float64).sum())
    return found


def describe(path, reader_type):
    """Everything that a trace holds, through one of the package's readers."""
    with open(path, "rb") as file:

        def reader():
            # One query each: a reader that does not seek reads the file once.
            file.seek(0)
            return reader_type(file, validate_crcs=True)

        trace = {"profile": reader().get_header().profile, "run": {}, "channels": {}, "frames": {}}
        for metadata in reader().iter_metadata():
            if metadata.name == "exray.run":
                trace["run"] = dict(metadata.metadata)
        for schema, channel, message in reader().iter_messages(log_time_order=False):
            trace["channels"][channel.topic] = {
                "messageEncoding": channel.message_encoding,
                "schema": schema.name if schema else None,
                "metadata": dict(channel.metadata),
            }
            frame = trace["frames"].setdefault(str(message.sequence), {})
            if channel.topic in frame:
                sys.exit(f"{path}: frame {message.sequence} has {channel.topic} twice")
            if channel.message_encoding == "exray.tensor":
                frame[channel.topic] = tensor(channel, message.data)
            elif channel.message_encoding == "json":
                frame[channel.topic] = json.loads(message.data)
            else:
                frame[channel.topic] = hashlib.sha256(message.data).hexdigest()
    return trace


def differences(found, expected, where=""):
    """The places where two JSON values differ, one line each."""
    if isinstance(found, dict) and isinstance(expected, dict):
        for key in sorted(found.keys() | expected.keys()):
            if key not in found:
                yield f"{where}/{key} is missing"
            elif key not in expected:
                yield f"{where}/{key} was not expected: {found[key]!r}"
            else:
                yield from differences(found[key], expected[key], f"{where}/{key}")
    elif found != expected:
        yield f"{where} is {found!r}, expected {expected!r}"


def main():
    found = describe(sys.argv[1], SeekingReader)
    problems = [
        "read streamed: " + line
        for line in differences(describe(sys.argv[1], NonSeekingReader), found)
    ]
    if len(sys.argv) > 2:
        with open(sys.argv[2], encoding="utf-8") as file:
            problems += differences(found, json.load(file))
        print("\n".join(problems) or "identical")
    else:
        print(json.dumps(found, indent=1, sort_keys=True))
        print("\n".join(problems), file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
