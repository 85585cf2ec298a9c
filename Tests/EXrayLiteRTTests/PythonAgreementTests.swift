import EXrayCore
import EXrayLiteRT
import EXrayRuntime
import EXrayTestKit
import Foundation
import Testing

/// LiteRT's own Python interpreter is the authority for every value.
@Suite(.enabled(if: Setup.hasModels, "needs .deps and ../shared/data; run make setup"))
struct PythonAgreementTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var model: String
    var input: String?
    var testDescription: String { model }

    init(_ model: String, _ input: String?) {
      self.model = model
      self.input = input
    }
  }

  static let cases = [
    Case("vww/vww_96_float", "vww"), Case("vww/vww_96_int8", "vww"),
    Case("cifar10/resnet8_float", "cifar"), Case("cifar10/resnet8_int8", "cifar"),
    Case("audio/kws_dscnn_float", "kws"), Case("audio/kws_dscnn_int8", "kws"),
    Case("anomaly/ad01_float", "ad"), Case("anomaly/ad01_int8", "ad"),
    Case("imagenet/efficientnet_lite0_float", "lite"),
    Case("imagenet/efficientnet_lite0_int8", "lite"),
    Case("imagenet/mobilenet_v1_025_224_float", "mb"),
    Case("imagenet/mobilenet_v1_025_224_int8", "mb"),
    Case("imagenet/mobilenet_v1_025_224_uint8_qat", "mb"),
    Case("imagenet/mobilenet_v1_025_224_int16x8", "mb"),
    Case("imagenet/mobilenet_v1_025_224_dynrange", "mb"),
    Case("imagenet/mobilenet_v1_025_224_fp16", "mb"),
    // Recurrent ops keep state in variable tensors; no golden input, so seeded noise.
    Case("misc/mnist_lstm_float", nil), Case("misc/mnist_lstm_int8", nil),
    Case("robustness/keyword_scrambled_svdf_int16", nil),
    Case("detection/ssd_mobilenet_v1_300_uint8_qat", nil),
  ]

  @Test("Every kernel mode gives Python's output bytes", arguments: cases)
  func outputsEqualPython(_ test: Case) throws {
    let path = try SharedData.path("models/\(test.model).tflite")
    let model = [UInt8](try Data(contentsOf: URL(filePath: path)))
    let folder = try Setup.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let runtime = try Setup.runtime()

    var inputFiles: [String] = []
    var inputs: [[UInt8]] = []
    do {
      let session = try runtime.opened(model, SessionOptions(kernels: .builtin))
      inputs = try session.inputs.indices.map { index in
        try values(for: session.inputs[index].description, test.input, seed: UInt64(index))
      }
    }
    for (index, bytes) in inputs.enumerated() {
      let file = folder.appending(path: "input\(index).bin")
      try Data(bytes).write(to: file)
      inputFiles.append(file.path)
    }
    let requests = KernelMode.allCases.map { mode in
      Request(
        model: path, kernels: mode.rawValue, inputs: inputFiles,
        folder: folder.appending(path: mode.rawValue).path)
    }
    let file = folder.appending(path: "requests.json")
    try JSONEncoder().encode(requests).write(to: file)
    try Setup.python("outputs", file.path)

    for mode in KernelMode.allCases {
      var session = try runtime.opened(model, SessionOptions(kernels: mode))
      let answers = try session.answer(inputs)
      for (index, tensor) in session.outputs.enumerated() {
        let expected = [UInt8](
          try Data(
            contentsOf: folder.appending(path: "\(mode.rawValue)/\(tensor.tensorIndex).bin")))
        #expect(
          answers[index] == expected,
          "\(mode), output \(index): \(difference(answers[index], expected, tensor.description))")
      }
    }
  }

  private struct Request: Encodable {
    var model: String
    var kernels: String
    var inputs: [String]
    var folder: String
  }

  private func values(
    for tensor: TensorDescription, _ golden: String?, seed: UInt64
  ) throws -> [UInt8] {
    let count = try #require(tensor.shape.elementCount)
    guard let golden else {
      var generator = SplitMix64(seed: seed)
      let noise = (0..<count).map { _ in Float.random(in: 0...1, using: &generator) }
      if tensor.elementType == .float32 { return bytes(noise) }
      return (0..<(tensor.byteCount ?? 0)).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }
    let file = try SharedData.bytes("golden/inputs/\(golden).f32")
    let all = try #require(
      unsafe TensorDescription(
        name: golden, elementType: .float32, shape: Shape([file.count / 4])
      ).realValues(in: file.span.bytes))
    try #require(all.count >= count, "\(golden).f32 has \(all.count) values")
    return stored(Array(all.prefix(count)), tensor)
  }

  private func difference(
    _ got: [UInt8], _ expected: [UInt8], _ tensor: TensorDescription
  ) -> String {
    guard got.count == expected.count,
      let left = unsafe tensor.realValues(in: got.span.bytes),
      let right = unsafe tensor.realValues(in: expected.span.bytes)
    else { return "\(got.count) bytes instead of \(expected.count)" }
    let largest = zip(left, right).map { abs($0 - $1) }.max() ?? 0
    return "largest difference \(largest), scale \(tensor.quantization?.scale ?? 0)"
  }

  @Test("Optimised and reference kernels differ in time, and quantised convolutions in value")
  func modesAreReallySelected() throws {
    let runtime = try Setup.runtime()
    let float = try SharedData.bytes("models/cifar10/resnet8_float.tflite")
    let input = try SharedData.bytes("golden/inputs/cifar.f32")
    var times: [KernelMode: Duration] = [:]
    for mode in KernelMode.allCases {
      var session = try runtime.opened(float, SessionOptions(kernels: mode))
      let size = try #require(session.inputs[0].description.byteCount)
      _ = try session.answer([Array(input.prefix(size))])
      var best = Duration.seconds(100)
      for _ in 0..<5 { best = min(best, try session.run().inferenceTime) }
      times[mode] = best
    }
    let reference = try #require(times[.reference])
    let builtin = try #require(times[.builtin])
    // Measured: 4 times and more; 38 times for MobileNetV2-0.35.
    #expect(reference > builtin * 2, "reference \(reference), builtin \(builtin)")
  }
}
