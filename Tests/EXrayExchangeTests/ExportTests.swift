import EXrayCore
import EXrayExchange
import EXrayTestKit
import EXrayTrace
import Foundation
import Testing

/// What other programs read of an export is what the official `mcap` package reads of the trace.
@Suite("Exports", .enabled(if: Requirements.python != nil || Requirements.areStrict))
struct ExportTests {
  /// Names that a file system, an archive or JSON could take amiss.
  private static let names = [
    "image:0", "../../etc/passwd", "/abs/olute", "a\"b\\c\n\u{1F600}", "", "same", "same", "SAME",
    "__metadata__", "..", "CON", String(repeating: "long", count: 100), "index.json", "a//b/./c",
    "blank name", "index-json",
  ]

  /// A trace with a tensor of each type, overlapping frames, and everything else that is exported.
  private func write(to path: String) throws {
    var random = SplitMix64(seed: 7)
    var writer = try TraceWriter(path: path, run: RunDescription(model: "m\"1\".tflite", tool: "t"))
    let types = ElementType.allCases.filter { $0.bitWidth != nil }
    var positions: [Int] = []
    for (index, type) in types.enumerated() {
      let role: TensorRole = index == 0 ? .input : index == 1 ? .output : .layer
      positions.append(
        try writer.addTensor(
          TensorStream(
            role: role, index: index,
            description: TensorDescription(
              name: Self.names[index % Self.names.count], elementType: type,
              shape: index % 4 == 3 ? [] : [1, 3, index % 3 + 1]))))
    }
    let custom = try writer.addTensor(
      TensorStream(
        role: .custom, index: 0,
        description: TensorDescription(name: "often", elementType: .uint8, shape: [2])))
    for frame: UInt32 in [0, 1, 2, 5] {
      let time = 1_700_000_000_000_000_123 + UInt64(frame) * 700_000
      for (index, position) in positions.enumerated() where index % 5 != 4 || frame != 1 {
        let shape: Shape = index % 4 == 3 ? [] : [1, 3, index % 3 + 1]
        let count = shape.byteCount(of: types[index]) ?? 0
        let bytes = (0..<count).map { _ -> UInt8 in
          types[index] == .bool
            ? UInt8.random(in: 0...1, using: &random)
            : UInt8.random(in: .min ... .max, using: &random)
        }
        unsafe try writer.write(bytes.span.bytes, toTensor: position, frame: frame, time: time)
      }
      for value: UInt8 in 0...1 {
        let bytes = [value, UInt8(frame)]
        unsafe try writer.write(bytes.span.bytes, toTensor: custom, frame: frame, time: time)
      }
      try writer.write(
        ScalarSample(name: "battery, \"%\"", value: 0.1 + Double(frame)), frame: frame, time: time)
      var record = FrameRecord(
        frame: FrameDescription(
          index: Int(frame), name: "a,\"\(frame)\"\nb", label: frame == 2 ? "7" : nil,
          timeNanoseconds: time),
        latency: LatencySample(
          preprocessNanoseconds: 100_001, inferenceNanoseconds: 500_000,
          endToEndNanoseconds: 900_000),
        memory: MemorySample(residentBytes: 1 << 40 + UInt64(frame), peakBytes: 1 << 41))
      record.spans = [
        SpanSample(
          name: "inference", startNanoseconds: time + 100_001, durationNanoseconds: 500_000),
        SpanSample(name: "astride", startNanoseconds: time + 400_000, durationNanoseconds: 400_003),
        SpanSample(name: "empty", startNanoseconds: time + 5, durationNanoseconds: 0),
      ]
      record.ops = [
        OpTimingSample(label: "CONV_2D", opIndex: 0, microseconds: 300),
        OpTimingSample(label: "Delegate/Convolution, \"NHWC\"", opIndex: nil, microseconds: 199),
        // Rounded up, the ops take longer than inference.
        OpTimingSample(label: "SOFTMAX", opIndex: 2, microseconds: 2),
      ]
      try writer.write(record)
      try writer.write(.accelerometer(x: 0.5, y: -9.75, z: 1e-7), time: time + 3)
      try writer.write(.light(312.5), time: time + 4)
    }
    try writer.write(ScalarSample(name: "outside", value: -1e300), frame: nil, time: 5)
    try writer.finish()
  }

  private func export(
    _ path: String, to folder: URL, _ selection: TraceSelection = TraceSelection()
  ) throws -> [TraceExport.Summary] {
    let export = try TraceExport(TraceReader(path: path), selection: selection)
    return [
      try export.writeNPY(toFolder: folder.appending(path: "npy").path),
      try export.writeNPZ(to: folder.appending(path: "tensors.npz").path),
      try export.writeSafetensors(to: folder.appending(path: "tensors.safetensors").path),
    ]
  }

  private func check(_ path: String, _ folder: URL) throws -> BuiltTool.Outcome {
    let python = try #require(Requirements.python, "no .deps/python; run make setup")
    return try BuiltTool.run(python, ["Scripts/check_export.py", path, folder.path])
  }

  @Test("NumPy, safetensors, csv and json read what the trace holds, and a changed file is noticed")
  func identical() throws {
    try withTemporaryFolder { folder in
      let path = folder.appending(path: "a.mcap").path
      let exported = folder.appending(path: "out")
      try FileManager.default.createDirectory(at: exported, withIntermediateDirectories: true)
      try write(to: path)
      let summaries = try export(path, to: exported)
      #expect(summaries[0].skipped == [] && summaries[1].skipped == [])
      #expect(summaries[2].skipped.allSatisfy { $0.contains("complex128") })
      let all = try TraceExport(TraceReader(path: path))
      _ = try all.writeCSV(toFolder: exported.appending(path: "csv").path)
      _ = try all.writePerfetto(to: exported.appending(path: "timeline.json").path)
      let outcome = try check(path, exported)
      #expect(outcome.output == "identical\n", "\(outcome.output)\(outcome.errors)")
      let leftovers = try FileManager.default.subpathsOfDirectory(atPath: folder.path)
        .filter { $0.hasSuffix(".partial") }
      #expect(leftovers == [])

      let file = exported.appending(path: "tensors.safetensors")
      var bytes = try Data(contentsOf: file)
      bytes[bytes.count - 1] ^= 1
      try bytes.write(to: file)
      let changed = try check(path, exported)
      #expect(changed.status == 1 && changed.output.contains("has other values"))
    }
  }

  @Test("Chosen tensors and frames only", arguments: ["often", "layers", "/layers/000?", "im*:0"])
  func chosen(pattern: String) throws {
    try withTemporaryFolder { folder in
      let path = folder.appending(path: "a.mcap").path
      try write(to: path)
      let exported = folder.appending(path: "out")
      let summaries = try export(
        path, to: exported,
        TraceSelection(tensors: [pattern], frames: try TraceSelection.frames(parsing: "1-2,5-")))
      let outcome = try check(path, exported)
      #expect(outcome.output == "identical\n", "\(outcome.output)\(outcome.errors)")
      let index = try String(
        contentsOf: exported.appending(path: "npy/index.json"), encoding: .utf8)
      #expect(index.contains(#""frames":[1,2,5]"#))
      let streams = try TraceReader(path: path).tensors
      let expected =
        switch pattern {
        case "layers": streams.filter { $0.role == .layer }.count
        case "/layers/000?": streams.filter { $0.role == .layer && $0.index < 10 }.count
        default:
          streams.filter { $0.description.name == (pattern == "often" ? pattern : "image:0") }.count
        }
      #expect(summaries[0].count == expected && expected > 0)
    }
  }

  @Test("Equal traces give equal bytes")
  func repeatable() throws {
    try withTemporaryFolder { folder in
      let path = folder.appending(path: "a.mcap").path
      try write(to: path)
      let places = ["one", "two"].map { folder.appending(path: $0) }
      for place in places { _ = try export(path, to: place) }
      for file in ["tensors.npz", "tensors.safetensors", "npy/index.json"] {
        let contents = try places.map { try Data(contentsOf: $0.appending(path: file)) }
        #expect(contents[0] == contents[1] && !contents[0].isEmpty, "\(file)")
      }
    }
  }

  @Test("No name of a tensor leads out of the folder")
  func contained() throws {
    try withTemporaryFolder { folder in
      let path = folder.appending(path: "a.mcap").path
      try write(to: path)
      let exported = folder.appending(path: "deep/down/out")
      let before = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      let summaries = try export(path, to: exported)
      for file in summaries[0].files {
        #expect(!file.contains("/") && !file.hasPrefix(".") && file.utf8.count < 200, "\(file)")
      }
      let after = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      #expect(Set(after) == Set(before).union(["deep"]))
    }
  }

  @Test("What fits nothing, and a folder in a file's place, are errors that say so")
  func errors() throws {
    try withTemporaryFolder { folder in
      let path = folder.appending(path: "a.mcap").path
      try write(to: path)
      let trace = try TraceReader(path: path)
      func code(_ selection: TraceSelection) -> ExchangeError.Code? {
        let error = #expect(throws: ExchangeError.self) {
          try TraceExport(trace, selection: selection)
            .writeNPZ(to: folder.appending(path: "x.npz").path)
        }
        return error?.code
      }
      #expect(code(TraceSelection(tensors: ["no such"])) == .nothingChosen)
      #expect(code(TraceSelection(frames: [77...99])) == .nothingChosen)
      #expect(!FileManager.default.fileExists(atPath: folder.appending(path: "x.npz").path))
      let error = #expect(throws: ExchangeError.self) {
        try TraceExport(trace).writePerfetto(to: folder.path)
      }
      #expect(error?.code == .unwritable)
    }
  }

  @Test(
    "A list of frames that is none is refused", arguments: ["", "a", "3-1", "1-2-3", "-4", "1,,2"])
  func badFrames(text: String) {
    #expect(throws: ExchangeError.self) { try TraceSelection.frames(parsing: text) }
  }
}
