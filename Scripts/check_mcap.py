"""Reads and writes MCAP files with the format's official Python library, for comparison with the module MCAP.

    .deps/python/bin/python3 Scripts/check_mcap.py read FILE
    .deps/python/bin/python3 Scripts/check_mcap.py write FILE COMPRESSION SEED

`write` makes a file of random channels, messages, attachments and metadata, with COMPRESSION one of none, lz4 and
zstd. Both print what is in the file, a JSON list a line: messages in the order of their log times (of one time,
in the order of the file), each with topic, schema, sequence, both times and the payload in hexadecimal; then
attachments and metadata. `read` also compares every checksum with the one that the file states.
"""

import json
import random
import sys

from mcap.reader import make_reader
from mcap.stream_reader import StreamReader
from mcap.writer import CompressionType, Writer


def show(*values):
    print(json.dumps(values, sort_keys=True, separators=(",", ":")))


def read(path):
    with open(path, "rb") as file:
        for _ in StreamReader(file, validate_crcs=True).records:
            pass
    with open(path, "rb") as file:
        reader = make_reader(file, validate_crcs=True)
        summary = reader.get_summary()
        found = 0
        for schema, channel, message in reader.iter_messages(log_time_order=True):
            found += 1
            show(
                "message",
                channel.topic,
                schema.name if schema else "",
                message.sequence,
                message.log_time,
                message.publish_time,
                message.data.hex(),
            )
        assert summary.statistics.message_count == found
        for one in reader.iter_attachments():
            show("attachment", one.name, one.media_type, one.log_time, one.create_time, one.data.hex())
        for one in reader.iter_metadata():
            show("metadata", one.name, one.metadata)


def write(path, compression, seed):
    source = random.Random(int(seed))
    with open(path, "wb") as file:
        writer = Writer(file, chunk_size=2000, compression=CompressionType[compression.upper()])
        writer.start(profile="check", library="check_mcap")
        schema = writer.register_schema(name="Schéma", encoding="jsonschema", data=b"{}")
        channels = [
            writer.register_channel(topic=f"/t/{n}", message_encoding="x", schema_id=schema * (n % 2))
            for n in range(3)
        ]
        for sequence in range(200):
            writer.add_message(
                channel_id=source.choice(channels),
                log_time=source.randrange(1000),
                publish_time=source.randrange(1000),
                sequence=sequence,
                data=source.randbytes(source.randrange(40)) * source.randrange(1, 8),
            )
        writer.add_attachment(
            create_time=1, log_time=2, name="a.bin", media_type="x/y", data=source.randbytes(300)
        )
        writer.add_metadata(name="about", data={"b": "é", "a": ""})
        writer.finish()
    read(path)


if sys.argv[1] == "read":
    read(sys.argv[2])
else:
    write(*sys.argv[2:])
