import EXrayCore
import EXrayModel
import EXrayRuntime
import EXrayTrace
import EXrayValidation
import Foundation

extension OpenedModel {
  /// Lends the packed values of one tensor of the last run.
  ///
  /// - Parameter inputBytes: The values that were written to the only input.
  func withValues<Result>(
    _ tensor: Tensor, inputBytes: [UInt8], _ body: (RawSpan) throws -> Result
  ) throws -> Result {
    switch tensor.place {
    case .input: try unsafe body(inputBytes.span.bytes)
    case .output(let index): try session.withOutput(index, body)
    }
  }

  /// The first output as real class scores, or nil where it is no vector of scores.
  func scores() throws -> [Float]? {
    guard let output = tensors.first(where: { $0.compared.role == .output }),
      output.compared.description.classCount != nil
    else { return nil }
    return try withValues(output, inputBytes: []) {
      output.compared.description.realValues(in: $0)
    }
  }
}

/// Writes the frames of one run to a trace.
struct TraceRecorder: ~Copyable {
  private var writer: TraceWriter
  private let capture: Capture
  private let epoch: UInt64
  private let started: UInt64
  private var frames = 0

  init(
    path: String, pipeline: PipelineSpecification, tensors: [OpenedModel.Tensor],
    capture: Capture, tool: String
  ) throws {
    self.capture = capture
    epoch = UInt64(max(0, Date().timeIntervalSince1970 * 1e9))
    started = DispatchTime.now().uptimeNanoseconds
    writer = try TraceWriter(
      path: path,
      run: pipeline.description(capture: capture, tool: tool, startedNanoseconds: epoch),
      tensors: OpenedModel.streams(tensors, capture: capture))
  }

  /// Writes one frame after its run.
  ///
  /// - Parameters:
  ///   - side: Which of the frame's prepared inputs the model was given.
  ///   - start: When the run was begun, in nanoseconds of the monotonic clock.
  mutating func record(
    _ frame: PreparedFrame, side: Int, opened: borrowing OpenedModel, report: RunReport,
    start: UInt64
  ) throws {
    let prepared = frame.sides[side]
    let now = DispatchTime.now().uptimeNanoseconds
    let began = epoch + (max(start, started) - started)
    try writer.beginFrame(
      FrameDescription(
        index: frames, name: frame.name, label: frame.label.map(String.init),
        timeNanoseconds: began))
    if capture != .none {
      try writer.write(frame.raw)
      for (index, tensor) in opened.tensors.enumerated() {
        try opened.withValues(tensor, inputBytes: prepared.bytes) { bytes in
          try writer.write(bytes, toTensor: index)
        }
      }
    }
    try writer.write(
      LatencySample(
        preprocessNanoseconds: prepared.nanoseconds,
        inferenceNanoseconds: report.inferenceTime.nanoseconds,
        endToEndNanoseconds: prepared.nanoseconds + (now - start)))
    if let resident = report.residentMemoryInBytes, let peak = report.peakMemoryInBytes {
      try writer.write(
        MemorySample(residentBytes: UInt64(max(0, resident)), peakBytes: UInt64(max(0, peak))))
    }
    try writer.write(
      SpanSample(
        name: "inference", startNanoseconds: began,
        durationNanoseconds: report.inferenceTime.nanoseconds))
    try writer.write(
      SpanSample(name: "run", startNanoseconds: began, durationNanoseconds: now - start))
    if !report.ops.isEmpty {
      try writer.write(
        report.ops.map {
          OpTimingSample(label: $0.label, opIndex: $0.opIndex, microseconds: $0.microseconds)
        })
    }
    try writer.endFrame()
    frames += 1
  }

  /// Completes the trace and gives it its name.
  consuming func finish() throws { try writer.finish() }
}

extension Duration {
  /// The duration in whole nanoseconds, at least 0.
  var nanoseconds: UInt64 {
    let (seconds, attoseconds) = components
    return UInt64(max(0, seconds)) * 1_000_000_000 + UInt64(max(0, attoseconds) / 1_000_000_000)
  }
}
