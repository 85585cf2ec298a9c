import EXrayCore
import EXrayModel
import EXrayTestKit
import Foundation
import Synchronization
import Testing

/// Models that hurt other tools, and real models with damage, through the tool with the real runtime.
@Suite(.enabled(if: SharedData.isAvailable && LiteRTLibrary.isAvailable))
struct RobustnessTests {
  struct Troublemaker: Sendable, CustomTestStringConvertible {
    var name: String
    var input: [Int]
    var testDescription: String { name }
    var path: String {
      get throws { try SharedData.path("models/robustness/\(name).tflite") }
    }
  }

  static let troublemakers = [
    Troublemaker(name: "audio_preprocessor_custom_signal_ops", input: [1, 480]),
    Troublemaker(name: "keyword_scrambled_8bit_segfaults_litert", input: [1, 96]),
    Troublemaker(name: "keyword_scrambled_svdf_int16", input: [1, 96]),
    Troublemaker(name: "okay_nabu_stateful_resource_vars", input: [1, 3, 40]),
    Troublemaker(name: "person_detect_bad_quant_dim", input: [1, 96, 96, 1]),
  ]

  @Test(arguments: troublemakers, ["xnnpack", "builtin", "reference"])
  func `troublesome models run or are refused`(_ item: Troublemaker, kernels: String) throws {
    try withSandbox { sandbox in
      let input = try sandbox.zeros("x.npy", [2] + item.input.dropFirst())
      for capture in ["none", "io", "layers"] {
        let outcome = try BuiltTool.run([
          "run", try item.path, "--input", input, "--kernels", kernels, "--capture", capture,
          "--time-limit", "30", "--output", sandbox.output + "/\(capture).mcap",
        ])
        Self.expectGrace(outcome, naming: item.name)
        #expect(try sandbox.written.contains("\(capture).mcap") == (outcome.status == 0))
      }
      #expect(try sandbox.written.allSatisfy { $0.hasSuffix(".mcap") })
    }
  }

  @Test(arguments: troublemakers)
  func `troublesome models are inspected and validated or refused`(_ item: Troublemaker) throws {
    try withSandbox { sandbox in
      Self.expectGrace(try BuiltTool.run(["inspect", item.path]), naming: item.name)
      let outcome = try BuiltTool.run([
        "validate", "--candidate-model", try item.path, "--reference-kernels", "reference",
        "--time-limit", "30", "--report", sandbox.output + "/report", "--input",
        try sandbox.zeros("x.npy", [2] + item.input.dropFirst()),
      ])
      #expect((0...3).contains(outcome.status))
      if outcome.status == 2 {
        Self.expectGrace(outcome, naming: item.name)
        #expect(try sandbox.written == [])
      } else {
        let files = try FileManager.default.contentsOfDirectory(atPath: sandbox.output + "/report")
        #expect(files.sorted() == ["junit.xml", "report.html", "report.json", "report.md"])
      }
    }
  }

  /// Expects exit code 0; or 1 for the runtime's death or 2, with one clear line that names the model.
  private static func expectGrace(_ outcome: BuiltTool.Outcome, naming name: String) {
    #expect((0...2).contains(outcome.status), "\(outcome.errors)")
    guard outcome.status != 0 else { return }
    #expect(outcome.faults(naming: name) == [], "\(outcome.errors)")
    #expect(outcome.errors.contains(name), "\(outcome.errors)")
    if outcome.status == 1 {
      #expect(outcome.errors.hasPrefix("exray: runtime."), "\(outcome.errors)")
    }
  }

  // MARK: Mutations

  /// What became of the mutants.
  private struct Tally {
    var endings: [String: Int] = [:]
    var faults: [String] = []
  }

  @Test func `a thousand damaged models end in a clean message`() throws {
    let mutants = try Mutant.families()
    let tally = Mutex(Tally())
    let next = Atomic(0)
    let mark = "EXRAY_TEST_MARK=\(UUID().uuidString)"
    try withSandbox { sandbox in
      DispatchQueue.concurrentPerform(iterations: 2) { worker in
        while true {
          let seed = next.wrappingAdd(1, ordering: .relaxed).oldValue
          guard seed < 1000 else { return }
          let mutant = Mutant(seed: seed, of: mutants[seed % mutants.count])
          let (ending, faults) = Self.fate(of: mutant, worker, sandbox, mark)
          tally.withLock { tally in
            tally.endings[ending, default: 0] += 1
            tally.faults += faults.map { "\(mutant): \($0)" }
          }
        }
      }
    }
    let result = tally.withLock { $0 }
    for fault in result.faults { Issue.record("\(fault)") }
    let words = result.endings.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
    print("1000 damaged models: \(words.joined(separator: ", "))")
    #expect(result.endings.values.reduce(0, +) == 1000)
    // Both must happen for the test to mean something.
    #expect(result.endings["refused by our checks", default: 0] > 100)
    #expect(result.endings["ran", default: 0] > 100)
    #expect(BuiltTool.processes(with: mark) == [], "children are left")
  }

  /// Runs a mutant; returns how it ended and what was wrong with that.
  private static func fate(
    of mutant: Mutant, _ worker: Int, _ sandbox: Sandbox, _ mark: String
  ) -> (ending: String, faults: [String]) {
    do {
      let model = try sandbox.file("mutant\(worker).tflite", mutant.bytes)
      let output = try sandbox.folder("output\(worker)")
      let variable = mark.split(separator: "=").map(String.init)
      let outcome = try BuiltTool.run(
        [
          "run", model, "--input", try sandbox.file("x\(worker).npy", mutant.family.input),
          "--capture", mutant.seed % 3 == 0 ? "layers" : "io", "--kernels",
          ["xnnpack", "builtin", "reference"][mutant.seed / 3 % 3], "--time-limit", "10",
          "--output", output + "/t.mcap",
        ], environment: [variable[0]: variable[1]])
      var faults: [String] = []
      let files = try FileManager.default.contentsOfDirectory(atPath: output)
      if files != (outcome.status == 0 ? ["t.mcap"] : []) { faults.append("left \(files)") }
      for file in files { try FileManager.default.removeItem(atPath: output + "/" + file) }
      if outcome.status != 0 {
        faults += outcome.faults(naming: model).map { "\($0): \(outcome.errors)" }
        let name = URL(filePath: model).lastPathComponent
        if !outcome.errors.contains(name) { faults.append("unnamed: \(outcome.errors)") }
      }
      return (ending(outcome, &faults), faults)
    } catch {
      return ("not tested", ["\(error)"])
    }
  }

  private static func ending(_ outcome: BuiltTool.Outcome, _ faults: inout [String]) -> String {
    switch outcome.status {
    case 0: return "ran"
    case 1 where outcome.errors.contains("runtime.crash"): return "crashed the runtime"
    case 1 where outcome.errors.contains("runtime.timeout"): return "timed out"
    case 2 where outcome.errors.contains(".tflite: byte "): return "refused by our checks"
    case 2 where outcome.errors.contains(".npy"): return "took other inputs"
    case 2: return "refused later"
    default:
      faults.append("ended with \(outcome.status): \(outcome.errors)")
      return "ended with \(outcome.status)"
    }
  }
}

/// A real model with bytes changed or its end missing.
struct Mutant: CustomStringConvertible {
  /// A model that mutants are made of.
  struct Family: Sendable {
    var name: String
    var bytes: [UInt8]
    /// The offsets that are not constants' values: tables, names, shapes.
    var structure: [Int]
    /// An array file of one sample.
    var input: [UInt8]
  }

  let seed: Int
  let family: Family
  private(set) var bytes: [UInt8]

  var description: String { "seed \(seed) of \(family.name)" }

  init(seed: Int, of family: Family) {
    self.seed = seed
    self.family = family
    bytes = family.bytes
    var random = SplitMix64(seed: UInt64(seed))
    func place() -> Int {
      let isStructural = Int.random(in: 0..<10, using: &random) < 8
      return isStructural
        ? family.structure.randomElement(using: &random) ?? 0
        : Int.random(in: bytes.indices, using: &random)
    }
    switch Int.random(in: 0..<20, using: &random) {
    case 0...1: bytes.removeLast(Int.random(in: 1...bytes.count, using: &random))
    case 2...4:
      // A whole number becomes an extreme one.
      let start = min(place() / 4 * 4, bytes.count - 4)
      let value = [0, 1, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF].randomElement(using: &random) ?? 0
      for index in 0..<4 { bytes[start + index] = UInt8(truncatingIfNeeded: value >> (8 * index)) }
    case 5...10: bytes[place()] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    default:
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        bytes[place()] = UInt8.random(in: 0...255, using: &random)
      }
    }
  }

  /// The models, the small ones several times.
  static func families() throws -> [Family] {
    let small = [
      "misc/hello_world_float", "misc/hello_world_int8", "cifar10/resnet8_int8",
      "cifar10/resnet8_float", "audio/kws_dscnn_int8", "audio/kws_dscnn_float",
      "audio/micro_speech_int8", "misc/mnist_lstm_int8", "vww/vww_96_int8",
    ]
    return try (small + small + ["imagenet/mobilenet_v1_025_224_int8"]).map(family)
  }

  private static func family(_ name: String) throws -> Family {
    let bytes = try SharedData.bytes("models/\(name).tflite")
    let model = try Model(bytes)
    var isConstant = [Bool](repeating: false, count: bytes.count)
    for tensor in model.subgraphs.flatMap(\.tensors) {
      for offset in tensor.constantBytes ?? 0..<0 { isConstant[offset] = true }
    }
    let shape = model.primary.tensors[model.primary.inputs[0]].description.shape.dimensions
    let count = shape.dropFirst().reduce(1, *)
    var random = SplitMix64(seed: 7)
    let values = TraceMaker.bytes((0..<count).map { _ in Float.random(in: -1...1, using: &random) })
    return Family(
      name: name, bytes: bytes, structure: bytes.indices.filter { !isConstant[$0] },
      input: Sandbox.array([1] + shape.dropFirst(), "<f4", values))
  }
}
