import EXrayCore
public import EXrayRuntime

/// The contract of ``InferenceRuntime`` as checks that every runtime must pass.
///
/// Run it in a test of the runtime's module and expect no violations.
public struct RuntimeConformance {
  private struct BodyError: Error {}

  private let runtime: any InferenceRuntime
  private let model: [UInt8]
  private let options: SessionOptions
  private var violations: [String] = []

  /// Checks a runtime with a model whose inputs take any bytes.
  ///
  /// - Returns: What the runtime does wrong, one sentence each; empty where it conforms.
  public static func violations(
    of runtime: any InferenceRuntime, model: [UInt8], options: SessionOptions = SessionOptions()
  ) -> [String] {
    var check = Self(runtime: runtime, model: model, options: options)
    do {
      try check.run()
    } catch {
      check.violations.append("the checks ended early: \(error)")
    }
    return check.violations
  }

  private init(runtime: any InferenceRuntime, model: [UInt8], options: SessionOptions) {
    self.runtime = runtime
    self.model = model
    self.options = options
  }

  private mutating func run() throws {
    expect(!runtime.name.isEmpty, "the name is empty")
    expect(!runtime.version.isEmpty, "the version is empty")
    try checkDescriptions()
    try checkRuns()
    try checkMisuse()
    try checkIndependence()
    checkRefusals()
  }

  private func open() throws(RuntimeError) -> AnySession {
    try unsafe runtime.openSession(model: model.span.bytes, options: options)
  }

  private mutating func expect(_ condition: Bool, _ violation: String) {
    if !condition { violations.append(violation) }
  }

  private mutating func expect(
    _ code: RuntimeError.Code, _ what: String, _ body: () throws -> Void
  ) {
    do {
      try body()
      violations.append("\(what) did not throw")
    } catch let error as RuntimeError {
      expect(error.code == code, "\(what) threw \(error.code) instead of \(code)")
      expect(!error.message.isEmpty, "\(what) threw an error without words")
    } catch {
      violations.append("\(what) threw \(type(of: error)), not RuntimeError")
    }
  }

  // MARK: Checks

  private mutating func checkDescriptions() throws {
    let session = try open()
    expect(!session.inputs.isEmpty, "the model has no inputs")
    expect(!session.outputs.isEmpty, "the model has no outputs")
    for tensor in session.inputs + session.outputs {
      expect(tensor.description.byteCount ?? 0 > 0, "\(tensor.description.name) has no size")
      expect(tensor.tensorIndex >= 0, "\(tensor.description.name) has a negative index")
    }
    for index in session.outputs.indices {
      let count = try session.withOutput(index) { $0.byteCount }
      expect(
        count == session.outputs[index].description.byteCount,
        "output \(index) has \(count) bytes before the first run")
    }
  }

  private mutating func checkRuns() throws {
    var session = try open()
    try Self.write(seed: 1, to: &session)
    let report = try session.run()
    expect(report.inferenceTime > .zero, "a run took no time")
    let first = try Self.outputs(of: session)
    for (index, bytes) in first.enumerated() {
      expect(
        bytes.count == session.outputs[index].description.byteCount,
        "output \(index) has \(bytes.count) bytes after a run")
    }
    try session.run()
    expect(try Self.outputs(of: session) == first, "equal inputs gave different outputs")
    try Self.write(seed: 2, to: &session)
    try session.run()
    try Self.write(seed: 1, to: &session)
    try session.start()
    _ = try session.finish()
    expect(
      try Self.outputs(of: session) == first,
      "outputs depend on the run before: \(model.count) bytes")
  }

  private mutating func checkMisuse() throws {
    var session = try open()
    try Self.write(seed: 1, to: &session)
    try session.run()
    let before = try Self.outputs(of: session)
    let size = session.inputs[0].description.byteCount ?? 0
    for count in [0, size - 1, size + 1] {
      do {
        let bytes = [UInt8](repeating: 0, count: count)
        try unsafe session.write(bytes.span.bytes, toInput: 0)
        violations.append("writing \(count) bytes to an input of \(size) did not throw")
      } catch {
        expect(error.code == .invalidInput, "writing \(count) bytes threw \(error.code)")
      }
    }
    for index in [-1, session.inputs.count] {
      do {
        let bytes = [UInt8](repeating: 0, count: size)
        try unsafe session.write(bytes.span.bytes, toInput: index)
        violations.append("writing to input \(index) did not throw")
      } catch {
        expect(error.code == .invalidInput, "writing to input \(index) threw \(error.code)")
      }
    }
    for index in [-1, session.outputs.count] {
      expect(.invalidInput, "reading output \(index)") { try session.withOutput(index) { _ in } }
    }
    do {
      _ = try session.finish()
      violations.append("finishing a run that was not started did not throw")
    } catch {
      expect(error.code == .runFailed, "finishing without a start threw \(error.code)")
    }
    do {
      try session.withOutput(0) { _ in throw BodyError() }
      violations.append("an error of the body was swallowed")
    } catch {
      expect(error is BodyError, "an error of the body became \(error)")
    }
    try session.run()
    expect(try Self.outputs(of: session) == before, "misuse changed the inputs")
  }

  private mutating func checkIndependence() throws {
    var one = try open()
    var other = try open()
    try Self.write(seed: 1, to: &one)
    try Self.write(seed: 2, to: &other)
    try one.start()
    try other.start()
    _ = try other.finish()
    _ = try one.finish()
    let outputs = try Self.outputs(of: one)
    try Self.write(seed: 1, to: &other)
    try other.run()
    expect(try Self.outputs(of: other) == outputs, "two sessions share their inputs")
    expect(try Self.outputs(of: one) == outputs, "two sessions share their outputs")
  }

  private mutating func checkRefusals() {
    var generator = SplitMix64(seed: 1)
    let noise = (0..<512).map { _ in UInt8.random(in: 0...255, using: &generator) }
    let runtime = runtime
    for (what, bytes) in [("an empty model", []), ("a model of noise", noise)] {
      expect(.modelRefused, "opening \(what)") {
        _ = try unsafe runtime.openSession(model: bytes.span.bytes)
      }
    }
  }

  // MARK: Values

  private static func write(seed: UInt64, to session: inout AnySession) throws {
    for index in session.inputs.indices {
      var generator = SplitMix64(seed: seed &+ UInt64(index))
      let description = session.inputs[index].description
      let bytes = (0..<(description.byteCount ?? 0)).map { offset -> UInt8 in
        // Floating-point numbers near 0.5 and 1: exponents stay tame whatever the width.
        let byte = UInt8.random(in: 0...255, using: &generator)
        return description.elementType.isFloatingPoint && offset % 2 == 1 ? 0x3c : byte
      }
      try unsafe session.write(bytes.span.bytes, toInput: index)
    }
  }

  private static func outputs(of session: borrowing AnySession) throws -> [[UInt8]] {
    var all: [[UInt8]] = []
    for index in session.outputs.indices {
      all.append(
        try session.withOutput(index) { bytes in
          unsafe bytes.withUnsafeBytes { unsafe Array($0) }
        })
    }
    return all
  }
}
