import EXrayCore
import EXrayLiteRT
import EXrayRuntime
import EXrayTestKit
import Foundation
import Testing

@Suite(.enabled(if: Setup.hasPython, "needs .deps; run make setup"))
struct LiteRTTests {
  static let input: [Float] = [1, -2, 3, 0.5]

  @Test("LiteRT keeps the runtime contract in this process", arguments: KernelMode.allCases)
  func conformance(mode: KernelMode) throws {
    let violations = RuntimeConformance.violations(
      of: try Setup.runtime(), model: try Setup.model("two_signatures"),
      options: SessionOptions(kernels: mode))
    #expect(violations == [])
  }

  @Test("A model that would end the process is refused before the library sees it")
  func checkedModels() throws {
    let library: String = try #require(Setup.library)
    let runtime = try LiteRT(library: library)
    let model = try Setup.model("nameless_signature")
    let error = #expect(throws: RuntimeError.self) {
      _ = try unsafe runtime.load(model: model.span.bytes)
    }
    #expect(error?.code == .modelRefused)
    #expect(error?.message.contains("byte") == true, "\(error?.message ?? "")")
  }

  @Test("The version is the one beside the library")
  func version() throws {
    #expect(try Setup.runtime().version == "2.3.0")
    #expect(try Setup.runtime().name == "litert")
  }

  @Test("The version comes from VERSION, else from the Python package, else is unknown")
  func versionSources() throws {
    let folder = try Setup.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let package = folder.appending(path: "ai_edge_litert")
    let library = package.appending(path: "libLiteRt.so").path
    try FileManager.default.createDirectory(at: package, withIntermediateDirectories: true)
    #expect(LiteRT.version(ofLibraryAt: library) == "unknown")
    try FileManager.default.createDirectory(
      at: folder.appending(path: "ai_edge_litert-2.4.1.dist-info"),
      withIntermediateDirectories: true)
    #expect(LiteRT.version(ofLibraryAt: library) == "2.4.1")
    try Data("not a version\n".utf8).write(to: package.appending(path: "VERSION"))
    #expect(LiteRT.version(ofLibraryAt: library) == "2.4.1")
    try Data("2.5.0-rc1\n".utf8).write(to: package.appending(path: "VERSION"))
    #expect(LiteRT.version(ofLibraryAt: library) == "2.5.0-rc1")
  }

  // MARK: Tensors

  static let types: [(ElementType, Int)] = [
    (.float32, 16), (.int32, 16), (.int64, 32), (.bool, 4), (.int8, 4), (.uint8, 4), (.int16, 8),
    (.uint16, 8), (.uint32, 16), (.uint64, 32), (.float16, 8), (.bfloat16, 8), (.float64, 32),
    (.complex64, 32), (.int4, 2), (.uint4, 2), (.int2, 1),
  ]

  @Test("Tensors of every number type are fed and read", arguments: types)
  func elementType(type: ElementType, byteCount: Int) throws {
    var session = try Setup.runtime().opened(try Setup.model("type_\(type.rawValue)"))
    #expect(session.inputs[0].description.elementType == type)
    #expect(session.outputs[0].description.byteCount == byteCount)
    let values = (0..<byteCount).map { _ in UInt8(1) }
    let answer = try session.answer([values])[0]
    switch type {
    case .int32, .int64, .float32:  // The model doubles.
      let tensor = session.outputs[0].description
      let read = try #require(unsafe tensor.realValues(in: answer.span.bytes))
      let written = try #require(unsafe tensor.realValues(in: values.span.bytes))
      #expect(read == written.map { $0 * 2 })
    default:  // The model repeats.
      #expect(answer == values)
    }
  }

  @Test(
    "Tensors that are not numbers are refused with their name and type",
    arguments: [
      ("string", "input 0 (in) holds string values"),
      ("resource", "input 0 (in) holds resource values"),
      ("variant", "not currently supported"), ("complex128", "not currently supported"),
      ("float8_e5m2", "input 0 (in) has the element type 23"),
    ])
  func unusableType(name: String, words: String) throws {
    let error = try #require(try Setup.runtime().refusal(try Setup.model("type_\(name)")))
    #expect(error.code == .modelRefused)
    #expect(error.message.contains(words), "\(error.message)")
  }

  @Test("A quantization per channel is reported with all its scales and its axis")
  func perChannel() throws {
    let session = try Setup.runtime().opened(try Setup.model("per_channel"))
    let expected = Quantization(
      scales: [0.5, 0.25, 0.125, 2], zeroPoints: [0, 0, 0, 0], axis: 1)
    #expect(session.outputs[0].description.quantization == expected)
  }

  @Test("With several signatures the first one runs, and values belong to their tensors")
  func signatures() throws {
    var session = try Setup.runtime().opened(try Setup.model("two_signatures"))
    let answers = try session.answer([bytes(Self.input)])
    try #require(session.outputs.count == 2)
    for (tensor, answer) in zip(session.outputs, answers) {
      let step: Float = tensor.description.name == "first" ? 1 : 2
      #expect(tensor.tensorIndex == (step == 1 ? 2 : 4))
      #expect(answer == bytes(Self.input.map { $0 + step }))
    }
  }

  @Test("Outputs without names run by their order")
  func namelessOutputs() throws {
    var session = try Setup.runtime().opened(try Setup.model("no_names"))
    let answers = try session.answer([bytes(Self.input)])
    #expect(session.outputs.map(\.tensorIndex) == [2, 4])
    #expect(answers == [bytes(Self.input.map { $0 + 1 }), bytes(Self.input.map { $0 + 2 })])
  }

  @Test("Two outputs of one name, which kill the library, are refused before they do")
  func equalNames() throws {
    let error = try #require(try Setup.runtime().refusal(try Setup.model("same_names")))
    #expect(error.code == .modelRefused)
    #expect(error.message.contains("two have the name same"))
  }

  @Test("An output whose size is only known during a run is refused")
  func runTimeShape() throws {
    let error = try #require(try Setup.runtime().refusal(try Setup.model("where")))
    #expect(error.code == .modelRefused)
    #expect(error.message.contains("only known during a run"), "\(error.message)")
  }

  // MARK: Dynamic shapes

  @Test("A dynamic batch is resized and outputs follow", arguments: [1, 2, 7], KernelMode.allCases)
  func dynamicBatch(batch: Int, mode: KernelMode) throws {
    let shape = Shape([batch, 4])
    var session = try Setup.runtime().opened(
      try Setup.model("dynamic_batch"), SessionOptions(kernels: mode, inputShapes: [0: shape]))
    #expect(session.inputs[0].description.shape == shape)
    #expect(session.outputs[0].description.shape == shape)
    let values = (0..<batch * 4).map(Float.init)
    #expect(try session.answer([bytes(values)]) == [bytes(values.map { $0 * 2 })])
  }

  static let wrongShapes: [(String, Int, Shape)] = [
    ("type_float32", 0, [3, 4]), ("dynamic_batch", 0, [3, 5]), ("dynamic_batch", 0, [4]),
    ("dynamic_batch", 1, [1, 4]), ("dynamic_batch", -1, [1, 4]), ("dynamic_batch", 0, [-1, 4]),
    ("dynamic_batch", 0, [0, 4]), ("dynamic_batch", 0, [Int.max, 4]),
    ("dynamic_batch", 0, [1 << 40, 4]),
  ]

  @Test("Shapes that the model does not take are refused", arguments: wrongShapes)
  func wrongShape(model: String, index: Int, shape: Shape) throws {
    let options = SessionOptions(inputShapes: [index: shape])
    let error = try #require(try Setup.runtime().refusal(try Setup.model(model), options))
    #expect(error.code == .invalidInput, "\(error.message)")
  }

  // MARK: Ops and threads

  @Test("Per-op times name every op of the graph in order, and are absent unless asked for")
  func opTimes() throws {
    let model = try Setup.model("two_signatures")
    for mode in [KernelMode.builtin, .reference] {
      var session = try Setup.runtime().opened(
        model, SessionOptions(kernels: mode, profilesOps: true))
      for _ in 0..<2 {
        let ops = try session.run().ops
        #expect(ops.map(\.label) == ["ADD", "ADD"])
        #expect(ops.map(\.opIndex) == [0, 1])
        #expect(ops.allSatisfy { $0.part == .node })
      }
    }
    var delegate = try Setup.runtime().opened(model, SessionOptions(profilesOps: true))
    let operators = try delegate.run().ops
    #expect(operators.count == 2)
    #expect(operators.allSatisfy { $0.opIndex == nil && $0.label.contains("Add") }, "\(operators)")
    #expect(operators.allSatisfy { $0.part == .delegate })
    #expect(delegate.loadTime ?? .zero > .zero)
    var plain = try Setup.runtime().opened(model)
    #expect(try plain.run().ops == [])
  }

  @Test("A report states memory within reason: resident at most the peak")
  func memory() throws {
    var session = try Setup.runtime().opened(try Setup.model("two_signatures"))
    let report = try session.run()
    let peak = try #require(report.peakMemoryInBytes)
    #expect(peak > 1 << 20 && peak < 1 << 40)
    #if os(Linux)
      let resident = try #require(report.residentMemoryInBytes)
      #expect(resident > 1 << 20 && resident <= peak)
    #endif
  }

  // MARK: Refusals

  @Test("A truncated model is refused whatever its length")
  func truncations() throws {
    let model = try Setup.model("two_signatures")
    let runtime = try Setup.runtime()
    for length in stride(from: 0, to: model.count * 3 / 4, by: 7) {
      let error = runtime.refusal(Array(model.prefix(length)))
      #expect(error?.code == .modelRefused, "\(length) bytes")
    }
  }

  @Test("A library that is not LiteRT is refused with the loader's words")
  func wrongLibrary() throws {
    let folder = try Setup.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: "libLiteRt.so")
    try Data("no library".utf8).write(to: file)
    let error = #expect(throws: RuntimeError.self) { try LiteRT(library: file.path) }
    #expect(error?.code == .libraryUnavailable)
    #expect(error?.message.contains(file.path) == true)
    #expect(error?.message.contains("make setup") == true)
  }

  @Test("Sessions on several threads do not disturb each other")
  func concurrency() async throws {
    let runtime = try Setup.runtime()
    let model = try Setup.model("two_signatures")
    let wrong = try await withThrowingTaskGroup(of: Int.self) { group in
      for task in 0..<4 {
        group.addTask { @concurrent in
          var session = try runtime.opened(model, SessionOptions(kernels: .builtin))
          var wrong = 0
          for run in 0..<200 {
            let values = (0..<4).map { Float(task * 1000 + run + $0) }
            let answers = try session.answer([bytes(values)])
            if answers[0] != bytes(values.map { $0 + 1 }) { wrong += 1 }
          }
          return wrong
        }
      }
      return try await group.reduce(0, +)
    }
    #expect(wrong == 0)
  }
}

/// LiteRT on real models.
@Suite(.enabled(if: Setup.hasModels, "needs .deps and ../shared/data; run make setup"))
struct LiteRTModelTests {
  @Test("A refused model comes with the library's own words", arguments: KernelMode.allCases)
  func refusalWords(mode: KernelMode) throws {
    let options = SessionOptions(kernels: mode)
    let quantization = try #require(
      try Setup.runtime().refusal(
        try SharedData.bytes("models/robustness/person_detect_bad_quant_dim.tflite"), options))
    #expect(quantization.code == .modelRefused)
    #expect(quantization.message.contains("quantized_dimension must be in range [0, 1). Was 3."))
    #expect(quantization.message.contains("Tensor 33 has invalid quantization parameters."))
    let custom = try #require(
      try Setup.runtime().refusal(
        try SharedData.bytes("models/robustness/audio_preprocessor_custom_signal_ops.tflite"),
        options))
    #expect(custom.code == .modelRefused)
    #expect(custom.message.contains("Encountered unresolved custom op: SignalWindow."))
  }

  @Test("A run that fails says why and leaves the session usable")
  func runFailure() throws {
    var session = try Setup.runtime().opened(
      try SharedData.bytes("models/text/sentiment_cnn_int8.tflite"))
    let size = try #require(session.inputs[0].description.byteCount)
    let error = #expect(throws: RuntimeError.self) {
      try session.answer([[UInt8](repeating: 0x7f, count: size)])
    }
    #expect(error?.code == .runFailed)
    #expect(
      error?.message.contains("gather index out of bounds") == true, "\(error?.message ?? "")")
    #expect(try session.answer([[UInt8](repeating: 0, count: size)]).count == 1)
  }

  @Test("More threads are really started", arguments: KernelMode.allCases.prefix(2))
  func threads(mode: KernelMode) throws {
    let model = try SharedData.bytes("models/imagenet/mobilenet_v1_025_224_float.tflite")
    // In a process of its own, where nothing else starts threads: Linux lists them.
    // The library goes by a name of its own, which tells this test's processes from other tests'.
    let folder = try Setup.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let alias = folder.appending(path: "alias.so").path
    let library: String = try #require(Setup.library)
    try FileManager.default.createSymbolicLink(atPath: alias, withDestinationPath: library)
    let hosted = try LiteRT.hosted(library: alias, executable: #require(Setup.executable))
    var counts: [Int: Int] = [:]
    for threads in [1, 3] {
      var session = try hosted.opened(model, SessionOptions(kernels: mode, threads: threads))
      try session.run()
      let child = try #require(Children.hosts(with: alias).last)
      counts[threads] = Children.threadCount(of: child)
    }
    // Each pool has two more; the builtin kernels have two pools.
    let one = try #require(counts[1])
    let three = try #require(counts[3])
    #expect(three >= one + 2 && three <= one + 4, "\(counts)")
  }
}
