#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// One message between a process and the child that hosts a session for it.
///
/// On the wire: the payload's byte count (four bytes, little-endian), the kind (one byte), the payload.
/// Tensors and models never travel this way; they lie in shared memory.
struct HostMessage {
  enum Kind: UInt8 {
    /// Child: ready to open, with the protocol's version as one byte.
    case hello
    /// Parent: open the model (``OpenRequest``).
    case open
    /// Child: the model's inputs and outputs (``SessionTensors``).
    case tensors
    /// Parent: the shared memory has its size.
    case mapped
    /// Child: ready to run.
    case ready
    /// Parent: run once.
    case start
    /// Child: the run is over (``RunReport``).
    case done
    /// Child: what was asked last failed (``Failure``).
    case failed
  }

  static let version: UInt8 = 2
  static let maximumByteCount = 16 << 20
  static let headerByteCount = 5

  var kind: Kind
  var payload: [UInt8] = []

  /// The message as it travels.
  var encoded: [UInt8] {
    let count = UInt32(clamping: payload.count)
    return (0..<4).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) } + [kind.rawValue] + payload
  }
}

extension HostMessage {
  struct OpenRequest: Codable {
    var options: SessionOptions
    var memoryLimitInBytes: Int
  }

  struct SessionTensors: Codable {
    var inputs: [SessionTensor]
    var outputs: [SessionTensor]
    /// How long the child took to load and prepare the model, where it knows.
    var loadNanoseconds: Int64?
  }

  struct Failure: Codable {
    var code: String
    var message: String
  }

  init(_ kind: Kind, _ value: some Encodable) throws(RuntimeError) {
    let encoder = JSONEncoder()
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    do {
      payload = [UInt8](try encoder.encode(value))
    } catch {
      throw RuntimeError(.environment, "cannot encode a message to another process: \(error)")
    }
    guard payload.count <= Self.maximumByteCount else {
      throw RuntimeError(
        .environment,
        "the description of the model's inputs and outputs takes \(payload.count) bytes, more than "
          + "the \(Self.maximumByteCount) a message may have; run with --in-process instead")
    }
    self.kind = kind
  }

  /// The payload as a value, or nil where it is not one.
  func value<Value: Decodable>(_: Value.Type) -> Value? {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return try? decoder.decode(Value.self, from: Data(payload))
  }

  init(failure: RuntimeError) {
    let limited = Failure(
      code: failure.code.description, message: String(failure.message.prefix(100_000)))
    do {
      self = try HostMessage(.failed, limited)
    } catch {
      self = HostMessage(kind: .failed)
    }
  }

  /// A report: nanoseconds, resident and peak bytes as 64-bit integers, then the ops as JSON where there are any.
  init(report: RunReport) throws(RuntimeError) {
    if report.ops.isEmpty {
      self.init(kind: .done)
    } else {
      try self.init(.done, report.ops)
    }
    payload =
      Self.bytes(of: report.inferenceTime.wholeNanoseconds)
      + Self.bytes(of: Int64(report.residentMemoryInBytes ?? -1))
      + Self.bytes(of: Int64(report.peakMemoryInBytes ?? -1)) + payload
  }

  /// The report in the payload, or nil where there is none.
  var report: RunReport? {
    guard payload.count >= 24 else { return nil }
    let nanoseconds = Self.integer(payload[0..<8])
    let resident = Self.integer(payload[8..<16])
    let peak = Self.integer(payload[16..<24])
    guard nanoseconds >= 0 else { return nil }
    var ops: [OpTiming] = []
    if payload.count > 24 {
      let rest = HostMessage(kind: .done, payload: Array(payload[24...]))
      guard let timings = rest.value([OpTiming].self) else { return nil }
      ops = timings
    }
    return RunReport(
      inferenceTime: .nanoseconds(nanoseconds), ops: ops,
      residentMemoryInBytes: resident < 0 ? nil : Int(exactly: resident),
      peakMemoryInBytes: peak < 0 ? nil : Int(exactly: peak))
  }

  private static func bytes(of value: Int64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  private static func integer(_ bytes: ArraySlice<UInt8>) -> Int64 {
    bytes.reversed().reduce(0) { $0 << 8 | Int64($1) }
  }
}

/// Puts messages together from the pieces in which they arrive.
struct HostMessageParser {
  private var pending: [UInt8] = []

  enum Step {
    case message(HostMessage)
    case incomplete
    case garbage(String)
  }

  mutating func append(_ bytes: some Sequence<UInt8>) { pending.append(contentsOf: bytes) }

  /// Takes the next whole message.
  mutating func next() -> Step {
    guard pending.count >= HostMessage.headerByteCount else { return .incomplete }
    let count = (0..<4).reduce(0) { $0 | Int(pending[$1]) << (8 * $1) }
    guard count <= HostMessage.maximumByteCount else {
      return .garbage("a message claims \(count) bytes")
    }
    guard let kind = HostMessage.Kind(rawValue: pending[4]) else {
      return .garbage("a message has the unknown kind \(pending[4])")
    }
    let end = HostMessage.headerByteCount + count
    guard pending.count >= end else { return .incomplete }
    let payload = Array(pending[HostMessage.headerByteCount..<end])
    pending.removeFirst(end)
    return .message(HostMessage(kind: kind, payload: payload))
  }
}
