"""Makes the text detective's suite: faulty, unrelated and healthy token ids, by plain Python.

    .deps/python/bin/python3 Scripts/make_text_suite.py DATA OUTPUT [--seed 4] [--cases 50]

DATA is the folder of shared data, whose sentences and vocabulary are used. Of ten cases seven are faulty; the others
are unexplained and healthy by turns. OUTPUT/suite.json lists them with what is true of each; OUTPUT/CASE/ holds
sentences.txt (or a file a sentence), model-input.npy and intended.json. A case depends on the seed and on its number
alone. Documentation/detective-suite.md says what is in it.
"""

import argparse
import json
import pathlib
import random
import re

import numpy as np

from text_pipelines import KINDS, TOKENIZERS, array, encode, recipe, vocabulary

# A fault that changes fewer token positions than this, or fewer sentences, may be named or not.
VISIBLE, VISIBLE_SENTENCES = 0.01, 2
# Every so manieth faulty case keeps a fault that cannot be seen.
HIDDEN_EVERY = 40
TEXT = "preprocess.text."


# ---- Sentences

def spoken(rng, sentence):
    """A sentence as people type it: the data are in lower case throughout."""
    words = sentence.split(" ")
    for i, word in enumerate(words):
        if i == 0 or rng.random() < 0.06 or re.match(r"i($|')", word):
            words[i] = word[:1].upper() + word[1:]
        elif rng.random() < 0.02:
            words[i] = word.upper()
    # Punctuation stands apart in the data.
    return re.sub(r" ([.,;:?!)\]])", r"\1", " ".join(words)) if rng.random() < 0.7 else " ".join(words)


def review(rng, sentences):
    count = rng.choice([1, 1, 1, 2, 3, 5])
    first = rng.randrange(len(sentences) - count)
    return " ".join(spoken(rng, s) for s in sentences[first:first + count])


# ---- Faults: each changes `how` and says (what was done, its cause, other right names)

def lower_case(rng, how):
    how["lower"] = "none"
    return "capitals kept", "lower-case", []


def tokens(rng, how):
    how["tokenizer"] = rng.choice([name for name in TOKENIZERS if name != how["tokenizer"]])
    return f"words by {how['tokenizer']}", "tokens", []


def order(rng, how):
    how["reversed"] = True
    return "words backwards", "order", []


def vocabulary_fault(rng, how):
    kind = rng.choice(["offset", "offset", "shift", "size", "sorted"])
    if kind == "offset":
        how["offset"] = rng.choice([-2, -1, 1, 2, 3])
    elif kind == "shift":
        how["shift"] = rng.choice([-1, 1, 2])
    elif kind == "size":
        how["size"] = rng.choice([1000, 2000, 4000, 5000])
    else:
        how["sorted"] = True
    return f"vocabulary: {kind} {how.get(kind)}", "vocabulary", []


def unknown(rng, how):
    how["unknown"] = rng.choice([u for u in (None, 0, 1, 2, 3, -1, 7999) if u != how["unknown"]])
    return f"unknown words as {how['unknown']}", "unknown", []


def start(rng, how):
    how["start"] = rng.choice([s for s in (None, 1, 2, 101) if s != how["start"]])
    return f"start {how['start']}", "start", []


def end(rng, how):
    how["end"] = rng.choice([s for s in (None, 2, 3, 102) if s != how["end"]])
    return f"end {how['end']}", "end", []


def truncation(rng, how):
    kind = rng.choice(["side", "side", "limit", "room"] if how["room"] else ["side", "side", "limit"])
    if kind == "side":
        how["keep"] = {"head": "tail", "tail": "head"}[how["keep"]]
    elif kind == "limit":
        how["limit"] = rng.choice([16, 20, 32, 40])
    else:
        how["room"] = False
    return f"truncation: {kind}", "truncation", []


def padding(rng, how):
    if rng.random() < 0.5:
        how["side"] = {"start": "end", "end": "start"}[how["side"]]
        return f"padded at the {how['side']}", "padding", []
    how["pad"] = rng.choice([p for p in (0, 1, 2, -1, 8000) if p != how["pad"]])
    return f"padded with {how['pad']}", "padding", []


def element(rng, how):
    how["stored"] = rng.choice([
        s for s in ("int32", "int64", "float32", "float32-as-int32", "int64-as-int32") if s != how["stored"]])
    return f"stored as {how['stored']}", "element-type", []


FAULTS = {
    "lower-case": lower_case, "tokens": tokens, "order": order, "vocabulary": vocabulary_fault, "unknown": unknown,
    "start": start, "end": end, "truncation": truncation, "padding": padding, "element": element}


# ---- What no recipe describes

def unrelated(rng, how, words, sentences, all):
    return array(how, words, [review(rng, all) for _ in sentences])


def other_vocabulary(rng, how, words, sentences, all):
    ids = list(words.values())
    rng.shuffle(ids)
    return array(how, dict(zip(words, ids)), sentences)


def noise(rng, how, words, sentences, all):
    ids = array(how, words, sentences)
    swap = np.array([[rng.random() < 0.3 for _ in row] for row in ids])
    return np.where(swap, np.array([[rng.randrange(8000) for _ in row] for row in ids]), ids).astype(ids.dtype)


def shuffled(rng, how, words, sentences, all):
    def mix(text):
        parts = text.split()
        rng.shuffle(parts)
        return " ".join(parts)
    return array(how, words, [mix(text) for text in sentences])


STOP = set("the a an of to and or is in it that this as with for its on at by be are was but".split())


def stop_words(rng, how, words, sentences, all):
    return array(how, words, [" ".join(w for w in t.split() if w.lower() not in STOP) for t in sentences])


def characters(rng, how, words, sentences, all):
    rows = [[ord(c) % 256 for c in t.lower()][:how["length"]] for t in sentences]
    return np.array([r + [0] * (how["length"] - len(r)) for r in rows], "<i4")


def stemmed(rng, how, words, sentences, all):
    stem = lambda w: re.sub(r"(ing|ed|es|s|ly)$", "", w)
    table = {}
    for word, id in words.items():
        table.setdefault(stem(word), id)
    return array(how, {**table}, [" ".join(stem(w) for w in t.lower().split()) for t in sentences])


def hashed(rng, how, words, sentences, all):
    def number(word):
        value = 5381
        for byte in word.encode():
            value = (value * 33 + byte) % 7919
        return value
    known = {w for t in sentences for w in TOKENIZERS[how["tokenizer"]][0](t.lower())}
    return array(how, {w: number(w) for w in known}, sentences)


def other_rows(rng, how, words, sentences, all):
    return np.roll(array(how, words, sentences), 1, axis=0)


def dropout(rng, how, words, sentences, all):
    return array(how, words, [" ".join(w for w in t.split() if rng.random() < 0.8) for t in sentences])


def constant(rng, how, words, sentences, all):
    return np.full((len(sentences), how["length"]), rng.choice([0, 1, 5]), "<i4")


UNEXPLAINED = [
    unrelated, other_vocabulary, noise, shuffled, stop_words, characters, stemmed, hashed, other_rows, dropout,
    constant]


# ---- Cases

def positions(how, ids):
    return ids != how["pad"] + how["shift"]


def reached(how, ids):
    """The ids that can be read off an array."""
    if how["stored"] == "int64-as-int32":
        ids = ids[:, ::2]
    elif how["stored"] == "float32-as-int32":
        ids = ids.view("<f4")
    return [int(id) for id in np.unique(ids)]


def changed(a, b, how):
    """The share of token positions in which two arrays differ, and in how many sentences they do."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return 1.0, len(a)
    rows = (a != b)
    tokens = positions(how, a) | rows
    return rows.sum() / max(1, tokens.sum()), int(rows.any(axis=1).sum())


def draw_faulty(rng, right, words, sentences, hidden):
    """A faulty pipeline: its array and the truth of each fault; nothing where a fault does not show."""
    count = rng.choice([1, 1, 2, 2, 3, 4])
    how, changes = dict(right), []
    for family in rng.sample(sorted(FAULTS), count):
        before = dict(how)
        did, cause, also = FAULTS[family](rng, how)
        changes.append(({k: how[k] for k in how if how[k] != before[k]}, did, cause, also))
    # All ids moved and other special ids: an offset of words and yet other special ids says the same with no more.
    if how["shift"] and any(how[k] != right[k] for k in ("pad", "unknown", "start", "end")):
        return None
    ids = array(how, words, sentences)
    truth = []
    # One id throughout says nothing of how it was made; it is among the processing that no recipe describes.
    if (ids == ids.flat[0]).all():
        return None
    # A special id that reaches no place of the array cannot be read off it.
    present = set(reached(how, ids))
    if any(how[k] is not None and how[k] != right[k] and how[k] + how["shift"] not in present
           for k in ("pad", "unknown", "start", "end")):
        return None
    for change, did, cause, also in changes:
        without = dict(how)
        without.update({k: right[k] for k in change})
        share, rows = changed(ids, array(without, words, sentences), how)
        if "room" in change and np.array_equal(ids, array(dict(without, end=None), words, sentences)):
            # Where every sentence is cut, an end that is cut off looks like no end.
            also = also + ["end"]
        visible = bool(share >= VISIBLE and rows >= min(VISIBLE_SENTENCES, len(sentences)))
        truth.append({
            "cause": TEXT + cause, "did": did, "share": round(float(share), 4), "visible": visible,
            "alsoRight": [TEXT + a for a in also]})
    shown = all(t["visible"] for t in truth)
    return (ids, truth, how) if shown != hidden else None


def make(number, seed, folder, all, vocabularies):
    rng = random.Random(f"{seed}/{number}")
    kind = rng.choice(sorted(KINDS))
    right, words = KINDS[kind][0], vocabularies[kind]
    # Of 50: 35 faulty, 8 unexplained, 7 healthy.
    part = number % 10
    strange = part == 7 or part == 9 and number % 50 in (19, 29, 39)
    name = "faulty" if part < 7 else "unexplained" if strange else "healthy"
    count = rng.choice([3, 6, 12, 12, 24, 24, 48])
    case = {"name": f"{number:04d}-{name}", "kind": name, "seed": f"{seed}/{number}", "pipeline": kind,
            "tolerated": []}
    for attempt in range(400):
        sentences = [review(rng, all) for _ in range(count)]
        if name == "healthy":
            ids = array(right, words, sentences)
            break
        if name == "faulty":
            drawn = draw_faulty(rng, right, words, sentences, number % HIDDEN_EVERY == HIDDEN_EVERY - 1 - 7)
            if drawn:
                ids, case["truth"], _ = drawn
                break
        else:
            process = rng.choice(UNEXPLAINED)
            ids = process(rng, right, words, sentences, all)
            good = array(right, words, sentences)
            if changed(ids, good, right)[0] > 0.2 and count > 3:
                case["processing"] = process.__name__
                break
            count = max(count, 6)
    else:
        raise SystemExit(f"case {number} cannot be drawn; try another seed")
    place = folder / case["name"]
    place.mkdir(parents=True)
    np.save(place / "model-input.npy", ids)
    format = KINDS[kind][2]
    (place / "intended.json").write_text(json.dumps(
        recipe(right, f"../vocabulary-{sorted(KINDS).index(kind)}.txt", format), indent=1))
    if number % 12 == 5:
        case["raw"] = []
        for i, sentence in enumerate(sentences):
            file = place / f"sentence-{i:02d}.txt"
            file.write_text(sentence + "\n", encoding="utf-8")
            case["raw"].append(str(file))
    else:
        (place / "sentences.txt").write_text("\n".join(sentences) + "\n", encoding="utf-8")
        case["raw"] = [str(place / "sentences.txt")]
    case["tensor"] = {"type": str(ids.dtype)}
    return case


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--cases", type=int, default=50)
    options = parser.parse_args()
    text = options.data / "data" / "text"
    lines = (text / "rt_polarity_test_1000.tsv").read_text(encoding="utf-8").split("\n")
    all = [line.split("\t", 1)[1] for line in lines if "\t" in line]
    words = (text / "vocab.txt").read_text(encoding="utf-8").split("\n")[2:]
    words = [word for word in words if word]
    output = options.output.absolute()
    output.mkdir(parents=True, exist_ok=True)
    vocabularies = {}
    for index, kind in enumerate(sorted(KINDS)):
        vocabularies[kind], file = vocabulary(kind, words)
        (output / f"vocabulary-{index}.txt").write_text(file, encoding="utf-8")
    cases = [make(number, options.seed, output, all, vocabularies) for number in range(options.cases)]
    (output / "suite.json").write_text(json.dumps({"seed": options.seed, "cases": cases}, indent=1))
    kinds = {k: sum(c["kind"] == k for c in cases) for k in ("faulty", "unexplained", "healthy")}
    print(f"{len(cases)} cases in {output}: {kinds}")


if __name__ == "__main__":
    main()
