"""Runs `exray validate` on the suite of mutants and says which op and which mechanism it named.

    .deps/python/bin/python3 Scripts/score_mutants.py SUITE TOOL [--threshold-op 0.95]
        [--threshold-mechanism 0.9] [--json FILE] [--jobs 2] [--only NAME]

SUITE is the folder that make_mutants.py filled, TOOL the exray program. The first finding of a report is the
answer. Prints Markdown tables: right ops and mechanisms, what was taken for what, false alarms on healthy twins,
and the failed cases with their seeds. Exits with 1 where a share is below its threshold or a twin raised an alarm.
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


def command(tool, suite, case, report):
    recipe = [] if case["recipe"] is None else [
        f"--{side}-recipe={suite / case['recipe']}" for side in ("candidate", "reference")]
    paths = [argument for path in case["inputs"] for argument in ("--input", str(suite / path))]
    return [
        tool, "validate", "--candidate-model", str(suite / case["candidate"]),
        "--reference-model", str(suite / case["reference"]), *recipe, *paths, "--report", report]


def ask(tool, suite, case, limit):
    """What the tool answers: its exit code, its findings, the seconds that it took."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.monotonic()
        try:
            done = subprocess.run(
                command(tool, suite, case, folder), capture_output=True, text=True, timeout=limit)
        except subprocess.TimeoutExpired:
            return {"exit": None, "findings": [], "error": f"no answer in {limit:g} s", "seconds": limit}
        seconds = time.monotonic() - start
        try:
            report = json.loads((pathlib.Path(folder) / "report.json").read_text())
        except (OSError, ValueError):
            words = (done.stderr.strip() or "no report").splitlines()[-1]
            return {"exit": done.returncode, "findings": [], "error": words, "seconds": seconds}
    findings = [
        {"cause": f["cause"], "op": f["where"].get("op"), "confidence": f["confidence"]}
        for f in report["findings"]]
    return {"exit": done.returncode, "findings": findings, "error": None, "seconds": seconds}


class Score:
    def __init__(self):
        self.total, self.right_op, self.right_mechanism, self.with_op = (collections.Counter() for _ in range(4))
        self.confusion, self.alarms, self.twins = collections.Counter(), collections.Counter(), collections.Counter()
        self.failed, self.answers = [], []

    def add(self, case, answer):
        first = answer["findings"][0] if answer["findings"] else {"cause": None, "op": None}
        (self.twin if case["kind"] == "twin" else self.mutant)(case, answer, first)

    def twin(self, case, answer, first):
        right = answer["error"] is None and answer["exit"] == 0 and not answer["findings"]
        self.twins[right] += 1
        if first["cause"]:
            self.alarms[first["cause"]] += 1
        self.note(case, answer, first, right, f"{case['pair']} {case['candidateKind']}, healthy")

    def mutant(self, case, answer, first):
        cause = case["mechanism"]
        mechanism = first["cause"] in (cause, *case["alsoRightCauses"])
        op = case["op"] is None or first["op"] in (case["op"], *case["alsoRight"])
        self.total[cause] += 1
        self.right_mechanism[cause] += mechanism
        if case["op"] is not None:
            self.with_op[cause] += 1
            self.right_op[cause] += op
        self.confusion[cause, first["cause"] or "nothing"] += 1
        at = "whole model" if case["op"] is None else f"op {case['op']}"
        strength = "" if case["strength"] is None else f" ({case['strength']})"
        self.note(
            case, answer, first, mechanism and op,
            f"{case['pair']} {case['candidateKind']}, {at}: {case['did']}{strength}",
            {"rightOp": op, "rightMechanism": mechanism})

    def note(self, case, answer, first, right, truth, more=None):
        self.answers.append(dict(answer, name=case["name"], right=right, **(more or {})))
        if not right:
            self.failed.append({
                "name": case["name"], "seed": case["seed"], "truth": truth, "exit": answer["exit"],
                "named": first["cause"], "op": first["op"], "error": answer["error"]})

    def shares(self):
        """The shares of right ops and of right mechanisms, and of twins that nothing was raised about."""
        return {
            "op": share(sum(self.right_op.values()), sum(self.with_op.values())),
            "mechanism": share(sum(self.right_mechanism.values()), sum(self.total.values())),
            "twins": share(self.twins[True], sum(self.twins.values()))}


def share(part, whole):
    return part / whole if whole else None


def percent(value):
    return "–" if value is None else f"{value * 100:.1f} %"


def table(score):
    yield "| planted | cases | right op | right mechanism |"
    yield "|---|---:|---:|---:|"
    for cause in sorted(score.total):
        op = share(score.right_op[cause], score.with_op[cause])
        mechanism = share(score.right_mechanism[cause], score.total[cause])
        yield f"| `{cause}` | {score.total[cause]} | {percent(op)} | {percent(mechanism)} |"
    shares = score.shares()
    yield f"| all | {sum(score.total.values())} | {percent(shares['op'])} | {percent(shares['mechanism'])} |"
    yield ""
    yield from confusion(score)
    yield ""
    yield (f"Twins: {score.twins[True]} of {sum(score.twins.values())} raised nothing. False alarms: "
           + (", ".join(f"`{cause}` {n}" for cause, n in score.alarms.most_common()) or "none") + ".")
    if score.failed:
        yield ""
        yield "| failed case | seed | truth | named | at op | exit |"
        yield "|---|---|---|---|---:|---:|"
        for f in score.failed:
            named = f["error"] or f["named"] or "nothing"
            at = "–" if f["op"] is None else f["op"]
            yield f"| {f['name']} | {f['seed']} | {f['truth']} | {named} | {at} | {f['exit']} |"
    seconds = sorted(a["seconds"] for a in score.answers)
    yield ""
    yield (f"Seconds a case: median {seconds[len(seconds) // 2]:.2f}, mean {sum(seconds) / len(seconds):.2f}, "
           f"longest {seconds[-1]:.2f}.")


def confusion(score):
    """Planted causes as rows, named ones as numbered columns."""
    planted = sorted(score.total)
    named = planted + sorted({name for _, name in score.confusion} - set(planted))
    yield "Planted (rows) and named (columns):"
    yield ""
    yield "| | " + " | ".join(str(i + 1) for i in range(len(named))) + " |"
    yield "|---|" + "---:|" * len(named)
    for i, name in enumerate(named):
        if name in score.total:
            counts = " | ".join(str(score.confusion[name, other] or "") for other in named)
            yield f"| {i + 1} `{name}` | {counts} |"
    others = [f"{i + 1} `{name}`" for i, name in enumerate(named) if name not in score.total]
    if others:
        yield ""
        yield "Named only: " + ", ".join(others) + "."


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("suite", type=pathlib.Path)
    parser.add_argument("tool")
    parser.add_argument("--threshold-op", type=float, default=0.95)
    parser.add_argument("--threshold-mechanism", type=float, default=0.9)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--time-limit", type=float, default=180)
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
            print(f"{number} of {len(cases)}, {len(score.failed)} failed", end=end, file=sys.stderr, flush=True)
    print("\n".join(table(score)))
    shares = score.shares()
    if options.json:
        options.json.write_text(json.dumps({
            "shares": shares, "failed": score.failed, "answers": score.answers, "alarms": score.alarms,
            "confusion": [[*pair, times] for pair, times in score.confusion.items()]}, indent=1))
    least = {"op": options.threshold_op, "mechanism": options.threshold_mechanism, "twins": 1}
    if any(shares[key] is not None and shares[key] < least[key] for key in least):
        sys.exit(1)


if __name__ == "__main__":
    main()
