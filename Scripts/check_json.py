"""Reads JSON texts with Python's json module, for comparison with EXrayJSON.

    .deps/python/bin/python3 Scripts/check_json.py TEXTS

TEXTS has one text a line, its bytes in hexadecimal. Prints a line for each: the value with sorted keys in ASCII,
a tab, and the same in UTF-8; or "refused". Refused is, beyond what Python refuses by itself, what RFC 8259 does
not have (NaN, Infinity) and what EXrayJSON documents: keys that are there twice, halves of surrogate pairs,
numbers that overflow a double.
"""

import json
import math
import sys


def constant(word):
    raise ValueError(word)


def floating(text):
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def integer(text):
    floating(text)
    return int(text)


def members(pairs):
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key is there twice")
    return result


def answer(text):
    try:
        value = json.loads(
            text.decode("utf-8-sig"),
            parse_constant=constant,
            parse_float=floating,
            parse_int=integer,
            object_pairs_hook=members,
        )
        forms = [
            json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=is_ascii)
            for is_ascii in (True, False)
        ]
        return "\t".join(forms).encode()
    except ValueError:
        return b"refused"


with open(sys.argv[1]) as lines:
    for line in lines:
        sys.stdout.buffer.write(answer(bytes.fromhex(line)) + b"\n")
