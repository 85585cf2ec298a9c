"""Checks overlays against Model Explorer's own code and against the SARIF 2.1.0 schema.

    python3 Scripts/check_overlays.py [--node-data FOLDER --model CANDIDATE] [--sarif FILE --schema SCHEMA]

FOLDER is what `--model-explorer` wrote, CANDIDATE the model that was validated: Model Explorer's adapter reads it, and
every key must name a node of the graph that the data is for. FILE is what `--sarif` wrote, SCHEMA the official
sarif-schema-2.1.0.json. Needs the packages ai-edge-model-explorer-adapter, ai-edge-model-explorer and jsonschema; the
tests need none of them.
"""

import argparse
import json
import pathlib
import sys


def fail(message):
    sys.exit(f"check_overlays: {message}")


def graphs(model):
    """Model Explorer's graphs of a model by identifier: the nodes by identifier, and by the tensors that they make."""
    import ai_edge_model_explorer_adapter as adapter

    answer = json.loads(adapter.ConvertFlatbufferDirectlyToJson(adapter.VisualizeConfig(), model))
    result = {}
    for graph in (one for entry in answer for one in entry.get("subgraphs", [entry])):
        identifiers, tensors = set(), {}
        for node in graph["nodes"]:
            identifiers.add(node["id"])
            for output in node.get("outputsMetadata", []):
                for attribute in output["attrs"]:
                    if attribute["key"] == "tensor_name":
                        tensors[attribute["value"]] = node["label"]
        result[graph["id"]] = (identifiers, tensors)
    return result


def check_node_data(folder, model):
    from model_explorer import node_data_builder as builder

    known = graphs(model)
    files = sorted(pathlib.Path(folder).glob("*.json"))
    if not files:
        fail(f"{folder}: no node data")
    for file in files:
        data = json.loads(file.read_text(encoding="utf-8"))
        # The builder's own types refuse keys that Model Explorer does not know.
        built = builder.ModelNodeData(
            graphsData={
                name: builder.GraphNodeData(
                    name=graph["name"],
                    results={
                        key: builder.NodeDataResult(**value)
                        for key, value in graph["results"].items()
                    },
                    thresholds=[builder.ThresholdItem(**item) for item in graph["thresholds"]],
                )
                for name, graph in data.items()
            }
        )
        again = json.loads(built.to_json_string())
        for name, graph in data.items():
            for key in graph:
                if again[name][key] != graph[key]:
                    fail(f"{file}: Model Explorer's builder writes {key} otherwise")
            if name not in known:
                fail(f"{file}: Model Explorer calls the graphs {sorted(known)}, not {name}")
            identifiers, tensors = known[name]
            strays = [k for k in graph["results"] if k not in tensors and k not in identifiers]
            if strays:
                fail(f"{file}: {len(strays)} keys name no node, such as {strays[0]!r}")
            constants = [k for k in graph["results"] if tensors.get(k) == "pseudo_const"]
            if constants:
                fail(f"{file}: {constants[0]!r} is a constant")
            print(f"{file.name}: {len(graph['results'])} values, every key is a node of {name}")


def check_sarif(file, schema):
    import jsonschema

    log = json.loads(pathlib.Path(file).read_text(encoding="utf-8"))
    rules = json.loads(pathlib.Path(schema).read_text(encoding="utf-8"))
    validator = jsonschema.validators.validator_for(rules)
    validator.check_schema(rules)
    errors = list(validator(rules).iter_errors(log))
    if errors:
        fail(f"{file}: {errors[0].json_path}: {errors[0].message}")
    for run in log["runs"]:
        names = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
        for result in run["results"]:
            if "ruleIndex" in result and names[result["ruleIndex"]] != result["ruleId"]:
                fail(f"{file}: rule {result['ruleId']} is not at its index")
        print(f"{pathlib.Path(file).name}: {len(run['results'])} results, {len(names)} rules, valid")


def main():
    parser = argparse.ArgumentParser()
    for name in ("--node-data", "--model", "--sarif", "--schema"):
        parser.add_argument(name)
    arguments = parser.parse_args()
    if arguments.node_data:
        if not arguments.model:
            fail("--node-data needs --model")
        check_node_data(arguments.node_data, arguments.model)
    if arguments.sarif:
        if not arguments.schema:
            fail("--sarif needs --schema")
        check_sarif(arguments.sarif, arguments.schema)
    if not (arguments.node_data or arguments.sarif):
        fail("nothing to check; give --node-data or --sarif")


main()
