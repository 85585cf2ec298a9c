"""Ways in which apps turn a sentence into token ids: plain Python, and published preprocessings as formulas.

Shared by make_text_suite.py and check_text.py; none of EXray's code takes part.
"""

import re
import string

import numpy as np

# keras.preprocessing.text.Tokenizer, its default `filters`.
KERAS_FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
# keras.layers.TextVectorization, `strip_punctuation` and `lower_and_strip_punctuation`.
VECTORIZATION = r'[!"#$%&()\*\+,-\./:;<=>?@\[\\\]^_`{|}~\']'


def clean_str(text):
    """dennybritz/cnn-text-classification-tf, data_helpers.py, as published but for str.lower: it runs before."""
    text = re.sub(r"[^A-Za-z0-9(),!?\'\`]", " ", text)
    text = re.sub(r"\'s", " \'s", text)
    text = re.sub(r"\'ve", " \'ve", text)
    text = re.sub(r"n\'t", " n\'t", text)
    text = re.sub(r"\'re", " \'re", text)
    text = re.sub(r"\'d", " \'d", text)
    text = re.sub(r"\'ll", " \'ll", text)
    text = re.sub(r",", " , ", text)
    text = re.sub(r"!", " ! ", text)
    # Written "\(" there, which put a backslash into the word.
    text = re.sub(r"\(", " ( ", text)
    text = re.sub(r"\)", " ) ", text)
    text = re.sub(r"\?", " ? ", text)
    text = re.sub(r"\s{2,}", " ", text)
    return text.strip()


def keras_tokens(text):
    """keras.preprocessing.text.text_to_word_sequence after lower-casing."""
    text = text.translate(str.maketrans({c: " " for c in KERAS_FILTERS}))
    return [word for word in text.split(" ") if word]


def bert_basic(text):
    """White space, and each punctuation character of ASCII a token, as BERT's BasicTokenizer splits them."""
    out = []
    for word in text.split():
        current = ""
        for c in word:
            if c in string.punctuation:
                out += [current, c]
                current = ""
            else:
                current += c
        out.append(current)
    return [word for word in out if word]


# Name: (function, the same in a recipe's words: words, marks, others, contractions)
TOKENIZERS = {
    "regex a-z0-9'": (lambda t: re.findall(r"[a-z0-9']+", t), ("a-z0-9'", "", "space", "kept")),
    "regex a-z0-9": (lambda t: re.findall(r"[a-z0-9]+", t), ("a-z0-9", "", "space", "kept")),
    "regex a-z": (lambda t: re.findall(r"[a-z]+", t), ("a-z", "", "space", "kept")),
    "regex A-Za-z0-9'": (lambda t: re.findall(r"[A-Za-z0-9']+", t), ("A-Za-z0-9'", "", "space", "kept")),
    "regex \\w": (lambda t: re.findall(r"\w+", t), ("\\w", "", "space", "kept")),
    # tflite_model_maker, AverageWordVecSpec.
    "split at [^\\w']": (
        lambda t: [w for w in re.split(r"[^\w\']+", t) if w], ("\\w'", "", "space", "kept")),
    "split()": (str.split, ("\\S", "", "space", "kept")),
    "keras": (keras_tokens, ('^!"#$%&()*+,\\-./:;<=>?@[\\\\\\]\\^_`{|}~', "", "space", "kept")),
    "vectorization": (
        lambda t: re.sub(VECTORIZATION, "", t).split(), ("^\\p", "", "removed", "kept")),
    "punctuation to spaces": (
        lambda t: t.translate({ord(c): " " for c in string.punctuation}).split(),
        ("^\\p", "", "space", "kept")),
    "clean_str": (lambda t: clean_str(t).split(), ("A-Za-z0-9'`", "(),!?", "space", "split")),
    "bert": (bert_basic, ("^\\p", "\\p", "space", "kept")),
    "apostrophes deleted, split at [^\\w]": (
        lambda t: re.findall(r"\w+", t.replace("'", "")), ("\\w", "", "space", "joined")),
    "apostrophes deleted, regex a-z0-9": (
        lambda t: re.findall(r"[a-z0-9]+", t.replace("'", "")), ("a-z0-9", "", "space", "joined")),
}

ASCII_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
LOWER = {"unicode": str.lower, "ascii": lambda t: t.translate(ASCII_LOWER), "none": lambda t: t}


def numbered(how, words):
    """Ids of a word list: {word: id}, from the pipeline's own list."""
    if not how["sorted"]:
        return words
    plain = [w for w in words if not (w[0] + w[-1] in ("<>", "[]") and len(w) > 2)]
    ids = sorted(words[w] for w in plain)
    return {**words, **dict(zip(sorted(plain), ids))}


def encode(how, words, text):
    """The ids of one sentence, a list of `how["length"]`."""
    ids = []
    for word in TOKENIZERS[how["tokenizer"]][0](LOWER[how["lower"]](text)):
        id = words.get(word)
        if id is not None:
            id += how["offset"]
            if how["size"] is not None and id >= how["size"]:
                id = None
        if id is None:
            id = how["unknown"]
        if id is not None:
            ids.append(id)
    if how["reversed"]:
        ids = ids[::-1]
    keep = (lambda s, n: s[:n]) if how["keep"] == "head" else (lambda s, n: s[len(s) - n:] if n < len(s) else s)
    limit = min(how["limit"] or how["length"], how["length"])
    start = [] if how["start"] is None else [how["start"]]
    end = [] if how["end"] is None else [how["end"]]
    if how["room"]:
        ids = keep(ids, max(0, limit - len(start) - len(end)))
    ids = keep(start + ids + end, limit)
    fill = [how["pad"]] * (how["length"] - len(ids))
    ids = ids + fill if how["side"] == "end" else fill + ids
    return [id + how["shift"] for id in ids]


def array(how, words, sentences):
    """What reaches the model: an array [N, length]."""
    words = numbered(how, words)
    ids = [encode(how, words, text) for text in sentences]
    stored = how["stored"]
    if stored == "float32-as-int32":
        return np.array(ids, "<f4").view("<i4")
    if stored == "int64-as-int32":
        return np.ascontiguousarray(np.array(ids, "<i8").view("<i4")[:, :how["length"]])
    return np.array(ids, {"int32": "<i4", "int64": "<i8", "float32": "<f4"}[stored])


def recipe(how, file, format):
    """The pipeline in the words of EXray's text recipes."""
    words, marks, others, contractions = TOKENIZERS[how["tokenizer"]][1]
    vocabulary = {"file": file, "format": format, "offset": how["offset"]}
    if how["sorted"]:
        vocabulary["order"] = "sorted"
    if how["size"] is not None:
        vocabulary["size"] = how["size"]
    truncation = {"keep": how["keep"], "specials": "kept" if how["room"] else "cut"}
    if how["limit"]:
        truncation["limit"] = how["limit"]
    return {
        "exrayTextRecipe": 1, "lowercase": how["lower"],
        "tokens": {"words": words, "marks": marks, "others": others, "contractions": contractions},
        "order": "reversed" if how["reversed"] else "forward", "vocabulary": vocabulary,
        "unknown": "dropped" if how["unknown"] is None else how["unknown"],
        "start": "none" if how["start"] is None else how["start"],
        "end": "none" if how["end"] is None else how["end"], "truncation": truncation,
        "padding": {"id": how["pad"], "side": how["side"]}, "length": how["length"],
        "shift": how["shift"], "element": how["stored"]}


PLAIN = {
    "lower": "unicode", "reversed": False, "sorted": False, "offset": 0, "size": None, "start": None, "end": None,
    "keep": "head", "limit": None, "room": False, "pad": 0, "side": "end", "shift": 0, "stored": "int32"}

# The right pipelines: (how, the special words with their ids, how the vocabulary's file is written)
KINDS = {
    # The sentiment model of the shared data.
    "sentiment": (dict(PLAIN, tokenizer="regex a-z0-9'", unknown=1, length=48), ["<PAD>", "<UNK>"], "words"),
    # keras.preprocessing: Tokenizer() and pad_sequences(maxlen=64); words not known are left out.
    "keras": (
        dict(PLAIN, tokenizer="keras", unknown=None, length=64, keep="tail", side="start"), ["<PAD>"], "pairs"),
    # TensorFlow Lite's text classification: average word vectors, 256 tokens.
    "average word vectors": (
        dict(PLAIN, tokenizer="split at [^\\w']", unknown=2, start=1, length=256),
        ["<PAD>", "<START>", "<UNKNOWN>"], "pairs"),
    # dennybritz/cnn-text-classification-tf: VocabularyProcessor has one id for padding and unknown words.
    "clean_str": (dict(PLAIN, tokenizer="clean_str", unknown=0, length=56), ["<UNK>"], "words"),
    # keras.layers.TextVectorization(output_sequence_length=64), handed over as float32.
    "vectorization": (
        dict(PLAIN, tokenizer="vectorization", unknown=1, length=64, stored="float32"), ["", "[UNK]"], "words"),
    # Start, end and room for both, punctuation as tokens.
    "start and end": (
        dict(PLAIN, tokenizer="bert", unknown=1, start=2, end=3, room=True, length=72),
        ["[PAD]", "[UNK]", "[CLS]", "[SEP]"], "words"),
}


def vocabulary(kind, words):
    """{word: id} and the text of its file, from the plain words in the order of their frequency."""
    how, specials, format = KINDS[kind]
    # TextVectorization's file begins with an empty word; a recipe's has a name there that no text has.
    listed = [w or "<PAD>" for w in specials] + words
    ids = {word: id for id, word in enumerate(listed)}
    lines = [f"{word} {id}" for word, id in ids.items()] if format == "pairs" else listed
    return ids, "\n".join(lines) + "\n"
