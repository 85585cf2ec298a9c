import EXrayCore
import EXrayRuntime
import EXrayValidation

/// A frame of a captured run: what went in, and what came out while every layer was recorded.
struct CapturedFrame {
  /// One side of it, packed values.
  struct Side {
    var input: [UInt8]
    /// By the model's output.
    var outputs: [[UInt8]]
  }

  var candidate: Side
  var reference: Side

  /// Frames that are run again.
  static let limit = 3
}

extension CapturedFrame.Side {
  init(_ opened: borrowing OpenedModel, input: [UInt8]) throws {
    self.input = input
    outputs = try opened.copies { $0 == .output }
  }
}

// Whether looking at the layers changed what the model does.
extension ValidateJob {
  /// Runs the first frames again as the app would, without captured layers, and compares the outputs bit by bit.
  func replay(_ frames: [CapturedFrame], observer: (any ProgressObserver)?) -> [EvidenceItem] {
    guard capture == .layers, !frames.isEmpty else { return [] }
    return [
      replay("candidate", candidate, frames.map(\.candidate)),
      replay("reference", reference, frames.map(\.reference)),
    ].flatMap(\.self).reduced()
  }

  private func replay(
    _ name: String, _ side: PipelineSpecification, _ frames: [CapturedFrame.Side]
  ) -> [EvidenceItem] {
    do {
      let captured = frames.map(\.outputs)
      let plain = try plainOutputs(side, frames)
      let count = "\(frames.count) \(frames.count == 1 ? "frame" : "frames")"
      // Two runs that agree to the last bit show both: that nothing was disturbed, and that nothing is random.
      guard plain.outputs != captured else {
        return [
          EvidenceItem(
            .capture, .sound, "recording layers changes no output of the \(name) (\(count))"),
          EvidenceItem(
            .repeatability, .sound, "the \(name) gives the same outputs again (\(count))"),
        ]
      }
      let again = try plainOutputs(side, frames)
      let floor = Self.nrmse(plain.outputs, again.outputs, plain.descriptions)
      let effect = Self.nrmse(plain.outputs, captured, plain.descriptions)
      guard again.outputs == plain.outputs else {
        return [
          EvidenceItem(
            .repeatability, floor > Self.disturbing ? .weak : .sound,
            "the \(name) gives other outputs for the same inputs when it runs again: nrmse \(Words.short(floor)) from run to run (\(count)); what is smaller is chance"
          )
        ]
      }
      return [
        EvidenceItem(.repeatability, .sound, "the \(name) gives the same outputs again (\(count))"),
        EvidenceItem(
          .capture, effect > Self.disturbing ? .weak : .sound,
          "recording layers changes the outputs of the \(name) by nrmse \(Words.short(effect)) (\(count)): its kernels differ from those of the app; compare outputs alone with --capture io"
        ),
      ]
    } catch {
      return [
        EvidenceItem(
          .capture, .unknown, "the \(name) could not be run without captured layers: \(error)")
      ]
    }
  }

  /// A difference of outputs above which layers of the one run do not speak of the other: ten times what other
  /// kernels of float models differ by, and one step of an 8-bit output.
  private static var disturbing: Double { 1.0 / 255 }

  private func plainOutputs(
    _ side: PipelineSpecification, _ frames: [CapturedFrame.Side]
  ) throws -> (outputs: [[[UInt8]]], descriptions: [TensorDescription]) {
    var opened = try OpenedModel(
      file: side.model, runtime: side.runtime, options: side.options, capture: .io)
    var outputs: [[[UInt8]]] = []
    for frame in frames {
      try unsafe opened.session.write(frame.input.span.bytes, toInput: 0)
      try opened.session.start()
      _ = try opened.session.finish()
      outputs.append(try opened.copies { $0 == .output })
    }
    return (
      outputs,
      opened.tensors.filter { $0.compared.role == .output }.map(\.compared.description)
    )
  }

  /// The largest nrmse of an output between two runs over the same frames.
  private static func nrmse(
    _ first: [[[UInt8]]], _ second: [[[UInt8]]], _ descriptions: [TensorDescription]
  ) -> Double {
    descriptions.indices.reduce(0) { worst, output in
      guard
        var accumulator = DifferenceAccumulator(
          candidate: descriptions[output], reference: descriptions[output])
      else { return worst }
      for (one, two) in zip(first, second) where output < min(one.count, two.count) {
        let (own, other) = (one[output], two[output])
        guard own.count == other.count else { return .infinity }
        unsafe accumulator.add(candidate: own.span.bytes, reference: other.span.bytes, frame: "")
      }
      return max(worst, accumulator.metrics?.nrmse ?? 0)
    }
  }
}

extension [EvidenceItem] {
  /// The items, two of one subject and both sound as one.
  fileprivate func reduced() -> [EvidenceItem] {
    var rest: [EvidenceItem] = []
    for item in self {
      if item.worth == .sound,
        let index = rest.firstIndex(where: { $0.subject == item.subject && $0.worth == .sound })
      {
        rest[index].detail += "; " + item.detail
      } else {
        rest.append(item)
      }
    }
    return rest
  }
}

extension OpenedModel {
  /// Copies of the packed values of its tensors of some roles, in order.
  borrowing func copies(
    of isWanted: (RunComparison.Tensor.Role) -> Bool
  ) throws -> [[UInt8]] {
    try tensors.filter { isWanted($0.compared.role) }.map { tensor in
      try withValues(tensor, inputBytes: []) { span in
        unsafe span.withUnsafeBytes { unsafe [UInt8]($0) }
      }
    }
  }
}
