import EXray
import EXrayCore
import EXrayLiteRT
import EXrayModel
import EXrayRuntime
import EXraySketch
import EXrayTestKit
import EXrayTrace
import Foundation
import Testing

/// `Monitor.attach` on real models.
@Suite("Monitored sessions", .enabled(if: Setup.hasLibrary && SharedData.isAvailable))
struct MonitoredSessionTests {
  static let model = "models/cifar10/resnet8_int8.tflite"

  /// Random packed values for each input of a session.
  static func inputs(_ session: borrowing Session, seed: UInt64) -> [[UInt8]] {
    var random = SplitMix64(seed: seed)
    return session.inputs.map { input in
      (0..<(input.description.byteCount ?? 0)).map { _ in .random(in: 0...255, using: &random) }
    }
  }

  /// Runs a model three times, attached to a monitor, and plainly; the answers must be the same bytes.
  ///
  /// - Returns: The trace.
  private func record(
    _ level: Monitor.Level, ownFrames: Bool, in folder: URL
  ) throws -> TraceReader {
    let runtime = try Setup.runtime()
    let bytes = try SharedData.bytes(Self.model)
    let options = SessionOptions(kernels: .builtin)
    var plain = try unsafe runtime.load(model: bytes.span.bytes, options: options)
    let path = folder.appending(path: "\(level).mcap").path
    let monitor = Monitor(writingTo: path, level: level)
    var session = try unsafe monitor.attach(
      runtime.load(model: bytes.span.bytes, options: options), name: "resnet8_int8.tflite")
    #expect(session.inputs == plain.inputs && session.outputs == plain.outputs)
    for seed in 0..<3 as Range<UInt64> {
      let frame = ownFrames ? nil : monitor.beginFrame("frame \(seed)")
      session.frame = frame
      for (index, input) in Self.inputs(plain, seed: seed).enumerated() {
        unsafe try plain.write(input.span.bytes, toInput: index)
        unsafe try session.write(input.span.bytes, toInput: index)
      }
      try plain.run()
      try session.run()
      frame?.end()
      for index in plain.outputs.indices {
        let expected = try plain.withOutput(index) { copy($0) }
        #expect(try session.withOutput(index) { copy($0) } == expected)
      }
    }
    let summary = monitor.close()
    #expect(summary.frameCount == 3 && summary.lostEventCount == 0, "\(summary)")
    return try TraceReader(path: path)
  }

  private func copy(_ bytes: RawSpan) -> [UInt8] {
    unsafe bytes.withUnsafeBytes { unsafe [UInt8]($0) }
  }

  @Test(
    "Every layer of every run is in the trace, as a session with all layers gives it",
    arguments: [true, false])
  func layers(ownFrames: Bool) throws {
    let folder = try Setup.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let trace = try record(.layers, ownFrames: ownFrames, in: folder)
    let model = try Model(try SharedData.bytes(Self.model))
    let exposed = try model.exposingLayers()
    let runtime = try Setup.runtime()
    var session = try unsafe runtime.load(
      model: exposed.bytes.span.bytes, options: SessionOptions(kernels: .builtin))
    #expect(trace.tensors.count { $0.role == .layer } == exposed.layers.count - 1)
    #expect(trace.run.model == "resnet8_int8.tflite" && trace.run.kernels == "builtin")
    var compared = 0
    for frame in trace.frames.indices {
      for (index, input) in Self.inputs(session, seed: UInt64(frame)).enumerated() {
        unsafe try session.write(input.span.bytes, toInput: index)
      }
      try session.run()
      for (position, stream) in trace.tensors.enumerated() where stream.role != .input {
        let output = try #require(
          session.outputs.firstIndex { $0.tensorIndex == stream.tensorIndex })
        let expected = try session.withOutput(output) { copy($0) }
        let logged = try trace.withTensor(position, frame: frame) { copy($0) }
        #expect(logged == expected, "\(stream.topic) of frame \(frame)")
        compared += 1
      }
      #expect(try !trace.ops(frame: frame).isEmpty)
      #expect(try (trace.latency(frame: frame)?.inferenceNanoseconds ?? 0) > 0)
    }
    #expect(compared == 3 * exposed.layers.count)
  }

  @Test(
    "Other levels hold what they promise",
    arguments: [(Monitor.Level.none, 0, 0), (.output, 0, 1), (.io, 1, 1), (.embedding, 1, 1)])
  func levels(level: Monitor.Level, inputs: Int, outputs: Int) throws {
    let folder = try Setup.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let trace = try record(level, ownFrames: true, in: folder)
    #expect(trace.frames.count == 3)
    #expect(trace.tensors.count { $0.role == .input } == inputs)
    #expect(trace.tensors.count { $0.role == .output } == outputs)
    #expect(trace.tensors.count == inputs + outputs)
  }

  @Test("At the level sketch no value of any tensor is in the trace")
  func sketches() throws {
    let folder = try Setup.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let trace = try record(.sketch, ownFrames: true, in: folder)
    #expect(trace.tensors.count > 10)
    #expect(trace.tensors.indices.allSatisfy { trace.isSketched($0) })
    let sketch = try #require(try trace.sketch(of: 0, frame: 0))
    #expect(sketch.elementCount == 32 * 32 * 3)
  }
}
