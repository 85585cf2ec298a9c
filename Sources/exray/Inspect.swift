import ArgumentParser
import EXray
import EXrayModel
import EXrayPipeline
import EXrayTrace
import Foundation

/// `exray inspect`: a model's or a trace's contents.
struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show what is in a model or a trace.",
    discussion: """
      EXAMPLES
        exray inspect model.tflite
        exray inspect run.mcap
      """)

  @Argument(help: "A .tflite model or a trace.")
  var file: String

  func run() throws {
    if try FileAccess.isTrace(file) {
      TraceListing(try TraceReader(path: file)).show()
    } else {
      ModelListing(try ModelFile(path: file)).show()
    }
  }
}

/// A model as text.
private struct ModelListing {
  private let file: ModelFile

  init(_ file: ModelFile) { self.file = file }

  func show() {
    let model = file.model
    line("\(file.name)  \(model.bytes.count) bytes  SHA-256 \(file.sha256)")
    if !model.description.isEmpty { line("description: \(model.description)") }
    line(
      "\(model.subgraphs.count) \(model.subgraphs.count == 1 ? "subgraph" : "subgraphs"), \(model.primary.ops.count) ops, \(model.primary.tensors.count) tensors"
    )
    for signature in model.signatures {
      line(
        "signature '\(signature.key)': \(signature.inputs.map(\.name)) → \(signature.outputs.map(\.name))"
      )
    }
    for (title, indices) in [("inputs", model.primary.inputs), ("outputs", model.primary.outputs)] {
      print("\n\(title)")
      for index in indices where model.primary.tensors.indices.contains(index) {
        line("  \(describe(model.primary.tensors[index].description))")
      }
    }
    print("\nops by type")
    for (type, count) in histogram() { line("  \(pad("\(count)", 5))  \(type)") }
    print("\nops")
    for op in model.primary.ops {
      let made = op.outputs.first.flatMap {
        model.primary.tensors.indices.contains($0) ? model.primary.tensors[$0].description : nil
      }
      line("  \(pad("\(op.index)", 4))  \(op.type)  \(made.map(describe) ?? "")")
    }
  }

  private func histogram() -> [(String, Int)] {
    var counts: [String: Int] = [:]
    for op in file.model.primary.ops { counts[op.type, default: 0] += 1 }
    return counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
  }
}

/// A trace as text.
private struct TraceListing {
  private let trace: TraceReader

  init(_ trace: TraceReader) { self.trace = trace }

  func show() {
    let run = trace.run
    line("\(trace.path)  \(trace.frames.count) frames\(trace.isComplete ? "" : "  (unfinished)")")
    line("model: \(run.model)  SHA-256 \(run.modelSHA256)")
    line(
      "runtime: \(run.runtime) \(run.runtimeVersion), \(run.kernels) kernels, \(run.threads) threads"
    )
    line("device: \(run.device), \(run.operatingSystem)")
    line("capture: \(run.capture)  written by \(run.tool)")
    if let recipe = run.recipe { line("recipe: \(recipe)") }
    print("\nstreams")
    for tensor in trace.tensors {
      let op = tensor.op.map { "op \($0.index) \($0.type)  " } ?? ""
      line("  \(tensor.topic)  \(op)\(describe(tensor.description))")
    }
    print("\nframes")
    for frame in trace.frames.prefix(10) {
      line(
        "  \(pad("\(frame.index)", 5))  \(frame.name)\(frame.label.map { "  class \($0)" } ?? "")")
    }
    if trace.frames.count > 10 { line("  … and \(trace.frames.count - 10) more") }
  }
}

/// Prints a line; names in models and traces may hold anything.
private func line(_ text: String) { print(text.onOneLine) }

private func describe(_ tensor: TensorDescription) -> String {
  var text = "\(tensor.elementType.rawValue) \(tensor.shape)"
  if let quantization = tensor.quantization {
    if let scale = quantization.scale, let zeroPoint = quantization.zeroPoint {
      text += " scale \(scale) zero point \(zeroPoint)"
    } else if !quantization.scales.isEmpty {
      text += " \(quantization.scales.count) scales along axis \(quantization.axis)"
    }
  }
  return text + (tensor.name.isEmpty ? "" : "  \(tensor.name)")
}

private func pad(_ text: String, _ width: Int) -> String {
  String(repeating: " ", count: max(0, width - text.count)) + text
}
