import EXrayCore
import EXrayModel
import EXrayTestKit
import Foundation
import Testing

/// The models of the shared data folder.
enum RealModels {
  /// Paths in the shared folder, sorted.
  static let all: [String] = {
    guard let root = SharedData.root else { return [] }
    return ["models", "kenning"].flatMap { folder -> [String] in
      let found = FileManager.default.enumerator(atPath: root.appending(path: folder).path)
      return (found?.allObjects ?? []).compactMap { $0 as? String }
        .filter { $0.hasSuffix(".tflite") }.map { "\(folder)/\($0)" }
    }.sorted()
  }()

  /// The models that must be refused, with what the message must say: LiteRT refuses the first and dies of the second.
  static let refused = [
    "models/robustness/person_detect_bad_quant_dim.tflite": "quantized_dimension 3",
    "models/robustness/keyword_scrambled_8bit_segfaults_litert.tflite": "state",
  ]

  /// Models that are read and that Python's interpreter cannot run: it lacks their custom ops.
  static let notRunnable: Set = [
    "models/robustness/audio_preprocessor_custom_signal_ops.tflite",
    "models/segmentation/selfie_segmentation_256_float.tflite",
  ]

  /// Runs one of the project's scripts on a folder of listings and returns the last line it prints.
  static func run(_ script: String, _ folder: URL) throws -> (status: Int32, line: [String: Any]) {
    let data = try #require(SharedData.root)
    let outcome = try BuiltTool.run(script: script, [data.path, folder.path])
    let last = outcome.output.split(separator: "\n").last.map { Data($0.utf8) } ?? Data()
    let parsed = try JSONSerialization.jsonObject(with: last) as? [String: Any]
    return (outcome.status, try #require(parsed, "\(script) printed: \(outcome.output)"))
  }

  /// Calls `body` with a folder that is removed afterwards.
  static func withFolder<Result>(_ body: (URL) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "exray-model-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder)
  }
}

@Suite("Real models", .enabled(if: SharedData.isAvailable))
struct RealModelTests {
  @Test("every model is read, except one that LiteRT refuses too and one that kills it")
  func readsAll() throws {
    #expect(RealModels.all.count >= 49)
    for path in RealModels.all {
      let bytes = try SharedData.bytes(path)
      if let words = RealModels.refused[path] {
        let error = #expect(throws: ModelError.self, "\(path)") { try Model(bytes) }
        #expect(error?.message.contains(words) == true, "\(path): \(error?.description ?? "")")
        #expect(error?.byteOffset != nil)
      } else {
        #expect(throws: Never.self, "\(path)") { try Model(bytes) }
      }
    }
  }

  @Test("a stateful model shows its graphs, its signature and its ops")
  func stateful() throws {
    let model = try Model(
      SharedData.bytes("models/robustness/okay_nabu_stateful_resource_vars.tflite"))
    #expect(model.subgraphs.count == 2)
    #expect(model.primary.tensors.count == 105 && model.primary.ops.count == 61)
    #expect(model.subgraphs[1].tensors.count == 12 && model.subgraphs[1].ops.count == 12)
    #expect(model.signatures.map(\.key) == ["serving_default"])
    #expect(model.primary.ops.contains { $0.type == "CALL_ONCE" })
  }

  @Test("twenty megabytes are read in well under five milliseconds")
  func isFast() throws {
    let bytes = try SharedData.bytes("models/imagenet/efficientnet_lite0_float.tflite")
    let times = try (0..<5).map { _ in try ContinuousClock().measure { _ = try Model(bytes) } }
    let best = try #require(times.min())
    #if !DEBUG
      #expect(best < .milliseconds(5), "\(best)")
    #endif
  }

  @Test("18,000 damaged models are refused or read, and never trap", arguments: 0..<18)
  func fuzz(seed: Int) throws {
    let names = [
      "models/audio/kws_dscnn_int8.tflite", "models/misc/mnist_lstm_int8.tflite",
      "models/vww/vww_96_int8.tflite", "models/misc/hello_world_int8.tflite",
      "models/robustness/okay_nabu_stateful_resource_vars.tflite",
      "models/detection/face_detection_short_range_float.tflite",
    ]
    let original = try SharedData.bytes(names[seed % names.count])
    let healthy = try Model(original)
    // Constants are most of a file; damage goes elsewhere, where it matters.
    let weights = healthy.subgraphs.flatMap(\.tensors).compactMap(\.constantBytes)
      .filter { $0.count > 256 }.sorted { $0.lowerBound < $1.lowerBound }
    let structureCount = original.count - weights.reduce(0) { $0 + $1.count }
    var random = SplitMix64(seed: UInt64(seed))
    var refused = 0
    for _ in 0..<1000 {
      var bytes = original
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        var place = Int.random(in: 0..<structureCount, using: &random)
        for range in weights where place >= range.lowerBound { place += range.count }
        place = min(place, bytes.count - 1)
        bytes[place] =
          Bool.random(using: &random)
          ? [0, 1, 4, 127, 128, 255].randomElement(using: &random) ?? 0
          : UInt8.random(in: 0...255, using: &random)
      }
      if Int.random(in: 0..<5, using: &random) == 0 {
        bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random))
      }
      do {
        let exposed = try Model(bytes).exposingLayers()
        let outputs = Set(exposed.outputs)
        #expect(exposed.layers.allSatisfy { outputs.contains($0.tensorIndex) })
      } catch {
        refused += 1
        #expect(!error.message.isEmpty)
      }
    }
    #expect(refused > 200 && refused < 1000, "seed \(seed) refused \(refused) of 1000")
  }

  @Test("every prefix of a model's structure is refused")
  func truncations() throws {
    let bytes = try SharedData.bytes("models/misc/hello_world_int8.tflite")
    for count in stride(from: 0, to: bytes.count - 64, by: 7) {
      #expect(throws: ModelError.self, "\(count) bytes") { try Model(Array(bytes.prefix(count))) }
    }
  }
}

@Suite(
  "Against outside readers",
  .enabled(if: SharedData.isAvailable && (Requirements.python != nil || Requirements.areStrict)))
struct OutsideTests {
  @Test("the graph of every model equals what the schema's own reader and LiteRT say")
  func graphs() throws {
    try RealModels.withFolder { folder in
      var tensorCount = 0
      for (number, path) in RealModels.all.enumerated() where RealModels.refused[path] == nil {
        let model = try Model(SharedData.bytes(path))
        tensorCount += model.subgraphs.reduce(0) { $0 + $1.tensors.count }
        let listing: [String: Any] = ["model": path, "graph": GraphListing.of(model)]
        try JSONSerialization.data(withJSONObject: listing)
          .write(to: folder.appending(path: "\(number).json"))
      }
      let (status, line) = try RealModels.run("check_graph.py", folder)
      #expect(status == 0, "\(line["faults"] ?? "")")
      #expect(line["models"] as? Int == RealModels.all.count - RealModels.refused.count)
      #expect(try #require(line["loaded"] as? Int) > 40)
      #expect(line["tensors"] as? Int == tensorCount)
    }
  }

  @Test("exposed layers equal LiteRT's own, byte for byte, and the recorded statistics")
  func layers() throws {
    try RealModels.withFolder { folder in
      var models = 0
      for (number, path) in RealModels.all.enumerated()
      where RealModels.refused[path] == nil && !RealModels.notRunnable.contains(path) {
        let exposed = try Model(SharedData.bytes(path)).exposingLayers()
        let listing: [String: Any] = [
          "model": path, "outputs": exposed.outputs, "layers": exposed.layers.map(\.tensorIndex),
        ]
        try Data(exposed.bytes).write(to: folder.appending(path: "\(number).tflite"))
        try JSONSerialization.data(withJSONObject: listing)
          .write(to: folder.appending(path: "\(number).json"))
        models += 1
      }
      let (status, line) = try RealModels.run("check_layers.py", folder)
      #expect(status == 0, "\(line["faults"] ?? "")")
      #expect(line["models"] as? Int == models)
      #expect(try #require(line["tensors"] as? Int) > 2900)
      #expect(try #require(line["recorded"] as? Int) > 700)
    }
  }
}

/// A model as JSON for the outside readers.
enum GraphListing {
  static func of(_ model: Model) -> [String: Any] {
    [
      "formatVersion": model.formatVersion, "description": model.description,
      "metadata": model.metadataNames,
      "signatures": model.signatures.map { signature -> [String: Any] in
        [
          "key": signature.key, "subgraph": signature.subgraph,
          "inputs": signature.inputs.map { [$0.name, $0.tensorIndex] as [Any] },
          "outputs": signature.outputs.map { [$0.name, $0.tensorIndex] as [Any] },
        ]
      },
      "subgraphs": model.subgraphs.map { graph -> [String: Any] in
        [
          "name": graph.name, "inputs": graph.inputs, "outputs": graph.outputs,
          "tensors": graph.tensors.map { of($0, model.bytes) },
          "ops": graph.ops.map { op -> [String: Any] in
            [
              "type": op.type, "isCustom": op.isCustom, "version": op.version,
              "inputs": op.inputs, "outputs": op.outputs,
              "activation": op.fusedActivation ?? NSNull() as Any,
            ]
          },
        ]
      },
    ]
  }

  private static func of(_ tensor: Tensor, _ bytes: [UInt8]) -> [String: Any] {
    let description = tensor.description
    let constant = tensor.constantBytes ?? 0..<0
    return [
      "name": description.name, "type": description.elementType.rawValue,
      "shape": description.shape.dimensions,
      "signature": tensor.shapeSignature ?? NSNull() as Any, "buffer": tensor.bufferIndex,
      "constantByteCount": constant.count, "isVariable": tensor.isVariable,
      "scales": (description.quantization?.scales ?? []).map { Int($0.bitPattern) },
      "zeroPoints": (description.quantization?.zeroPoints ?? []).map { Int($0) },
      "axis": description.quantization?.axis ?? 0,
      "checksum": bytes[constant].reduce(0) { $0 + Int($1) },
    ]
  }
}
