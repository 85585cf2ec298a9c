"""Writes sentences, recipes, and the words and ids that plain Python makes of them, for the tests to compare.

    .deps/python/bin/python3 Scripts/check_text.py OUTPUT [--data DATA] [--seed 1]

The authorities are Python's str.lower, str.split and re, the published clean_str of
dennybritz/cnn-text-classification-tf, and the formulas of Keras' Tokenizer, pad_sequences and
TextVectorization (text_pipelines.py). Where OUTPUT is read by tests, cases.json holds:
  characters  code points and, for each, what str.isspace, \\w and str.lower say of it
  words       text, tokenizer in a recipe's words, lower case, words
  ids         a recipe, a vocabulary file, sentences, ids
"""

import argparse
import json
import pathlib
import random
import re
import string
import unicodedata

from text_pipelines import KINDS, LOWER, TOKENIZERS, array, recipe, vocabulary

STRANGE = [
    "ΟΔΥΣΣΕΥΣ ΣΑΣ Σ ΑΣ' Α'Σ ΣΑ.Σ", "İstanbul IĞDIR ﬁne STRASSE ẞ", "naïve CAFÉ e\u0301 E\u0301", "don't can't it's they've I'd we'll n't 's",
    "a\u00a0b\u2003c\u3000d\u200be\x1cf\x85g", "10,000.5 ½ ² ٣ 三 Ⅷ _x_ __", "\U0001F600\U0001F600 ok\U00010400", "(a)[b]{c}<d>!e?f,g;h:i", "``quoted'' \"text\" \\ / ^ - ~ |",
    "", " ", "'", "''s 'll 've", "rock'n'roll o'clock 'tis l'été", "word" * 300, "ǅ ǈ ǋ ᾈ Ω Å K", "ﬀ ŉ ǰ ΐ",
]


def characters(rng):
    """All of the basic plane that Python's Unicode has characters for, and some of the others."""
    points = [p for p in range(0x10000) if not 0xD800 <= p < 0xE000]
    points += rng.sample(range(0x10000, 0x20000), 4000)
    points = [p for p in points if unicodedata.category(chr(p)) != "Cn"]
    return [
        {"scalar": p, "space": chr(p).isspace(), "word": bool(re.fullmatch(r"\w", chr(p))),
         "lower": [ord(c) for c in chr(p).lower()]} for p in points]


def sentences(rng, data):
    lines = []
    if data:
        text = (data / "data/text/rt_polarity_test_1000.tsv").read_text(encoding="utf-8").split("\n")
        lines = [line.split("\t", 1)[1] for line in text if "\t" in line]
        lines = [line if rng.random() < 0.5 else line.title() for line in lines]
    alphabet = string.printable[:95] + "éÉßΣσςİıЖжñ’“”—½٣_'''   "
    drawn = ["".join(rng.choice(alphabet) for _ in range(rng.randrange(60))) for _ in range(300)]
    return lines + STRANGE + [s.replace("\r", " ").replace("\n", " ") for s in drawn]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--data", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    rng = random.Random(options.seed)
    texts = sentences(rng, options.data)
    words = []
    for name, (function, (words_of, marks, others, contractions)) in TOKENIZERS.items():
        for lower in LOWER:
            # Keras splits at the space character alone, a recipe at all white space.
            some = STRANGE + rng.sample(texts, 200)
            given = [" ".join(t.split()) if name == "keras" else t for t in some]
            words.append({
                "name": name, "lower": lower, "words": words_of, "marks": marks, "others": others,
                "contractions": contractions,
                "texts": [{"text": t, "words": function(LOWER[lower](t))} for t in given]})
    counts = {}
    for text in texts:
        for word in re.findall(r"[a-z0-9']+", text.lower()):
            counts[word] = counts.get(word, 0) + 1
    listed = sorted(counts, key=lambda w: (-counts[w], w))[:3000]
    ids = []
    for kind in sorted(KINDS):
        table, file = vocabulary(kind, listed)
        (options.output / f"{kind}.txt").write_text(file, encoding="utf-8")
        right = KINDS[kind][0]
        for changes in (
                {}, {"keep": "tail"}, {"keep": "head"}, {"side": "start"}, {"side": "end", "limit": 7},
                {"start": 5, "end": 6}, {"start": 5, "end": 6, "room": True, "limit": 9, "keep": "tail"},
                {"reversed": True, "offset": 3}, {"sorted": True, "size": 900}, {"shift": 2, "unknown": -1},
                {"unknown": None, "pad": 4}, {"stored": "float32-as-int32"}, {"stored": "int64-as-int32"}):
            how = dict(right, **changes)
            chosen = [t for t in rng.sample(texts, 40)]
            if how["tokenizer"] == "keras":
                chosen = [" ".join(t.split()) for t in chosen]
            ids.append({
                "recipe": json.dumps(recipe(how, f"{kind}.txt", KINDS[kind][2])), "format": KINDS[kind][2],
                "vocabulary": f"{kind}.txt", "texts": chosen,
                "ids": [[int(i) for i in row] for row in array(how, table, chosen)]})
    (options.output / "cases.json").write_text(
        json.dumps({"characters": characters(rng), "words": words, "ids": ids}))


if __name__ == "__main__":
    main()
