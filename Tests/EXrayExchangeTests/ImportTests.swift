import EXrayCore
import EXrayExchange
import EXrayTestKit
import EXrayTrace
import Foundation
import Testing

/// Runs of ML-EXray, made by `Scripts/make_mlexray_traces.py` from values that NumPy keeps.
@Suite("Runs of ML-EXray")
struct ImportTests {
  private struct Expected: Decodable {
    struct Tensor: Decodable {
      var elementType: String
      var shape: [Int]
      var bytes: String
    }
    var frames: [String: [String: Tensor]]
    var refused: [String]
    var times: [String: UInt64]
    var inference: [String: UInt64]
    var endToEnd: [String: UInt64]
  }

  static let fixtures = Requirements.packageRoot
    .appending(path: "Tests/EXrayExchangeTests/Fixtures")

  private func hexadecimal(_ bytes: RawSpan) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for byte in unsafe bytes.withUnsafeBytes({ unsafe [UInt8]($0) }) {
      text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// Imports a run and compares every tensor and time with what NumPy had.
  private func check(_ run: URL) throws {
    try withTemporaryFolder { folder in
      let path = folder.appending(path: "run.mcap").path
      let summary = try MLEXrayImport(folder: run.path).write(to: path, tool: "test")
      let expected = try JSONDecoder().decode(
        Expected.self, from: Data(contentsOf: run.appending(path: "expected.json")))
      let trace = try TraceReader(path: path)
      #expect(trace.isComplete && trace.frames.count == expected.frames.count)
      #expect(Set(summary.findings.compactMap(\.tensor)) == Set(expected.refused))
      for (position, frame) in trace.frames.enumerated() {
        let key = "\(frame.index)"
        #expect(frame.timeNanoseconds == expected.times[key])
        let latency = try #require(try trace.latency(frame: position))
        #expect(latency.inferenceNanoseconds == expected.inference[key])
        #expect(latency.endToEndNanoseconds == expected.endToEnd[key])
        var missing = try #require(expected.frames[key])
        for (stream, tensor) in trace.tensors.enumerated() {
          try trace.withTensor(stream, frame: position) { bytes in
            let name = "\(tensor.role.rawValue) \(tensor.description.name)"
            let wanted = try #require(missing[name], "\(name) in frame \(key)")
            missing[name] = nil
            #expect(tensor.description.elementType.rawValue == wanted.elementType, "\(name)")
            #expect(tensor.description.shape.dimensions == wanted.shape, "\(name)")
            let isSame = hexadecimal(bytes) == wanted.bytes
            #expect(isSame, "\(name) in frame \(key)")
          }
        }
        #expect(missing.keys.sorted() == [])
      }
    }
  }

  @Test(
    "Every value of each layout is the one that was logged",
    arguments: ["python", "stream", "android"])
  func values(name: String) throws {
    try check(Self.fixtures.appending(path: name))
  }

  @Test(
    "Each text becomes the value that Python makes of it",
    .enabled(if: Requirements.python != nil || Requirements.areStrict))
  func spellings() throws {
    let python = try #require(Requirements.python, "no .deps/python; run make setup")
    try withTemporaryFolder { folder in
      let outcome = try BuiltTool.run(
        python, ["Scripts/make_mlexray_traces.py", "--large", folder.path, "300000"])
      try #require(outcome.status == 0, "\(outcome.errors)")
      try check(folder)
    }
  }

  private func imported<Result>(
    _ name: String, _ body: (TraceReader, MLEXrayImport.Summary) throws -> Result
  ) throws -> Result {
    try withTemporaryFolder { folder in
      let path = folder.appending(path: "run.mcap").path
      let summary = try MLEXrayImport(folder: Self.fixtures.appending(path: name).path)
        .write(to: path, tool: "test")
      return try body(try TraceReader(path: path), summary)
    }
  }

  @Test("Refused values are findings of the trace too, and tell why")
  func findings() throws {
    try imported("python") { trace, summary in
      let elided = try #require(summary.findings.first { $0.tensor == "elided" })
      #expect(elided.message.contains("...") && elided.firstFrame == 1 && elided.count == 1)
      let noted = try trace.findings(frame: 1)
      #expect(noted.contains { $0.tensor == "ragged" && $0.outcome == .inconclusive })
      #expect(try trace.findings(frame: 0).isEmpty)
    }
    try imported("stream") { _, summary in
      let cut = try #require(summary.findings.first { $0.tensor == "cut off" })
      #expect(cut.message.contains("5 values") && cut.count == 2)
    }
  }

  @Test("An Android app's sensors are typed, others are scalars, pictures are kept")
  func android() throws {
    try imported("android") { trace, summary in
      #expect(summary.findings == [] && trace.run.model == "MobileNetV2")
      var readings: [SensorReading] = []
      for kind in SensorReading.kinds {
        try trace.forEachReading(of: kind) { reading, _ in readings.append(reading) }
      }
      // Both frames' logs hold the same readings.
      #expect(readings.count == 10)
      #expect(readings.contains(.accelerometer(x: 0.125, y: -9.75, z: Double(Float(1e-4)))))
      #expect(readings.contains(.orientation(x: 0, y: 0, z: 0, w: 1)))
      #expect(readings.contains(.light(312.5)))
      var scalars: [ScalarSample] = []
      try trace.forEachScalar { scalar, _ in scalars.append(scalar) }
      #expect(scalars.first == ScalarSample(name: "BMP380 Pressure[0]", value: 1013.25))
      let raw = try #require(try trace.rawInput(frame: 1))
      let picture = try Data(contentsOf: Self.fixtures.appending(path: "android/input/1.png"))
      #expect(raw.mediaType == "image/png" && Data(raw.bytes) == picture)
      #expect(trace.frames[1].name == "1.png")
    }
  }

  @Test("A C++ log's op times are spans and its memory a scalar")
  func stream() throws {
    try imported("stream") { trace, _ in
      let span = try #require(try trace.spans(frame: 0).first)
      #expect(span.name == "Resizing" && span.durationNanoseconds == 3_250_000)
      let scalar = ScalarSample(name: "max resident set size (MB)", value: 1.5)
      #expect(try trace.scalars(frame: 0) == [scalar])
      #expect(trace.run.capture == "layers")
    }
  }

  @Test("The parent of one run is that run; of none or several it is an error that lists them")
  func parents() throws {
    try withTemporaryFolder { folder in
      let path = folder.appending(path: "out.mcap").path
      let error = #expect(throws: ExchangeError.self) {
        try MLEXrayImport(folder: Self.fixtures.path)
      }
      #expect(error?.code == .noRun && error?.message.contains("android, python, stream") == true)
      #expect(throws: ExchangeError.self) { try MLEXrayImport(folder: folder.path) }
      #expect(throws: ExchangeError.self) { try MLEXrayImport(folder: "/no/such/folder") }
      try FileManager.default.copyItem(
        at: Self.fixtures.appending(path: "python"), to: folder.appending(path: "run"))
      let summary = try MLEXrayImport(folder: folder.path).write(to: path, tool: "test")
      #expect(summary.frames == 2)
    }
  }

  @Test("A missing log is a finding, and its frame is there")
  func missing() throws {
    try withTemporaryFolder { folder in
      let run = folder.appending(path: "run")
      try FileManager.default.copyItem(at: Self.fixtures.appending(path: "python"), to: run)
      try FileManager.default.removeItem(at: run.appending(path: "nativeLog/00000000"))
      let path = folder.appending(path: "out.mcap").path
      let summary = try MLEXrayImport(folder: run.path).write(to: path, tool: "test")
      #expect(summary.findings.contains { $0.message == "nativeLog/00000000 is missing" })
      let trace = try TraceReader(path: path)
      #expect(try trace.latency(frame: 0)?.inferenceNanoseconds == 12_500_000)
    }
  }

  @Test("Damaged logs give a trace or an error, never a trap", arguments: 0..<40 as Range<UInt64>)
  func damaged(seed: UInt64) throws {
    try withTemporaryFolder { folder in
      var random = SplitMix64(seed: seed)
      let run = folder.appending(path: "run")
      let name = ["python", "stream", "android"][Int(seed % 3)]
      try FileManager.default.copyItem(at: Self.fixtures.appending(path: name), to: run)
      let files = try FileManager.default.subpathsOfDirectory(atPath: run.path)
        .filter { $0.contains("og/") }.sorted()
      let file = run.appending(path: try #require(files.randomElement(using: &random)))
      var bytes = [UInt8](try Data(contentsOf: file))
      for _ in 0..<Int.random(in: 1...20, using: &random) where !bytes.isEmpty {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch UInt8.random(in: 0..<4, using: &random) {
        case 0: bytes[place] = UInt8.random(in: .min ... .max, using: &random)
        case 1: bytes.removeSubrange(place...)
        case 2: bytes.insert(contentsOf: "[[:.e99\n".utf8, at: place)
        default: bytes.remove(at: place)
        }
      }
      try Data(bytes).write(to: file)
      let path = folder.appending(path: "out.mcap").path
      let summary = try MLEXrayImport(folder: run.path).write(to: path, tool: "test")
      let trace = try TraceReader(path: path)
      #expect(summary.frames == 2 && trace.frames.count == 2)
    }
  }
}
