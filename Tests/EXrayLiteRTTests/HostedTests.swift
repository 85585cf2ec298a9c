import EXrayCore
import EXrayLiteRT
import EXrayRuntime
import EXrayTestKit
import Foundation
import Testing

/// The child processes of this one, as Linux lists them.
enum Children {
  /// The processes that we started with these words in their command, oldest first.
  static func hosts(with words: String = "host-runtime") -> [Int32] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.compactMap(Int32.init).filter { process in
      guard let status = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
        let end = status.lastIndex(of: ")")
      else { return false }
      let fields = status[status.index(after: end)...].split(separator: " ")
      let command = (try? String(contentsOfFile: "/proc/\(process)/cmdline", encoding: .utf8)) ?? ""
      return fields.count > 1 && Int32(fields[1]) == ProcessInfo.processInfo.processIdentifier
        && command.contains(words)
    }.sorted()
  }

  static func threadCount(of process: Int32) -> Int {
    (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task"))?.count ?? 0
  }

  static func descriptorCount() -> Int {
    (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd"))?.count ?? 0
  }

  static func exists(_ process: Int32) -> Bool {
    FileManager.default.fileExists(atPath: "/proc/\(process)/stat")
  }
}

/// LiteRT in child processes; serialised, for they count children and time.
@Suite(
  .enabled(if: Setup.canHost && Setup.hasPython, "needs .deps and the exray executable"),
  .serialized)
struct HostedTests {
  @Test("LiteRT keeps the runtime contract in a child process", arguments: KernelMode.allCases)
  func conformance(mode: KernelMode) throws {
    let violations = RuntimeConformance.violations(
      of: try Setup.hosted(), model: try Setup.model("two_signatures"),
      options: SessionOptions(kernels: mode))
    #expect(violations == [])
  }

  @Test("A hosted session describes tensors and times ops like one in this process")
  func sameDescriptions() throws {
    for name in ["per_channel", "two_signatures", "type_bool"] {
      let model = try Setup.model(name)
      let options = SessionOptions(kernels: .builtin, profilesOps: true)
      var near = try Setup.runtime().opened(model, options)
      var far = try Setup.hosted().opened(model, options)
      #expect(near.inputs == far.inputs)
      #expect(near.outputs == far.outputs)
      let nearOps = try near.run().ops
      let farOps = try far.run().ops
      #expect(nearOps.map(\.label) == farOps.map(\.label))
      #expect(nearOps.map(\.opIndex) == farOps.map(\.opIndex))
      #expect(nearOps.map(\.part) == farOps.map(\.part))
      #expect(far.loadTime ?? .zero > .zero)
    }
  }

  @Test("A dynamic batch is resized in the child too")
  func dynamicBatch() throws {
    var session = try Setup.hosted().opened(
      try Setup.model("dynamic_batch"), SessionOptions(inputShapes: [0: [3, 4]]))
    let values = (0..<12).map(Float.init)
    #expect(try session.answer([bytes(values)]) == [bytes(values.map { $0 * 2 })])
  }

  @Test("Errors of the child keep their code and their words")
  func errorsTravel() throws {
    let near = try #require(try Setup.runtime().refusal(try Setup.model("type_string")))
    let far = try #require(try Setup.hosted().refusal(try Setup.model("type_string")))
    #expect(near == far)
    let shape = SessionOptions(inputShapes: [0: [3, 5]])
    #expect(
      try Setup.hosted().refusal(try Setup.model("dynamic_batch"), shape)?.code == .invalidInput)
    var hosted = try Setup.hosted()
    hosted.arguments = ["host-runtime", "--runtime", "litert", "--library", "/nowhere/lib.so"]
    let missing = try #require(hosted.refusal(try Setup.model("type_bool")))
    #expect(missing.code == .libraryUnavailable)
    #expect(missing.message.contains("/nowhere/lib.so"))
  }

  @Test("A model that kills the runtime while loading is an error that names the signal")
  func crashWhileLoading() throws {
    let error = try #require(try Setup.hosted().refusal(try Setup.model("nameless_signature")))
    #expect(error.code == .crashed)
    #expect(error.message.contains("signal 6 (SIGABRT) while it was loading the model"))
    #expect(error.message.contains("basic_string"), "\(error.message)")
  }

  @Test("A model that never ends is ended at the time limit, and the session stays failed")
  func hang() throws {
    var session = try Setup.hosted(timeLimit: .seconds(2)).opened(try Setup.model("endless"))
    let child = try #require(Children.hosts().last)
    let clock = ContinuousClock()
    let began = clock.now
    for _ in 0..<2 {
      let error = #expect(throws: RuntimeError.self) { try session.run() }
      #expect(error?.code == .timedOut)
    }
    #expect(clock.now - began < .seconds(4))
    #expect(!Children.exists(child))
  }

  @Test("A child that is killed during a run is reported with its signal")
  func killedDuringRun() throws {
    let model = try Setup.model("endless")
    var session = try Setup.hosted().opened(model)
    let child = try #require(Children.hosts().last)
    try session.start()
    // A thread of its own: waiting for the session holds one of the few that tasks share.
    Thread.detachNewThread {
      usleep(200_000)
      kill(child, SIGKILL)
    }
    let error = #expect(throws: RuntimeError.self) { try session.finish() }
    #expect(error?.code == .crashed)
    #expect(
      error?.message.contains("signal 9 (SIGKILL) while it was running the model") == true,
      "\(error?.message ?? "")")
    #expect(!Children.exists(child))
    #expect(throws: RuntimeError.self) { try session.start() }
  }

  @Test("A child that is killed between runs does not kill us with SIGPIPE")
  func killedBetweenRuns() throws {
    var session = try Setup.hosted().opened(try Setup.model("two_signatures"))
    try session.run()
    kill(try #require(Children.hosts().last), SIGKILL)
    usleep(50_000)
    let error = #expect(throws: RuntimeError.self) { try session.run() }
    #expect(error?.code == .crashed)
    // The outputs of the run before lie in memory of ours.
    #expect(try session.outputBytes().count == 2)
  }

  @Test("Nothing is left of a session: no process, no descriptor")
  func noLeaks() throws {
    let model = try Setup.model("two_signatures")
    let hosted = try Setup.hosted()
    func use() throws {
      var session = try hosted.opened(model)
      try session.run()
    }
    try use()
    let processes = Children.hosts().count
    let descriptors = Children.descriptorCount()
    for _ in 0..<10 { try use() }
    _ = hosted.refusal(Array(model.prefix(100)))
    _ = hosted.refusal(try Setup.model("nameless_signature"))
    #expect(Children.hosts().count == processes)
    // Other suites open files meanwhile; twelve leaked sessions would be sixty descriptors.
    #expect(Children.descriptorCount() < descriptors + 30)
  }

  @Test("A child with too little memory reports it or dies alone")
  func memoryLimit() throws {
    var hosted = try Setup.hosted()
    hosted.memoryLimitInBytes = 256 << 20
    let options = SessionOptions(inputShapes: [0: [64 << 20, 4]])
    let error = try #require(hosted.refusal(try Setup.model("dynamic_batch"), options))
    let codes: [RuntimeError.Code] = [.environment, .crashed, .modelRefused, .invalidInput]
    #expect(codes.contains(error.code), "\(error.code): \(error.message)")
  }

  @Test("Sessions in several processes run at once")
  func concurrency() async throws {
    let hosted = try Setup.hosted()
    let model = try Setup.model("two_signatures")
    let wrong = try await withThrowingTaskGroup(of: Int.self) { group in
      for task in 0..<4 {
        group.addTask { @concurrent in
          var session = try hosted.opened(model)
          var wrong = 0
          for run in 0..<100 {
            let values = (0..<4).map { Float(task * 1000 + run + $0) }
            if try session.answer([bytes(values)])[0] != bytes(values.map { $0 + 1 }) { wrong += 1 }
          }
          return wrong
        }
      }
      return try await group.reduce(0, +)
    }
    #expect(wrong == 0)
  }

  @Test(
    "A model that corrupts the runtime's memory leaves this process whole",
    .enabled(if: Setup.hasModels, "needs ../shared/data"), arguments: KernelMode.allCases)
  func memoryCorruption(mode: KernelMode) throws {
    let model = try SharedData.bytes(
      "models/robustness/keyword_scrambled_8bit_segfaults_litert.tflite")
    // LiteRT writes past its buffers; when that kills or hangs it depends on what lies there.
    var error: RuntimeError?
    do {
      let end = ContinuousClock.now + .seconds(30)
      var session = try Setup.hosted(timeLimit: .seconds(20))
        .opened(model, SessionOptions(kernels: mode))
      for _ in 0..<200 where .now < end { try session.run() }
    } catch let thrown as RuntimeError {
      error = thrown
    }
    if let error { #expect([.crashed, .timedOut].contains(error.code), "\(error)") }
    var session = try Setup.hosted().opened(try Setup.model("two_signatures"))
    #expect(try session.answer([bytes([1, 2, 3, 4])])[0] == bytes([2, 3, 4, 5]))
  }

  @Test(
    "Real models give the same bytes in a child process, in every kernel mode",
    .enabled(if: Setup.hasModels, "needs ../shared/data"),
    arguments: [
      "imagenet/mobilenet_v1_025_224_int8", "detection/ssd_mobilenet_v1_300_uint8_qat",
      "misc/mnist_lstm_int8", "segmentation/deeplabv3_257_float",
    ], KernelMode.allCases.prefix(2))
  func sameBytes(name: String, mode: KernelMode) throws {
    let model = try SharedData.bytes("models/\(name).tflite")
    let options = SessionOptions(kernels: mode)
    var near = try Setup.runtime().opened(model, options)
    var far = try Setup.hosted().opened(model, options)
    var generator = SplitMix64(seed: 7)
    for _ in 0..<2 {
      let values = near.inputs.map { input -> [UInt8] in
        let count = input.description.byteCount ?? 0
        if input.description.elementType == .float32 {
          return bytes((0..<count / 4).map { _ in Float.random(in: -1...1, using: &generator) })
        }
        return (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
      }
      #expect(try near.answer(values) == far.answer(values))
    }
  }
}
