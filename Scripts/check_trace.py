"""Reads a trace with the official mcap package and prints what it holds as JSON.

    python Scripts/check_trace.py TRACE.mcap [EXPECTED.json]

With EXPECTED.json, a file as this script prints it, the two are compared member by member: exit code 0 where they
are the same, 1 with the differences where not. Tensors are given as the SHA-256 of their packed values and, for
types that NumPy has, the sum of their elements; protobuf messages by the schemas in the file, which are compared
with those that Foxglove publishes.
"""
import hashlib
import importlib
import json
import sys

import numpy as np
from mcap.reader import NonSeekingReader, SeekingReader
from mcap_protobuf.decoder import DecoderFactory

NO_FRAME = 2**32 - 1
REPEATED = ("/image", "/boxes", "/scalars", "/findings", "/gaps", "/overhead", "/sensors/", "/tensors/")


def digest(data):
    return {"sha256": hashlib.sha256(data).hexdigest(), "byteCount": len(data)}


def tensor(channel, data):
    """A tensor message as the bytes' digest and the elements' sum."""
    about = channel.metadata
    shape = [int(n) for n in about["shape"].split(",") if n]
    found = digest(data)
    if about["elementType"] in np.sctypeDict:
        values = np.frombuffer(data, np.dtype(about["elementType"]).newbyteorder("<"))
        found["sum"] = float(values.reshape(shape).astype(np.float64).sum())
    return found


def fields(message):
    """A protobuf message as a dictionary of the fields that it has."""
    return {field.name: field_value(value) for field, value in message.ListFields()}


def field_value(value):
    if isinstance(value, bytes):
        return digest(value)
    if isinstance(value, (str, int, float)):
        return value
    if hasattr(value, "ListFields"):
        return fields(value)
    return [field_value(each) for each in value]


def published(descriptor):
    """The definition of a message type in the packages of its publisher."""
    if descriptor.full_name == "google.protobuf.Timestamp":
        module = importlib.import_module("google.protobuf.timestamp_pb2")
    else:
        module = importlib.import_module(f"foxglove_schemas_protobuf.{descriptor.name}_pb2")
    return getattr(module, descriptor.name).DESCRIPTOR


def definition(descriptor):
    """The fields of a message type, by name."""
    return {
        field.name: [
            field.number,
            field.type,
            field.is_repeated,
            field.message_type.full_name if field.message_type else None,
            {value.name: value.number for value in field.enum_type.values} if field.enum_type else None,
        ]
        for field in descriptor.fields
    }


def schema_problems(descriptor, done):
    """Where a message type, or one that it holds, is not as its publisher defines it."""
    if descriptor.full_name in done:
        return
    done.add(descriptor.full_name)
    theirs = published(descriptor)
    if descriptor.file.name != theirs.file.name:
        yield f"{descriptor.full_name} is defined in {descriptor.file.name}, not {theirs.file.name}"
    yield from differences(definition(descriptor), definition(theirs), descriptor.full_name)
    for field in descriptor.fields:
        if field.message_type:
            yield from schema_problems(field.message_type, done)


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
        factory = DecoderFactory()
        done = set()
        for schema, channel, message in reader().iter_messages(log_time_order=False):
            trace["channels"][channel.topic] = {
                "messageEncoding": channel.message_encoding,
                "schema": schema.name if schema else None,
                "metadata": dict(channel.metadata),
            }
            if channel.message_encoding == "exray.tensor":
                found = tensor(channel, message.data)
            elif channel.message_encoding == "json":
                found = json.loads(message.data)
            elif channel.message_encoding == "protobuf":
                decoded = factory.decoder_for(channel.message_encoding, schema)(message.data)
                problems = list(schema_problems(decoded.DESCRIPTOR, done))
                if problems:
                    sys.exit(f"{path}: " + "\n".join(problems))
                found = fields(decoded)
            else:
                found = hashlib.sha256(message.data).hexdigest()
            isolated = message.sequence == NO_FRAME
            frame = trace["frames"].setdefault("none" if isolated else str(message.sequence), {})
            if isolated or channel.topic.startswith(REPEATED):
                frame.setdefault(channel.topic, []).append(found)
            elif channel.topic in frame:
                sys.exit(f"{path}: frame {message.sequence} has {channel.topic} twice")
            else:
                frame[channel.topic] = found
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
