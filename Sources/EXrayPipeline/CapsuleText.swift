import EXrayCore
import EXrayValidation

/// What a capsule says to people, and the script that shows the fault without this program.
enum CapsuleText {
  /// The README: what is shown, how to see it, what is inside.
  static func readme(
    _ manifest: CapsuleManifest, hasReference: Bool, takesInput: Bool
  ) -> String {
    let place = "op \(manifest.op.index) \(manifest.op.type)"
    let (candidate, reference) = (manifest.candidate, manifest.reference)
    func words(_ side: CapsuleManifest.Side) -> String {
      "\(code(side.model)), \(side.runtime) \(side.runtimeVersion), \(side.kernels) kernels, threads: \(side.threads)"
    }
    let part =
      manifest.ops.count == 1
      ? "`candidate.tflite` is this op alone."
      : "Alone the op is right: `candidate.tflite` is the last \(manifest.ops.count) ops up to it, with which it goes wrong."
    let source =
      hasReference ? "`reference.tflite`" : "the same file with the reference's kernels"
    var size = manifest.difference.nrmse.map { "nrmse \(Words.short($0))" } ?? "not finite"
    if let steps = manifest.difference.steps { size += " (\(Words.short(steps)) steps)" }
    return """
      # \(place) does not give what it should

      \(code(manifest.finding.map { "\($0.title) (\($0.cause))" } ?? "\(place), named by hand"))

      - Candidate: \(words(candidate))
      - Reference: \(words(reference))
      - \(part)
      - On \(manifest.frames == 1 ? "1 frame" : "\(manifest.frames) frames") it differs from \(source) by \(size); up to \(Words.short(manifest.tolerance)) counts as fixed.

          python3 repro.py [xnnpack|builtin|reference]     # needs ai-edge-litert and numpy
          exray capsule check .                            # exit code 1 while it fails, 0 once it does not

      `inputs/` holds what reaches these ops, `outputs/` what they gave and should have given, `capsule.json` all figures.
      The inputs and the weights of these ops are in it, \(takesInput ? "among them the model's input as it was prepared" : "and no raw input; pictures can be told from early layers").

      """
  }

  private static func code(_ text: String) -> String {
    let plain = text.onOneReadableLine.replacing("`", with: "'")
    return "`\(plain)`"
  }

  /// The script; everything that differs between capsules is in `capsule.json`.
  static let script = #"""
    #!/usr/bin/env python3
    """Runs candidate.tflite on this capsule's inputs: exit code 1 while it fails, 0 once it does not, 3 if it cannot run.

    Usage: python3 repro.py [xnnpack|builtin|reference]     (needs ai-edge-litert and numpy)
    """
    import json
    import os
    import sys

    import numpy as np
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, "capsule.json"), encoding="utf-8") as file:
        capsule = json.load(file)
    kernels = sys.argv[1] if len(sys.argv) > 1 else capsule["candidate"]["kernels"]
    resolver = {
        "xnnpack": OpResolverType.AUTO,
        "builtin": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        "reference": OpResolverType.BUILTIN_REF,
    }[kernels]


    def real(values, scale, zero_point):
        values = np.asarray(values, np.float64)
        return (values - zero_point) * np.float64(np.float32(scale)) if scale else values


    try:
        model = Interpreter(
            model_path=os.path.join(here, "candidate.tflite"),
            num_threads=capsule["candidate"]["threads"],
            experimental_op_resolver_type=resolver,
        )
        model.allocate_tensors()
        inputs = [np.load(os.path.join(here, entry["file"])) for entry in capsule["inputs"]]
        found = []
        for frame in range(capsule["frames"]):
            for details, values in zip(model.get_input_details(), inputs):
                model.set_tensor(details["index"], np.asarray(values[frame]))
            model.invoke()
            output = model.get_output_details()[0]
            found.append(real(model.get_tensor(output["index"]), *output["quantization"]))
    except (ValueError, RuntimeError) as error:
        print(f"it cannot be said: {error}")
        sys.exit(3)

    entry = capsule["outputs"]["reference"]
    wanted = np.load(os.path.join(here, entry["file"]))
    wanted = real(wanted, entry.get("scale"), entry.get("zeroPoint")).ravel()
    found = np.stack(found).ravel()
    finite = np.isfinite(found) & np.isfinite(wanted)
    broken = np.isfinite(wanted).sum() > np.isfinite(found).sum()
    rmse = np.sqrt(np.mean((found[finite] - wanted[finite]) ** 2)) if finite.any() else 0.0
    extent = np.ptp(wanted[finite]) if finite.any() else 0.0
    extent = extent or np.abs(wanted[finite]).max(initial=0.0)
    nrmse = rmse / extent if extent else 0.0
    fails = bool(broken or nrmse > capsule["tolerance"])
    place = f"op {capsule['op']['index']} {capsule['op']['type']}"
    print(f"{place} with {kernels} kernels: nrmse {nrmse:.9g}, up to {capsule['tolerance']:.9g} is right")
    print("it still fails" if fails else "it no longer fails")
    sys.exit(1 if fails else 0)

    """#
}

extension String {
  /// The text without what ends a line or cannot be seen.
  fileprivate var onOneReadableLine: String {
    String(
      String.UnicodeScalarView(
        unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }))
  }
}
