import EXrayCore
import EXrayMatching
import EXrayModel
import EXrayTestKit
import Foundation
import Testing

/// Matching of copies of real models that another library changed, and of which it says what is what.
@Suite(.enabled(if: SharedData.isAvailable && Requirements.python != nil || Requirements.areStrict))
struct CopyTests {
  /// What `make_matching_suite.py` says about a copy.
  private struct Truth: Decodable {
    var candidate: String
    var reference: String
    var kind: String
    var pairs: [String: Int]
    var permutations: [String: [Int]]
  }

  private struct Counts: Decodable { var copies: [String: Int] }

  private static let kinds = ["shuffled", "misnamed", "unfused", "nchw", "quantized", "split"]

  @Test(arguments: [5, 6])
  func `every layer of every copy is matched with the one that it is`(seed: Int) throws {
    try withTemporaryFolder { folder in
      let data = try #require(SharedData.root)
      let outcome = try BuiltTool.run(
        script: "make_matching_suite.py", [data.path, folder.path, "--seed", "\(seed)"])
      let last = try #require(outcome.output.split(separator: "\n").last, "\(outcome.errors)")
      let counts = try JSONDecoder().decode(Counts.self, from: Data(last.utf8)).copies
      #expect((counts["shuffled"] ?? 0) >= 47 && counts.count == Self.kinds.count, "\(counts)")
      let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        .filter { $0.hasSuffix(".json") }.sorted()
      #expect(files.count == counts.values.reduce(0, +))
      var layers = 0
      for file in files {
        let truth = try JSONDecoder().decode(
          Truth.self, from: Data(contentsOf: folder.appending(path: file)))
        layers += try check(truth, folder, "\(file), seed \(seed)")
      }
      #expect(layers > 6000)
    }
  }

  private func check(_ truth: Truth, _ folder: URL, _ name: String) throws -> Int {
    let copy = try Model(
      [UInt8](Data(contentsOf: folder.appending(path: truth.candidate))))
    let original = try Model([UInt8](Data(contentsOf: URL(filePath: truth.reference))))
    let matching = LayerMatching(candidate: copy, reference: original)
    var missing = truth.pairs
    for pair in matching.pairs {
      #expect(missing.removeValue(forKey: "\(pair.candidate)") == pair.reference, "\(name)")
      #expect(pair.permutation?.order == truth.permutations["\(pair.candidate)"], "\(name)")
      #expect((0...1).contains(pair.confidence) && !pair.reasons.isEmpty)
    }
    // Layers that can be exchanged for each other are listed together, and so are their partners.
    for group in matching.ambiguous {
      let partners = group.candidates.compactMap { missing.removeValue(forKey: "\($0)") }
      #expect(Set(partners) == Set(group.references), "\(name)")
    }
    #expect(missing.isEmpty, "\(name) misses \(missing)")
    return truth.pairs.count
  }
}

/// Matching of real models with each other.
@Suite(.enabled(if: SharedData.isAvailable || Requirements.areStrict))
struct PairTests {
  private func model(_ path: String) throws -> Model {
    try Model(SharedData.bytes("models/\(path).tflite"))
  }

  @Test(arguments: [
    ("imagenet/mobilenet_v1_025_224_int8", "imagenet/mobilenet_v1_025_224_float", 32),
    ("imagenet/mobilenet_v1_025_224_fp16", "imagenet/mobilenet_v1_025_224_float", 32),
    ("imagenet/mobilenet_v1_025_224_dynrange", "imagenet/mobilenet_v1_025_224_float", 32),
    ("imagenet/mobilenet_v1_025_224_int16x8", "imagenet/mobilenet_v1_025_224_float", 32),
    ("imagenet/mobilenet_v1_025_224_uint8_qat", "imagenet/mobilenet_v1_025_224_float", 32),
    ("imagenet/efficientnet_lite0_int8", "imagenet/efficientnet_lite0_float", 62),
    (
      "detection/ssd_mobilenet_v1_300_uint8_qat", "detection/ssd_mobilenet_v1_300_floattwin_fp16w",
      68
    ),
    ("vww/vww_96_int8", "vww/vww_96_float", 32),
    ("cifar10/resnet8_int8", "cifar10/resnet8_float", 17),
    ("audio/kws_dscnn_int8", "audio/kws_dscnn_float", 14),
    ("anomaly/ad01_int8", "anomaly/ad01_float", 11),
    ("misc/mnist_lstm_int8", "misc/mnist_lstm_float", 5),
    ("text/sentiment_cnn_int8", "text/sentiment_cnn_float", 12),
    ("known_bad/mbv1_float_bgr_stem", "imagenet/mobilenet_v1_025_224_float", 32),
    ("known_bad/mbv1_int8_per_tensor_ptq", "imagenet/mobilenet_v1_025_224_float", 32),
  ])
  func `a model in another number format matches wholly, op type by op type`(
    candidate: String, reference: String, count: Int
  ) throws {
    let (own, other) = (try model(candidate), try model(reference))
    let matching = LayerMatching(candidate: own, reference: other)
    #expect(matching.pairs.count == count)
    #expect(matching.ambiguous.isEmpty && matching.unmatchedReferences.isEmpty)
    #expect(matching.unmatchedCandidates.allSatisfy { $0.absence == .conversion })
    #expect(matching.pairs.allSatisfy { $0.permutation == nil && $0.confidence > 0.75 })
    func type(_ tensor: Int, _ model: Model) -> String? {
      model.primary.ops.first { $0.outputs.contains(tensor) }?.type
    }
    #expect(matching.pairs.allSatisfy { type($0.candidate, own) == type($0.reference, other) })
  }

  @Test func `models of two trainings match by surroundings, with doubt`() throws {
    let matching = LayerMatching(
      candidate: try model("misc/hello_world_int8"), reference: try model("misc/hello_world_float"))
    #expect(matching.pairs.count == 4)
    #expect(matching.pairs.contains { $0.confidence < 0.9 })
    #expect(!matching.pairs.contains { $0.reasons.contains(.weights) && $0.confidence < 0.9 })
  }

  @Test func `models that share nothing share no layer inside`() throws {
    let matching = LayerMatching(
      candidate: try model("audio/kws_dscnn_float"), reference: try model("misc/mnist_lstm_float"))
    #expect(matching.pairs.allSatisfy { $0.confidence <= 0.9 })
  }

  @Test func `twins are listed as ambiguous, and their like are not`() throws {
    let original = try model("audio/kws_dscnn_float")
    func twins(_ names: [String]) throws -> Model {
      var draft = ModelDraft(original)
      let source = original.primary.ops[3].outputs[0]
      for name in names {
        var description = draft.description(of: source)
        description.name = name
        let tensor = draft.addTensor(description)
        draft.ops.append(.init(.plain("TANH"), inputs: [source], outputs: [tensor]))
        draft.outputs.append(tensor)
      }
      return try draft.written()
    }
    let (first, second) = (try twins(["a", "b"]), try twins(["c", "d"]))
    let matching = LayerMatching(candidate: first, reference: second)
    let count = original.primary.tensors.count
    #expect(matching.ambiguous.map(\.candidates) == [[count, count + 1]])
    #expect(matching.ambiguous.map(\.references) == [[count, count + 1]])
    #expect(matching.pairs.count == 14)
    #expect(matching.pairs.allSatisfy { $0.candidate == $0.reference })
    // Names tell them apart where both sides have them.
    let named = LayerMatching(candidate: first, reference: try twins(["b", "a"]))
    #expect(named.ambiguous.isEmpty)
    #expect(named.pairs.first { $0.candidate == count }?.reference == count + 1)
    #expect(named.pairs.first { $0.candidate == count }?.reasons.contains(.name) == true)
  }

  @Test func `twenty thousand ops that are alike end in time`() throws {
    let original = try model("misc/hello_world_float")
    func chain(_ count: Int, wide: Bool) throws -> Model {
      var draft = ModelDraft(original)
      let source = original.primary.ops[0].outputs[0]
      var last = source
      for _ in 0..<count {
        var description = draft.description(of: source)
        description.name = ""
        let tensor = draft.addTensor(description)
        draft.ops.append(.init(.plain("TANH"), inputs: [wide ? source : last], outputs: [tensor]))
        last = tensor
      }
      draft.outputs.append(last)
      return try draft.written()
    }
    for wide in [false, true] {
      let matching = LayerMatching(
        candidate: try chain(20_000, wide: wide), reference: try chain(19_000, wide: wide))
      #expect(matching.pairs.count + matching.unmatchedCandidates.count == 20_004)
    }
  }
}
