"""Runs `exray identify` on the detective's suite and says what it got right.

    .deps/python/bin/python3 Scripts/score_detective.py SUITE TOOL [--threshold 0.99] [--json FILE]

SUITE is the folder that make_detective_suite.py filled, TOOL the exray program. Prints Markdown tables:
precision and recall of every cause, the answers to unrelated and healthy inputs, what was taken for what,
and the failed cases with their seeds. Exits with 1 where a figure is below the threshold.
"""

import argparse
import collections
import concurrent.futures
import json
import pathlib
import subprocess
import sys
import tempfile
import time

EXITS = {"healthy": 0, "faulty": 1, "unexplained": 3}


def command(tool, folder, case, answer):
    tensor = case["tensor"]
    quantization = [] if "scale" not in tensor else [
        f"--scale={tensor['scale']}", f"--zero-point={tensor['zeroPoint']}"]
    raw = [argument for path in case["raw"] for argument in ("--raw", path)]
    return [
        tool, "identify", *raw, "--model-input", str(folder / case["name"] / "model-input.npy"),
        "--intended", str(folder / case["name"] / "intended.json"), "--json", answer, *quantization]


def ask(tool, folder, case, limit):
    """What the tool answers: its exit code, the causes that it names, the seconds that it took."""
    with tempfile.TemporaryDirectory() as scratch:
        file = pathlib.Path(scratch) / "answer.json"
        start = time.monotonic()
        try:
            done = subprocess.run(
                command(tool, folder, case, str(file)), capture_output=True, text=True, timeout=limit)
        except subprocess.TimeoutExpired:
            return {"exit": None, "causes": [], "error": f"no answer in {limit} s", "seconds": limit}
        seconds = time.monotonic() - start
        try:
            answer = json.loads(file.read_text())
        except (OSError, ValueError):
            words = (done.stderr.strip() or "no answer").splitlines()[-1]
            return {"exit": done.returncode, "causes": [], "error": words, "seconds": seconds}
    causes = sorted({difference["cause"] for difference in answer.get("differences", [])})
    return {
        "exit": done.returncode, "causes": causes, "error": None, "seconds": seconds,
        "explainedVariance": answer.get("explainedVariance"), "residualInLSB": answer.get("residualInLSB")}


class Score:
    def __init__(self):
        self.hits, self.misses = collections.Counter(), collections.Counter()
        self.false, self.planted = collections.Counter(), collections.Counter()
        self.confusion, self.right = collections.Counter(), collections.Counter()
        self.total, self.failed, self.answers = collections.Counter(), [], []

    def add(self, case, answer):
        kind, named = case["kind"], set(answer["causes"])
        missed, strange = [], set()
        if kind == "faulty":
            missed, strange = self.faults(case, named)
        right = answer["error"] is None and answer["exit"] == EXITS[kind] and not missed and not strange
        if kind == "faulty" and not any(t["visible"] for t in case["truth"]):
            right = answer["error"] is None and answer["exit"] in (0, 1) and not strange
        if kind == "healthy":
            right = right and not named
            self.false.update(named)
        self.total[kind] += 1
        self.right[kind] += right
        self.answers.append(dict(answer, name=case["name"], right=right))
        if not right:
            self.failed.append({
                "name": case["name"], "seed": case["seed"], "exit": answer["exit"], "named": sorted(named),
                "truth": [[t["cause"], t["did"]] for t in case.get("truth", [])]
                or case.get("processing", kind),
                "error": answer["error"]})

    def faults(self, case, named):
        """Counts causes; gives those missed and those that are not there."""
        missed, allowed = [], set(case["tolerated"])
        for truth in case["truth"]:
            names = {truth["cause"], *truth["alsoRight"]}
            allowed |= names
            if truth["visible"]:
                self.planted[truth["cause"]] += 1
                found = bool(names & named)
                (self.hits if found else self.misses)[truth["cause"]] += 1
                missed += [] if found else [truth["cause"]]
        strange = named - allowed
        self.false.update(strange)
        self.confusion.update((m, s) for m in missed for s in (sorted(strange) or ["nothing"]))
        return missed, strange

    def rows(self):
        for cause in sorted(set(self.planted) | set(self.false)):
            hits, planted, false = self.hits[cause], self.planted[cause], self.false[cause]
            yield {
                "cause": cause, "cases": planted, "falselyNamed": false,
                "recall": hits / planted if planted else None,
                "precision": hits / (hits + false) if hits + false else None}

    def kinds(self):
        return {kind: self.right[kind] / self.total[kind] for kind in EXITS if self.total[kind]}

    def least(self):
        figures = [row[key] for row in self.rows() for key in ("recall", "precision")]
        kinds = self.kinds()
        figures += [kinds[kind] for kind in ("unexplained", "healthy") if kind in kinds]
        return min([f for f in figures if f is not None], default=0)


def percent(value):
    return "–" if value is None else f"{value * 100:.1f} %"


def table(score):
    yield "| cause | cases | recall | precision | falsely named |"
    yield "|---|---:|---:|---:|---:|"
    for row in score.rows():
        yield (f"| `{row['cause']}` | {row['cases']} | {percent(row['recall'])} | "
               f"{percent(row['precision'])} | {row['falselyNamed']} |")
    yield ""
    yield "| answered rightly | of | share |"
    yield "|---|---:|---:|"
    for kind, share in score.kinds().items():
        yield f"| {kind} | {score.total[kind]} | {percent(share)} |"
    if score.confusion:
        yield ""
        yield "| planted | named instead | times |"
        yield "|---|---|---:|"
        for (planted, named), times in score.confusion.most_common():
            yield f"| `{planted}` | `{named}` | {times} |"
    if score.failed:
        yield ""
        yield "| failed case | seed | truth | named | exit |"
        yield "|---|---|---|---|---:|"
        for f in score.failed:
            truth = f["truth"]
            truth = truth if isinstance(truth, str) else "; ".join(": ".join(t) for t in truth)
            named = f["error"] or ", ".join(f["named"]) or "nothing"
            row = f"| {f['name']} | {f['seed']} | {truth} | {named} | {f['exit']} |"
            yield row.replace("preprocess.", "")
    seconds = sorted(a["seconds"] for a in score.answers)
    yield ""
    yield f"Seconds a case: median {seconds[len(seconds) // 2]:.2f}, longest {seconds[-1]:.2f}."


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("suite", type=pathlib.Path)
    parser.add_argument("tool")
    parser.add_argument("--threshold", type=float, default=0.99)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--time-limit", type=float, default=60)
    parser.add_argument("--only", help="cases whose names begin with this")
    options = parser.parse_args()
    cases = json.loads((options.suite / "suite.json").read_text())["cases"]
    cases = [case for case in cases if case["name"].startswith(options.only or "")]
    if not cases:
        sys.exit("no such cases in the suite; leave out --only, or make the suite again")
    score = Score()
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        answers = pool.map(lambda case: ask(options.tool, options.suite, case, options.time_limit), cases)
        for number, (case, answer) in enumerate(zip(cases, answers), 1):
            score.add(case, answer)
            end = "\n" if number == len(cases) else "\r"
            line = f"{number} of {len(cases)}, {len(score.failed)} failed"
            print(line, end=end, file=sys.stderr, flush=True)
    print("\n".join(table(score)))
    if options.json:
        options.json.write_text(json.dumps({
            "causes": list(score.rows()), "kinds": score.kinds(), "least": score.least(),
            "failed": score.failed, "answers": score.answers}, indent=1))
    if score.least() < options.threshold:
        sys.exit(1)


if __name__ == "__main__":
    main()
