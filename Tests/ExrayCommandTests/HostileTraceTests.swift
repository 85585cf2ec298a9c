import EXrayCore
import EXrayTestKit
import EXrayTrace
import Foundation
import Testing

/// `exray compare` of traces that nobody's app would write.
struct HostileTraceTests {
  struct Pair: Sendable, CustomTestStringConvertible {
    var testDescription: String
    /// The exit codes that make sense.
    var codes: Set<Int32>
    /// Words of the report, or of the one line.
    var words: [String]
    var options: [String] = []
    var change: @Sendable (_ candidate: inout TraceMaker, _ reference: inout TraceMaker) -> Void

    init(
      _ description: String, _ codes: Int32..., says words: [String] = [], options: [String] = [],
      change: @escaping @Sendable (inout TraceMaker, inout TraceMaker) -> Void
    ) {
      testDescription = description
      self.codes = Set(codes)
      self.words = words
      self.options = options
      self.change = change
    }
  }

  private static func quantized(_ scales: [Float], axis: Int = 0) -> TensorDescription {
    TensorDescription(
      name: "quantized", elementType: .int8, shape: [2, 3],
      quantization: Quantization(scales: scales, axis: axis))
  }

  private static func add(
    _ description: TensorDescription, _ value: UInt8, to traces: inout [TraceMaker]
  ) {
    for index in traces.indices {
      traces[index].add(.layer, description)
      let bytes = [UInt8](repeating: value, count: description.byteCount ?? 5)
      for frame in traces[index].frames.indices { traces[index].frames[frame].values.append(bytes) }
    }
  }

  private static func add(
    _ description: TensorDescription, _ value: UInt8, _ one: inout TraceMaker,
    _ other: inout TraceMaker
  ) {
    var both = [one, other]
    add(description, value, to: &both)
    one = both[0]
    other = both[1]
  }

  static let pairs: [Pair] = [
    Pair("the same run twice", 0) { _, _ in },
    Pair("frames of which one run has fewer", 0, says: ["2 of 4 frames"]) { candidate, _ in
      candidate.frames.removeLast(2)
    },
    Pair("frames of other names, as many", 0) { candidate, _ in
      for index in candidate.frames.indices { candidate.frames[index].name = "other\(index)" }
    },
    Pair("frames of other names, not as many", 3, says: ["0 of 4 frames"]) { candidate, _ in
      candidate.frames.removeLast()
      for index in candidate.frames.indices { candidate.frames[index].name = "other\(index)" }
    },
    Pair("no frames at all", 3) { candidate, reference in
      candidate.frames = []
      reference.frames = []
    },
    Pair("frames that are all called the same", 0) { candidate, reference in
      for index in 0..<4 {
        candidate.frames[index].name = ""
        reference.frames[index] = candidate.frames[0]
        reference.frames[index].name = ""
      }
      candidate.frames = reference.frames
    },
    Pair("a candidate without layers", 0, 3) { candidate, _ in
      candidate.tensors.removeSubrange(1...2)
      for index in candidate.frames.indices {
        candidate.frames[index].values.removeSubrange(1...2)
      }
    },
    Pair("no tensors on either side", 3) { candidate, reference in
      candidate.tensors = []
      reference.tensors = []
      for index in 0..<4 {
        candidate.frames[index].values = []
        reference.frames[index].values = []
      }
    },
    Pair("another model with other names and shapes", 1, 3) { candidate, _ in
      candidate.tensors = []
      candidate.add(.input, "sound", [1, 400])
      candidate.add(.layer, "mel", [1, 7])
      candidate.add(.output, "words", [1, 9])
      candidate.run.modelSHA256 = String(repeating: "cd", count: 32)
      candidate.fill { Float($0) }
    },
    Pair("the same names with other types", 0, 1, 3) { candidate, _ in
      for index in candidate.tensors.indices {
        let stream = candidate.tensors[index]
        var description = stream.description
        description.elementType = .int32
        candidate.tensors[index].description = description
      }
    },
    Pair("nothing but not-a-numbers in the candidate", 1, 3) { candidate, _ in
      candidate.fill { _ in .nan }
    },
    Pair("nothing but not-a-numbers on both sides", 0, 1, 3) { candidate, reference in
      candidate.fill { _ in .nan }
      reference.fill { _ in .nan }
    },
    Pair("infinities in the candidate", 1, 3) { candidate, _ in
      candidate.fill { $0 % 2 == 0 ? .infinity : -.infinity }
    },
    Pair("infinities on both sides", 0, 1, 3) { candidate, reference in
      candidate.fill { $0 % 2 == 0 ? .infinity : -.infinity }
      reference.fill { $0 % 2 == 0 ? -.infinity : .infinity }
    },
    Pair("the largest numbers there are", 1, 3) { candidate, reference in
      candidate.fill { $0 % 2 == 0 ? .greatestFiniteMagnitude : -.greatestFiniteMagnitude }
      reference.fill { $0 % 2 == 0 ? -.greatestFiniteMagnitude : .greatestFiniteMagnitude }
    },
    Pair("the smallest numbers there are", 0, 1, 3) { candidate, reference in
      candidate.fill { _ in .leastNonzeroMagnitude }
      reference.fill { _ in -.leastNonzeroMagnitude }
    },
    Pair("zeros on both sides", 0, 3) { candidate, reference in
      candidate.fill { _ in 0 }
      reference.fill { _ in 0 }
    },
    Pair("tensors of no values", 0) { candidate, reference in
      add(
        TensorDescription(name: "nothing", elementType: .float32, shape: [0, 1_000_000_000]), 0,
        &candidate, &reference)
    },
    Pair("tensors of text", 0) { candidate, reference in
      add(
        TensorDescription(name: "text", elementType: .string, shape: [1_000_000_000, 8]), 1,
        &candidate, &reference)
    },
    Pair("tensors of complex numbers", 0) { candidate, reference in
      add(
        TensorDescription(name: "wave", elementType: .complex64, shape: [3]), 0x41, &candidate,
        &reference)
    },
    Pair("layers that are all called the same", 0) { candidate, reference in
      for index in candidate.tensors.indices {
        candidate.tensors[index].description.name = "x"
        reference.tensors[index].description.name = "x"
      }
    },
    Pair("frames that lack tensors here and there", 0, 1, 3) { candidate, reference in
      for index in 0..<4 {
        candidate.frames[index].values[index] = nil
        reference.frames[index].values[4 - index] = nil
      }
    },
    Pair("frames that lack all their inputs", 0, 1, 3) { candidate, reference in
      for index in 0..<4 { candidate.frames[index].values[0] = nil }
    },
    Pair("labels beyond any class", 0, options: ["--label-offset", "1"]) { candidate, reference in
      for index in 0..<4 {
        candidate.frames[index].label = "\(Int.max)"
        reference.frames[index].label = "\(Int.max)"
      }
    },
    Pair("labels that are no numbers", 0) { candidate, reference in
      for index in 0..<4 { reference.frames[index].label = "cat" }
    },
    Pair("latencies of 600 years", 0) { candidate, reference in
      for index in 0..<4 { candidate.frames[index].nanoseconds = .max }
    },
    Pair("raw pictures that are none, under inputs that differ", 1, 3) { candidate, reference in
      let recipe = #"{"exrayRecipe": 1, "normalize": "[-1,1]"}"#
      reference.run.recipe = recipe
      candidate.run.recipe = recipe
      candidate.fill { Float($0 % 7) }
      for index in 0..<4 {
        let raw = RawInput(
          mediaType: "image/jpeg", name: "broken.jpg", bytes: [0xFF, 0xD8, 0xFF, 0xE0, 0])
        candidate.frames[index].raw = raw
        reference.frames[index].raw = raw
      }
    },
    Pair("a recipe that does not fit the input", 1, 2, 3) { candidate, reference in
      reference.run.recipe =
        #"{"exrayRecipe": 1, "resize": {"width": 999, "height": 3}, "color": "GRAY"}"#
      candidate.fill { Float($0 % 7) }
    },
    Pair("a recipe that is no JSON", 2, says: ["reference.mcap", "byte 1"]) { _, reference in
      reference.run.recipe = "{"
    },
    Pair("a recipe of unknown keys", 2, says: ["reference.mcap", "colour"]) { _, reference in
      reference.run.recipe = #"{"colour": "RGB"}"#
    },
    Pair("names that steer a terminal", 1, 3, says: []) { candidate, reference in
      let name = "a\u{1b}[31mred\u{7}\r\nsecond\u{202e}line"
      candidate.run.model = name
      candidate.run.device = name
      candidate.run.kernels = name
      for index in candidate.tensors.indices {
        candidate.tensors[index].description.name = name
        reference.tensors[index].description.name = name
      }
      for index in 0..<4 {
        candidate.frames[index].name = name + "\(index)"
        reference.frames[index].name = name + "\(index)"
      }
      candidate.fill { Float($0 % 7) }
    },
    Pair("names of 100,000 letters", 1, 3) { candidate, reference in
      let name = String(repeating: "name/", count: 20_000)
      candidate.run.model = name
      for index in candidate.tensors.indices {
        candidate.tensors[index].description.name = name
        reference.tensors[index].description.name = name
      }
      candidate.fill { Float($0 % 7) }
    },
    Pair("a layer of the candidate that stands still", 3, says: ["1 of 4 layers", "every frame"]) {
      candidate, _ in
      for index in 1..<4 { candidate.frames[index].values[1] = candidate.frames[0].values[1] }
    },
    Pair("a layer of the reference that stands still", 3, says: ["second of the reference"]) {
      _, reference in
      for index in 1..<4 { reference.frames[index].values[2] = reference.frames[0].values[2] }
    },
    Pair(
      "a layer in the memory of another", 3, says: ["second of the candidate", "values of first"]
    ) {
      candidate, _ in
      for index in candidate.frames.indices {
        let frame = candidate.frames[index]
        candidate.frames[index].values[2] = frame.values[1].map { Array($0.prefix(512)) }
      }
    },
    Pair("the same values from two models", 3, says: ["to the last bit"]) { candidate, _ in
      candidate.run.modelSHA256 = String(repeating: "cd", count: 32)
    },
    Pair("outputs that never change on either side", 3, says: ["all 4 frames"]) {
      candidate, reference in
      for index in 1..<4 {
        for output in 3...4 {
          candidate.frames[index].values[output] = candidate.frames[0].values[output]
          reference.frames[index].values[output] = reference.frames[0].values[output]
        }
      }
    },
    Pair("one frame of four in both runs", 3, says: ["only 1 of 4 frames"]) { candidate, _ in
      candidate.frames.removeLast(3)
    },
    Pair("a scale for each row", 0) { candidate, reference in
      add(quantized([0.5, 0.25]), 3, &candidate, &reference)
    },
    Pair("a scale of almost 0 on one side", 1) { candidate, reference in
      add(quantized([1e-38]), 3, &candidate, &reference)
      reference.tensors[5].description = quantized([3e37])
    },
  ]

  @Test(arguments: pairs)
  func `ends in findings, in inconclusive or in one clear line`(_ pair: Pair) throws {
    try withSandbox { sandbox in
      var candidate = TraceMaker()
      var reference = TraceMaker()
      pair.change(&candidate, &reference)
      let paths = [
        try candidate.write(sandbox.path("candidate.mcap")),
        try reference.write(sandbox.path("reference.mcap")),
      ]
      let reports = ["json", "html", "junit", "markdown"]
      let outcome = try BuiltTool.run(
        ["compare"] + paths + pair.options
          + reports.flatMap { ["--\($0)", sandbox.output + "/report.\($0)"] })
      #expect(pair.codes.contains(outcome.status), "\(outcome.status): \(outcome.errors)")
      if outcome.status == 2 {
        #expect(outcome.faults(naming: sandbox.folder.path) == [], "\(outcome.errors)")
        #expect(try sandbox.written == [])
      } else {
        #expect(outcome.errors == "")
        #expect(try sandbox.written == reports.map { "report.\($0)" }.sorted())
        let json = try Data(contentsOf: URL(filePath: sandbox.output + "/report.json"))
        #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: json) }
      }
      let text = outcome.output + outcome.errors
      #expect(!text.unicodeScalars.contains { $0.value < 32 && $0 != "\n" || $0 == "\u{202e}" })
      for word in pair.words { #expect(text.contains(word), "\(text)") }
    }
  }

  @Test func `a trace can be inspected whatever its names are`() throws {
    try withSandbox { sandbox in
      var maker = TraceMaker()
      maker.run.model = "a\u{1b}[2J\nb"
      maker.run.recipe = "{\u{1b}\n"
      maker.frames[0].name = "frame\u{1b}[31m"
      maker.tensors[1].description.name = "layer\u{7}\n"
      let outcome = try BuiltTool.run(["inspect", maker.write(sandbox.path("t.mcap"))])
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(!outcome.output.unicodeScalars.contains { $0.value < 32 && $0 != "\n" })
    }
  }

  @Test(arguments: 0..<40)
  func `a damaged trace is read or refused`(seed: Int) throws {
    try withSandbox { sandbox in
      let reference = try TraceMaker(frames: 2).write(sandbox.path("reference.mcap"))
      var bytes = [UInt8](try Data(contentsOf: URL(filePath: reference)))
      var random = SplitMix64(seed: UInt64(seed))
      if seed % 4 == 0 {
        bytes.removeLast(Int.random(in: 1...bytes.count, using: &random))
      } else {
        // The descriptions lie at both ends; tensors in between.
        for _ in 0..<Int.random(in: 1...6, using: &random) {
          let place = Int.random(in: 0..<2500, using: &random)
          let index = Bool.random(using: &random) ? place : bytes.count - 1 - place
          bytes[index] = UInt8.random(in: 0...255, using: &random)
        }
      }
      let candidate = try sandbox.file("candidate.mcap", bytes)
      for arguments in [["inspect", candidate], ["compare", candidate, reference]] {
        let outcome = try BuiltTool.run(arguments)
        #expect((0...3).contains(outcome.status), "\(outcome.errors)")
        if outcome.status == 2 {
          #expect(outcome.faults(naming: candidate) == [], "\(outcome.errors)")
        }
      }
    }
  }
}
