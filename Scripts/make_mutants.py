"""Makes the suite of mutants: real models with one planted fault each, and healthy twins.

    .deps/python/bin/python3 Scripts/make_mutants.py DATA OUTPUT [--seed 5] [--cases 400]

DATA is the folder of shared data. FlatBuffers' object API edits the models, LiteRT's Python binding measures
what a fault costs; none of EXray's code takes part. Of twenty cases three are twins, one is of each mechanism.
OUTPUT/suite.json lists them with what is true of each; OUTPUT/CASE/ holds model.tflite, and what the case needs
besides the shared data. Paths are relative to OUTPUT, or absolute in DATA. A case depends on the seed and on its
number alone, so that a smaller suite is a part of a larger one. Documentation/mutants.md says what is in it.
"""

import argparse
import concurrent.futures
import functools
import json
import math
import multiprocessing
import pathlib

import numpy as np

from mutant_models import PAIRS, Pair, Unfit, change, run
from mutations import MECHANISMS, Site, concat_scale, normalization

RECIPES = pathlib.Path(__file__).resolve().parent.parent / "Examples" / "recipes"
# Of so many cases three are twins.
ROUND = len(MECHANISMS) + 3
# A fault is visible where it moves the op's output by more than the drift of a healthy int8 model does, and the
# model's output by three times as much as that, or by MOST where that is more; float models drift by FLOAT.
TIMES, MOST, FLOAT = 3, 0.5, 0.01
# Faults are drawn again so often before they are planted in another pair of models.
PATIENCE = 25
# This share of the int8 mutants has the healthy int8 model for its reference.
INTEGER_REFERENCES = 0.2
TWINS = [
    ("mobilenet", "int8"), ("kws", "int8"), ("vww", "int8"), ("cifar", "int8"), ("ad01", "int8"),
    ("mobilenet", "fp16"), ("mnist", "int8"), ("sentiment", "int8"), ("lite0", "int8"), ("mobilenet", "dynrange"),
    ("mobilenet", "int16x8"), (("kws", "vww", "cifar", "mnist", "mobilenet"), "joined"),
    ("sentiment", "dynrange"), (("mobilenet", "kws", "cifar", "ad01", "vww"), "normalized"),
]


@functools.cache
def pair(data, name):
    return Pair(data, name)


def visible(site, plant):
    """What the fault costs, or Unfit where that cannot be seen."""
    healthy = plant.healthy or site.model()
    reference = plant.reference or site.model("float")
    frames = site.frames if plant.frames is None else plant.frames
    op = len(plant.candidate.ops) - 1 if plant.op is None else plant.op
    # The healthy model may have other ops at the end; there, its output is what is compared.
    joined = plant.reference_op is not None and len(healthy.ops) != len(plant.candidate.ops)
    healthy_op = len(healthy.ops) - 1 if joined else op
    reference_op = op if plant.reference_op is None else plant.reference_op

    def outputs(model, op):
        output, layer = run(model, frames, [model.output(op)])
        return plant.view_output(output), plant.view(layer)

    try:
        faulty, right, trusted = (
            outputs(model, at) for model, at in
            ((plant.candidate, op), (healthy, healthy_op), (reference, reference_op)))
    except (RuntimeError, ValueError) as error:
        raise Unfit(f"LiteRT refuses it: {error}") from error
    at_output, at_op = (change(a, b.reshape(a.shape)) for a, b in zip(faulty, right))
    drift, drift_at_op = (change(a, b.reshape(a.shape)) for a, b in zip(right, trusted))
    cost = {"output": at_output, "op": at_op, "healthyOutput": drift, "healthyOp": drift_at_op}
    if site.kind == "float":
        seen = min(at_output, at_op) >= FLOAT
    else:
        least = FLOAT if plant.mild else min(max(TIMES * drift, FLOAT), MOST)
        seen = at_output >= least and at_op >= max(drift_at_op, FLOAT)
    if not (math.isinf(at_op) if plant.breaks else seen):
        raise Unfit("not visible")
    return {key: round(value, 5) if math.isfinite(value) else None for key, value in cost.items()}


def mutant(rng, cause, k, data):
    """Plants a fault that can be seen: the site, the plant, what it costs, and the files of its inputs."""
    plant_fault, names, kinds = MECHANISMS[cause]
    # Mechanisms begin with different pairs, so that a small suite has all.
    kind, turn = kinds[k % len(kinds)], k // len(kinds) + list(MECHANISMS).index(cause)
    for attempt in range(len(names) * PATIENCE):
        chosen = pair(data, names[(turn + attempt // PATIENCE) % len(names)])
        files, frames = chosen.draw(rng)
        site = Site(rng, chosen, kind, frames, k)
        try:
            plant = plant_fault(site)
            return site, plant, visible(site, plant), files
        except Unfit:
            continue
    raise RuntimeError(f"no fault of {cause} number {k} can be seen")


def inputs(folder, site, plant, files, as_array):
    """Writes what the case is fed with; gives the arguments of --input, and the recipe's file."""
    recipe = PAIRS[site.pair.name][4]
    if recipe and plant.frames is None and not as_array:
        (folder / "recipe.json").write_text((RECIPES / f"{recipe}.json").read_text())
        return [str(path) for path in files], f"{folder.name}/recipe.json"
    np.save(folder / "inputs.npy", site.frames if plant.frames is None else plant.frames)
    return [f"{folder.name}/inputs.npy"], None


def rounded(strength):
    return round(strength, 4) if isinstance(strength, float) else strength


def mutant_case(rng, cause, k, data, folder):
    site, plant, cost, files = mutant(rng, cause, k, data)
    (folder / "model.tflite").write_bytes(plant.candidate.packed())
    integer = site.kind == "int8" and plant.reference is None and rng.random() < INTEGER_REFERENCES
    reference = str(site.pair.path("int8" if integer else "float"))
    if plant.reference is not None:
        (folder / "reference.tflite").write_bytes(plant.reference.packed())
        reference = f"{folder.name}/reference.tflite"
    paths, recipe = inputs(folder, site, plant, files, rng.random() < 0.3 and site.pair.name in ("cifar", "vww"))
    tensor = None if plant.op is None else plant.candidate.name(plant.candidate.output(plant.op))
    return {
        "mechanism": cause, "pair": site.pair.name, "candidateKind": site.kind,
        "op": plant.op, "alsoRight": sorted(set(plant.also_right)), "alsoRightCauses": list(plant.also_causes),
        "tensor": tensor, "did": plant.did, "strength": rounded(plant.strength), "cost": cost,
        "candidate": f"{folder.name}/model.tflite", "reference": reference,
        "referenceKind": "int8" if integer else "float", "inputs": paths, "recipe": recipe}


def twin_case(rng, k, data, folder):
    names, kind = TWINS[k % len(TWINS)]
    turn = k // len(TWINS)
    chosen = pair(data, names if isinstance(names, str) else names[turn % len(names)])
    files, frames = chosen.draw(rng)
    site, plant = Site(rng, chosen, "int8", frames, turn), None
    candidate, reference = str(chosen.path("int8")), str(chosen.path("float"))
    if kind in ("joined", "normalized"):
        plant = concat_scale(site) if kind == "joined" else normalization(site)
        for name, model in (("model", plant.healthy), ("reference", plant.reference)):
            (folder / f"{name}.tflite").write_bytes(model.packed())
        candidate, reference = f"{folder.name}/model.tflite", f"{folder.name}/reference.tflite"
    else:
        candidate = str(chosen.path(kind))
    same = kind == "int8" and turn % 5 == 4
    paths, recipe = inputs(
        folder, site, plant or argparse.Namespace(frames=None), files, turn % 2 and chosen.name in ("cifar", "vww"))
    return {
        "pair": chosen.name, "candidateKind": kind, "candidate": candidate,
        "reference": candidate if same else reference, "referenceKind": "same" if same else "float",
        "inputs": paths, "recipe": recipe}


def case(job):
    """Writes one case and gives its row of suite.json."""
    seed, index, data, output = job
    slot, turn = index % ROUND, index // ROUND
    rng = np.random.default_rng([seed, index])
    # Twins come after every sixth mutant.
    twin = slot % 7 == 6 or slot == ROUND - 1
    if twin:
        number = turn * 3 + min(slot // 7, 2)
        name = f"twin-{number:04}"
    else:
        cause = list(MECHANISMS)[slot - slot // 7]
        name = f"{cause}-{turn:04}"
    folder = output / name
    folder.mkdir(parents=True, exist_ok=True)
    facts = twin_case(rng, number, data, folder) if twin else mutant_case(rng, cause, turn, data, folder)
    return dict({"name": name, "kind": "twin" if twin else "mutant", "seed": [seed, index]}, **facts)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--cases", type=int, default=20 * ROUND)
    options = parser.parse_args()
    data, output = options.data.resolve(), options.output.resolve()
    jobs = [(options.seed, index, data, output) for index in range(options.cases)]
    # A pool of forks waits for ever when one dies or inherits a lock that nobody opens.
    fresh = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(2, fresh) as pool:
        rows = list(pool.map(case, jobs))
    (output / "suite.json").write_text(json.dumps({"seed": options.seed, "cases": rows}, indent=1))
    print(f"{len(rows)} cases in {output}")


if __name__ == "__main__":
    main()
