import EXrayCore
import EXrayTrace

/// Turns a run that ML-EXray logged as text into a trace.
///
/// One frame's file is read at a time, in place; held in memory is one tensor. What is not in the text is not
/// made up: values that were left out, cut off or printed from stray memory are refused, as findings.
public struct MLEXrayImport {
  /// Something that was not taken over.
  public struct Finding: Sendable, Hashable {
    /// The tensor, where it is about one.
    public var tensor: String?
    /// What is wrong.
    public var message: String
    /// The first frame in which it is, where it is in one.
    public var firstFrame: Int?
    /// In how many places it is.
    public var count: Int
  }

  /// What an import came to.
  public struct Summary: Sendable, Hashable {
    /// Frames written.
    public var frames = 0
    /// Tensors of which there are values.
    public var tensors = 0
    /// Bytes of text read.
    public var textByteCount = 0
    /// What was not taken over, in the order of its first place.
    public var findings: [Finding] = []
  }

  private let folder: MLEXrayFolder

  /// Finds the run.
  ///
  /// - Parameter folder: The run's folder, or one that holds exactly one such folder.
  /// - Throws: ``ExchangeError`` `.noRun` or `.unreadable`.
  public init(folder: String) throws(ExchangeError) {
    self.folder = try MLEXrayFolder(searching: folder)
  }

  /// Writes the trace.
  ///
  /// - Parameters:
  ///   - path: The trace; an existing file is replaced when all is written.
  ///   - tool: Name and version of the program, for the run's description.
  ///   - progress: Called after each frame with the number of frames done and their total.
  /// - Throws: ``ExchangeError`` for a file that cannot be read, ``TraceError`` for a trace that cannot be written.
  public func write(
    to path: String, tool: String, progress: (Int, Int) -> Void = { _, _ in }
  ) throws -> Summary {
    let meta = folder.metaLines
    var run = RunDescription(
      model: meta.count > 1 ? meta[1] : "", runtimeVersion: "", capture: "none",
      tool: "\(tool), from ML-EXray's text")
    var session = try MLEXraySession(path: path, run: run)
    if let file = folder.initLog { try session.addInitialization(file) }
    for (done, frame) in folder.frames.enumerated() {
      try session.add(frame, of: folder)
      progress(done + 1, folder.frames.count)
    }
    run.capture = session.capture
    run.startedNanoseconds = session.startNanoseconds ?? 0
    return try session.finish(run)
  }
}

/// A trace that is being made from an ML-EXray run.
struct MLEXraySession: ~Copyable {
  private struct StreamKey: Hashable {
    var role: TensorRole
    var name: String
    /// How often the frame had the name before; models may use it twice.
    var occurrence: Int
  }

  private struct FindingKey: Hashable {
    var tensor: String?
    var message: String
  }

  /// Pictures larger than this are left out.
  private static let pictureByteLimit = 256 << 20
  /// Different findings that are listed.
  private static let findingLimit = 1000

  private var writer: TraceWriter
  private var summary = MLEXrayImport.Summary()
  private var indices: [StreamKey: Int] = [:]
  private var nextIndex: [TensorRole: Int] = [:]
  private var positions: [TensorStream: Int] = [:]
  private var findings: [FindingKey: Int] = [:]
  private(set) var startNanoseconds: UInt64?
  /// When the next frame begins where its log does not say.
  private var clock: UInt64 = 0

  init(path: String, run: RunDescription) throws {
    writer = try TraceWriter(path: path, run: run)
  }

  /// What kinds of tensors there were, as runs call it.
  var capture: String {
    if nextIndex[.layer] != nil { return "layers" }
    return nextIndex.isEmpty ? "none" : "io"
  }

  consuming func finish(_ run: RunDescription) throws -> MLEXrayImport.Summary {
    try writer.replaceRun(run)
    summary.tensors = positions.count
    let result = summary
    try writer.finish()
    return result
  }

  /// Notes how long the model took to load.
  mutating func addInitialization(_ path: String) throws {
    var quantities: [(key: String, value: Double, unit: String)] = []
    let file = try MappedText(path: path)
    file.withText { text in
      var log = MLEXrayFrameText()
      while let item = log.next(in: text) {
        if case .quantity(let key, let value, let unit) = item {
          quantities.append((key, value, unit))
        }
      }
    }
    for (key, value, unit) in quantities where !key.hasSuffix("Start time") {
      try writer.write(
        ScalarSample(name: name(key, unit), value: value), frame: nil, time: clock)
    }
  }

  mutating func add(_ number: UInt32, of folder: MLEXrayFolder) throws {
    let app = try readAppLog(number, folder)
    let time = app?.startNanoseconds ?? clock
    startNanoseconds = startNanoseconds ?? time
    var record = FrameRecord(
      frame: FrameDescription(
        index: Int(number), name: MLEXrayFolder.nativeName(number), timeNanoseconds: time))
    if let path = folder.picture(number) {
      try addPicture(path, number, &record)
    }
    var occurrences: [StreamKey: Int] = [:]
    if let result = app?.result {
      try add(result, "Inference Result", .custom, number, time, &occurrences)
    }
    if let path = folder.nativeLog(number) {
      let file = try MappedText(path: path)
      try file.withText { text in
        summary.textByteCount += text.count
        try addNativeLog(text, app, &record, &occurrences)
      }
    } else if folder.hasNativeLogs {
      try note(nil, "nativeLog/\(MLEXrayFolder.nativeName(number)) is missing", number, time)
    }
    if record.latency == nil, let inference = app?.inferenceNanoseconds {
      record.latency = LatencySample(
        preprocessNanoseconds: 0, inferenceNanoseconds: inference, endToEndNanoseconds: inference)
    }
    try addReadings(app?.readings ?? [])
    try writer.write(record)
    summary.frames += 1
    clock = time + (record.latency?.endToEndNanoseconds ?? 0)
  }

  private mutating func readAppLog(
    _ number: UInt32, _ folder: MLEXrayFolder
  ) throws -> MLEXrayAppLog? {
    guard let path = folder.appLog(number) else { return nil }
    let file = try MappedText(path: path)
    let log = file.withText { text in
      summary.textByteCount += text.count
      return MLEXrayAppLog(text)
    }
    if log.unknownLines > 0 {
      try note(nil, "log/N.log has lines of no known meaning", number, clock)
    }
    return log
  }

  private mutating func addNativeLog(
    _ text: Span<UInt8>, _ app: MLEXrayAppLog?, _ record: inout FrameRecord,
    _ occurrences: inout [StreamKey: Int]
  ) throws {
    let frame = UInt32(record.frame.index)
    let time = record.frame.timeNanoseconds
    var quantities: [(key: String, value: Double, unit: String)] = []
    var log = MLEXrayFrameText()
    while let item = log.next(in: text) {
      switch item {
      case .tensor(let name, let role, let array):
        try add(array, name, role, frame, time, &occurrences)
      case .refused(let name, let reason): try note(name, reason, frame, time)
      case .quantity(let key, let value, let unit): quantities.append((key, value, unit))
      case .unknown: try note(nil, "nativeLog has lines of no known meaning", frame, time)
      }
    }
    // Python's logger counts seconds, also where it writes "ms".
    let unit = log.isStream ? 1e-3 : 1
    var inference = app?.inferenceNanoseconds
    var endToEnd: UInt64?
    for (key, value, spelling) in quantities {
      switch key {
      case "Inference Latency":
        inference = MLEXrayAppLog.nanoseconds(seconds: value * unit) ?? inference
      case "FPS Latency":
        endToEnd = value * unit < 1e6 ? MLEXrayAppLog.nanoseconds(seconds: value * unit) : nil
        if endToEnd == nil {
          try note(
            nil, "FPS Latency is no latency; the app did not mark the frame's start", frame, time)
        }
      case _ where key.hasSuffix(" Start time"): break
      case _ where key.hasSuffix(" Latency"):
        guard let duration = MLEXrayAppLog.nanoseconds(seconds: value * unit) else { continue }
        record.spans.append(
          SpanSample(
            name: String(key.dropLast(8)), startNanoseconds: time, durationNanoseconds: duration))
      default:
        try writer.write(
          ScalarSample(name: name(key, spelling), value: value), frame: frame, time: time)
      }
    }
    guard inference != nil || endToEnd != nil else { return }
    record.latency = LatencySample(
      preprocessNanoseconds: 0, inferenceNanoseconds: inference ?? 0,
      endToEndNanoseconds: max(endToEnd ?? 0, inference ?? 0))
  }

  private mutating func add(
    _ array: TextArray, _ name: String, _ role: TensorRole, _ frame: UInt32, _ time: UInt64,
    _ occurrences: inout [StreamKey: Int]
  ) throws {
    var key = StreamKey(role: role, name: name, occurrence: 0)
    key.occurrence = occurrences[key, default: 0]
    occurrences[StreamKey(role: role, name: name, occurrence: 0), default: 0] += 1
    guard key.occurrence == 0 || role == .layer else {
      return try note(name, "is in the log of a frame twice", frame, time)
    }
    let index = indices[key] ?? nextIndex[role, default: 0]
    if indices[key] == nil {
      indices[key] = index
      nextIndex[role] = index + 1
    }
    let stream = TensorStream(
      role: role, index: index,
      description: TensorDescription(
        name: name, elementType: array.elementType, shape: Shape(array.dimensions)))
    let position = try positions[stream] ?? writer.addTensor(stream)
    positions[stream] = position
    try array.withBytes { bytes in
      try writer.write(bytes, toTensor: position, frame: frame, time: time)
    }
  }

  private mutating func addPicture(
    _ path: String, _ number: UInt32, _ record: inout FrameRecord
  ) throws {
    let time = record.frame.timeNanoseconds
    let file = try MappedText(path: path)
    let name = path.split(separator: "/").last.map(String.init) ?? path
    try file.withText { bytes in
      guard bytes.count <= Self.pictureByteLimit else {
        return try note(nil, "the picture is larger than 256 MiB", number, time)
      }
      try writer.writeRaw(
        unsafe bytes.bytes, mediaType: "image/png", name: name, frame: number, time: time)
      record.raw = RawDescription(
        mediaType: "image/png", name: name, byteCount: UInt64(bytes.count))
      record.frame.name = name
    }
  }

  private mutating func addReadings(_ readings: [MLEXrayAppLog.Reading]) throws {
    for reading in readings.sorted(by: { ($0.nanoseconds, $0.sensor) < ($1.nanoseconds, $1.sensor) }
    ) {
      if let typed = reading.typed {
        try writer.write(typed, time: reading.nanoseconds)
      } else {
        for (index, value) in reading.values.enumerated() {
          try writer.write(
            ScalarSample(name: "\(reading.sensor)[\(index)]", value: value), frame: nil,
            time: reading.nanoseconds)
        }
      }
    }
  }

  private mutating func note(
    _ tensor: String?, _ message: String, _ frame: UInt32, _ time: UInt64
  ) throws {
    let key = FindingKey(tensor: tensor, message: message)
    if let position = findings[key] {
      summary.findings[position].count += 1
    } else if findings.count < Self.findingLimit {
      findings[key] = summary.findings.count
      summary.findings.append(
        MLEXrayImport.Finding(tensor: tensor, message: message, firstFrame: Int(frame), count: 1))
    }
    try writer.write(
      FindingSample(check: "import", outcome: .inconclusive, message: message, tensor: tensor),
      frame: frame, time: time)
  }

  private func name(_ key: String, _ unit: String) -> String {
    unit.isEmpty ? key : "\(key) (\(unit))"
  }
}
