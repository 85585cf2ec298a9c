import EXrayCore
import EXrayLiteRT
import EXrayModel
import EXrayPipeline
import EXrayRuntime
import EXrayTestKit
import EXrayValidation
import Foundation
import Testing

/// A runtime whose op is right alone and wrong in company.
@Suite(.enabled(if: Setup.isReady))
struct CapsuleGrowthTests {
  /// LiteRT, which doubles the last output of every model of more than a few ops.
  private struct ContextRuntime: InferenceRuntime {
    let whole: LiteRT
    /// Ops from which on a model is wrong.
    let opCount: Int
    var name: String { whole.name }
    var version: String { whole.version }

    func open(model: RawSpan, options: SessionOptions) throws(RuntimeError)
      -> any InferenceSession & ~Copyable
    {
      let bytes = unsafe model.withUnsafeBytes { unsafe [UInt8]($0) }
      let count = (try? Model(bytes).primary.ops.count) ?? 0
      return ContextSession(
        session: try whole.openSession(model: model, options: options), isWrong: count >= opCount)
    }
  }

  private struct ContextSession: InferenceSession, ~Copyable {
    var session: AnySession
    let isWrong: Bool
    var inputs: [SessionTensor] { session.inputs }
    var outputs: [SessionTensor] { session.outputs }

    mutating func write(_ bytes: RawSpan, toInput index: Int) throws(RuntimeError) {
      try session.write(bytes, toInput: index)
    }
    mutating func start() throws(RuntimeError) { try session.start() }
    mutating func finish() throws(RuntimeError) -> RunReport { try session.finish() }

    borrowing func withOutput<Result>(
      _ index: Int, _ body: (RawSpan) throws -> Result
    ) throws -> Result {
      var bytes = try session.withOutput(index) { values in
        unsafe values.withUnsafeBytes { unsafe [UInt8]($0) }
      }
      if isWrong, outputs[index].description.elementType == .float32 {
        for start in stride(from: 0, to: bytes.count - 3, by: 4) where bytes[start + 3] & 0x7F > 0 {
          // One more in the exponent.
          let low = UInt16(bytes[start + 2]) | UInt16(bytes[start + 3]) << 8
          let more = low &+ 0x80
          (bytes[start + 2], bytes[start + 3]) = (UInt8(more & 255), UInt8(more >> 8))
        }
      }
      let changed = bytes
      return try unsafe body(changed.span.bytes)
    }
  }

  @Test(arguments: [(1, 1), (2, 2), (3, 4), (7, 8)])
  func `the part grows backwards until it fails`(opCount: Int, packed: Int) throws {
    try withTemporaryFolder { folder in
      let model = try Setup.model("imagenet/mobilenet_v1_025_224_float")
      let reference = try Setup.specification(model)
      var candidate = reference
      candidate.options.threads = 2
      candidate.runtime = ContextRuntime(whole: try Setup.runtime(), opCount: opCount)
      let path = folder.appending(path: "capsule").path
      let outcome = try CapsuleJob(
        candidate: candidate, reference: reference,
        inputs: try Setup.inputs(for: model, count: 1, range: -1...1, folder: folder),
        frameLimit: 1, op: 12, tool: "test"
      ).run(into: path, observer: nil)
      guard case .made(let manifest) = outcome else {
        Issue.record("\(outcome)")
        return
      }
      #expect(manifest.ops.map(\.index) == Array(13 - packed...12))
      let check = try CapsuleCheck(folder: path, kernels: nil)
      #expect(try check.run(runtime: candidate.runtime).verdict == .fail)
      #expect(try check.run(runtime: reference.runtime).verdict == .pass)
    }
  }
}
