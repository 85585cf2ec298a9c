import EXrayCore
import EXrayLayers
import EXrayModel
import EXrayPipeline
import EXrayTestKit
import EXrayValidation
import Foundation
import Testing

/// What float16 will do, foretold from runs in float32.
@Suite(.enabled(if: Setup.isReady)) struct HalfPrecisionTests {
  private func findings(_ model: ModelFile, _ range: ClosedRange<Float>, _ folder: URL) throws
    -> [Finding]
  {
    try DissectJob(
      candidate: Setup.specification(model), reference: Setup.specification(model),
      inputs: Setup.inputs(for: model, count: 2, range: range, folder: folder), frameLimit: 2
    ).measure(predictsHalf: true, observer: nil).diagnosis.findings
  }

  @Test(arguments: [
    ("imagenet/mobilenet_v1_025_224_float", -1...1 as ClosedRange<Float>),
    ("cifar10/resnet8_float", 0...255),
  ])
  func `a model that float16 can hold raises nothing`(name: String, range: ClosedRange<Float>)
    throws
  {
    try withTemporaryFolder { folder in
      let found = try findings(Setup.model(name), range, folder)
      #expect(found.isEmpty, "\(found)")
    }
  }

  @Test(arguments: [2, 13, 20])
  func `the op whose result is made too large is named, and none behind it`(op: Int) throws {
    try withTemporaryFolder { folder in
      let model = try Setup.model("imagenet/mobilenet_v1_025_224_float")
      var draft = ModelDraft(model.model)
      let result = draft.ops[op].outputs[0]
      let description = draft.description(of: result)
      func scalar(_ name: String, _ value: Float) -> Int {
        draft.addTensor(
          TensorDescription(name: name, elementType: .float32, shape: [1]),
          constant: [0, 8, 16, 24].map { UInt8(truncatingIfNeeded: value.bitPattern >> $0) })
      }
      func tensor(_ name: String) -> Int {
        draft.addTensor(
          TensorDescription(name: name, elementType: .float32, shape: description.shape))
      }
      let (small, large) = (tensor("small"), tensor("large"))
      let factors = (scalar("up", 60_000), scalar("down", 1 / 60_000))
      draft.ops[op].outputs = [small]
      draft.ops.insert(
        ModelDraft.Op(.plain("MUL"), inputs: [small, factors.0], outputs: [large]), at: op + 1)
      draft.ops.insert(
        ModelDraft.Op(.plain("MUL"), inputs: [large, factors.1], outputs: [result]), at: op + 2)
      let path = folder.appending(path: "large.tflite")
      try Data(draft.written().bytes).write(to: path)
      let found = try findings(ModelFile(path: path.path), -1...1, folder)
      #expect(found.map(\.cause) == [.halfOverflow], "\(found)")
      #expect(found.first?.where.op == op + 1)
    }
  }

  @Test(arguments: [(Float(1e-12), true), (1e-3, false)])
  func `an epsilon that vanishes before a root is named`(epsilon: Float, isNamed: Bool) throws {
    try withTemporaryFolder { folder in
      let model = try Setup.model("cifar10/resnet8_float")
      var draft = ModelDraft(model.model)
      // Behind a rectified layer, so that nothing negative gets under the root.
      let op = try #require(draft.ops.indices.first { model.model.primary.ops[$0].type == "ADD" })
      let result = draft.ops[op].outputs[0]
      let shape = draft.description(of: result).shape
      let names = ["square", "guarded", "inverse"].map { name in
        draft.addTensor(TensorDescription(name: name, elementType: .float32, shape: shape))
      }
      let made = draft.addTensor(
        TensorDescription(name: "made", elementType: .float32, shape: shape))
      let constant = draft.addTensor(
        TensorDescription(name: "epsilon", elementType: .float32, shape: [1]),
        constant: [0, 8, 16, 24].map { UInt8(truncatingIfNeeded: epsilon.bitPattern >> $0) })
      draft.ops[op].outputs = [made]
      draft.ops.insert(
        contentsOf: [
          ModelDraft.Op(.plain("MUL"), inputs: [made, made], outputs: [names[0]]),
          ModelDraft.Op(.plain("ADD"), inputs: [names[0], constant], outputs: [names[1]]),
          ModelDraft.Op(.plain("RSQRT"), inputs: [names[1]], outputs: [names[2]]),
          ModelDraft.Op(.plain("MUL"), inputs: [names[2], made], outputs: [result]),
        ], at: op + 1)
      let path = folder.appending(path: "guarded.tflite")
      try Data(draft.written().bytes).write(to: path)
      let found = try findings(ModelFile(path: path.path), 0...255, folder)
        .filter { $0.cause == .halfUnderflow }
      #expect(found.map(\.where.op) == (isNamed ? [op + 2] : []), "\(found)")
    }
  }
}
