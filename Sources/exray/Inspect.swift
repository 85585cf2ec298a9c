import ArgumentParser
import EXrayCore
import EXrayModel
import EXrayPipeline
import EXrayTrace
import Foundation
import MCAPCompression

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
      try TraceListing(try TraceReader(path: file, codecs: .standard)).show()
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

  func show() throws {
    let run = trace.run
    line("\(trace.path)  \(trace.frames.count) frames\(trace.isComplete ? "" : "  (unfinished)")")
    if run.model.isEmpty {
      line("model: not described by the app")
    } else {
      line("model: \(run.model)\(run.modelSHA256.isEmpty ? "" : "  SHA-256 \(run.modelSHA256)")")
    }
    if !run.runtime.isEmpty {
      let kernels = run.kernels.isEmpty ? "" : ", \(run.kernels) kernels"
      let threads = "\(run.threads) \(run.threads == 1 ? "thread" : "threads")"
      line("runtime: \(run.runtime) \(run.runtimeVersion)\(kernels), \(threads)")
    }
    line("device: \(run.device), \(run.operatingSystem)")
    line("capture: \(run.capture)  written by \(run.tool)")
    if let recipe = run.recipe { line("recipe: \(recipe)") }
    print("\nstreams")
    for (position, tensor) in trace.tensors.enumerated() {
      let op = tensor.op.map { "op \($0.index) \($0.type)  " } ?? ""
      let kind = trace.isSketched(position) ? "sketches of " : ""
      line("  \(tensor.topic)  \(op)\(kind)\(describe(tensor.description))")
    }
    try showEvents()
    print("\nframes")
    for frame in trace.frames.prefix(10) {
      line(
        "  \(pad("\(frame.index)", 5))  \(frame.name)\(frame.label.map { "  class \($0)" } ?? "")")
    }
    if trace.frames.count > 10 { line("  … and \(trace.frames.count - 10) more") }
  }

  /// What an app's monitor noted beside the frames.
  private func showEvents() throws {
    var counts = SensorReading.kinds.map {
      (name: "\($0) readings", count: trace.readingCount(of: $0))
    }
    counts.append(("scalars", trace.scalarCount))
    for (name, count) in counts where count > 0 { line("  \(count) \(name)") }
    if trace.findingCount > 0 {
      print("\nfindings")
      var shown = 0
      try trace.forEachFinding { finding, moment in
        shown += 1
        guard shown <= 10 else { return }
        let place = moment.frameIndex.map { "frame \($0)  " } ?? ""
        let tensor = finding.tensor.map { "\($0)  " } ?? ""
        line("  \(place)\(finding.check) \(finding.outcome.rawValue)  \(tensor)\(finding.message)")
      }
      if shown > 10 { line("  … and \(shown - 10) more") }
    }
    if trace.gapCount > 0 {
      print("\ngaps")
      var gaps: [String: (events: UInt64, bytes: UInt64)] = [:]
      try trace.forEachGap { gap, _ in
        gaps[gap.reason, default: (0, 0)].events &+= gap.eventCount
        gaps[gap.reason, default: (0, 0)].bytes &+= gap.byteCount
      }
      for (reason, lost) in gaps.sorted(by: { $0.key < $1.key }) {
        line("  \(reason)  \(lost.events) events of \(lost.bytes) bytes lost")
      }
    }
    if let overhead = try trace.overhead() {
      let (app, writer) = (
        milliseconds(overhead.appNanoseconds), milliseconds(overhead.writerNanoseconds)
      )
      print("")
      line(
        "overhead: \(overhead.events) events, \(overhead.bytes) bytes; \(app) ms in the app's threads,"
          + " \(writer) ms in the writer's; \(overhead.droppedEvents) events dropped")
    }
  }

  private func milliseconds(_ nanoseconds: UInt64) -> String {
    "\((Double(nanoseconds) / 1e4).rounded() / 100)"
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
