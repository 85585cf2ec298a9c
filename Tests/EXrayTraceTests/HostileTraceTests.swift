import EXrayCore
import EXrayTestKit
import EXrayTrace
import Foundation
import MCAP
import Testing

@Suite("Damaged and hostile traces")
struct HostileTraceTests {
  /// Reads all there is, and gives the frames, or nil where an error was thrown.
  private func readEverything(_ bytes: [UInt8]) -> [Frame]? {
    do {
      let container = unsafe try Reader(copying: bytes.span.bytes, name: "test.mcap")
      return try frames(TraceReader(container: container))
    } catch {
      #expect(error is TraceError || error is MCAPError)
      return nil
    }
  }

  private func bytes(of trace: RandomTrace) throws -> [UInt8] {
    let folder = try TemporaryFolder()
    try trace.write(to: folder.path("a.mcap"))
    return try fileBytes(folder.path("a.mcap"))
  }

  @Test("A trace cut anywhere is refused, or read to its first frames", arguments: [1, 4, 6])
  func truncation(seed: UInt64) throws {
    let trace = RandomTrace(seed: seed, frameCount: 4, largest: 6)
    let bytes = try bytes(of: trace)
    var most = 0
    for count in 0...bytes.count {
      guard let found = readEverything(Array(bytes[..<count])) else { continue }
      #expect(found.elementsEqual(trace.frames.prefix(found.count)))
      #expect(found.count >= most)
      most = max(most, found.count)
    }
    #expect(most == trace.frames.count)
  }

  @Test("A flipped bit never traps and never changes a frame unseen", arguments: 0..<6)
  func flips(seed: UInt64) throws {
    let trace = RandomTrace(seed: seed, frameCount: 3, largest: 6)
    let bytes = try bytes(of: trace)
    var random = SplitMix64(seed: seed)
    for _ in 0..<1000 {
      var changed = bytes
      let place = Int.random(in: 0..<bytes.count, using: &random)
      changed[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      if let found = readEverything(changed) {
        #expect(found.elementsEqual(trace.frames.prefix(found.count)), "byte \(place)")
      }
    }
  }

  /// A container as a trace has it, with one thing changed.
  struct Crafted: Sendable {
    var name: String
    var words: String
    var code: TraceError.Code
    var profile = "exray"
    var run: [String: String]? = Crafted.goodRun
    var tensor: [String: String] = Crafted.goodTensor
    var topics = ["/frames", "/outputs/0"]
    var frames = [#"{"index":0,"name":"a","timeNanoseconds":5}"#]
    var payload: [UInt8] = [1, 2, 3, 4]
    var payloadCount = 1
    var tensorSequence: UInt32 = 0

    static let goodRun: [String: String] = [
      "formatVersion": "1", "model": "", "modelSHA256": "", "modelByteCount": "0", "runtime": "",
      "runtimeVersion": "", "kernels": "", "threads": "1", "capture": "io", "device": "",
      "operatingSystem": "", "tool": "", "startedNanoseconds": "0",
    ]
    static let goodTensor = [
      "role": "output", "index": "0", "name": "y", "elementType": "float32", "shape": "1",
    ]

    init(_ name: String, _ words: String, _ code: TraceError.Code, _ change: (inout Self) -> Void) {
      self.name = name
      self.words = words
      self.code = code
      change(&self)
    }

    func write(to path: String) throws {
      var writer = try Writer(path: path, profile: profile, library: "test")
      if let run { try writer.write(Metadata(name: "exray.run", entries: run)) }
      var ids: [String: UInt16] = [:]
      for topic in topics {
        let isTensor = topic.hasPrefix("/outputs")
        ids[topic] = try writer.addChannel(
          topic: topic, messageEncoding: isTensor ? "exray.tensor" : "json",
          metadata: isTensor ? tensor : [:])
      }
      if let id = ids["/outputs/0"] {
        for _ in 0..<payloadCount {
          unsafe try writer.write(
            payload.span.bytes, channelID: id, sequence: tensorSequence, logTime: 5)
        }
      }
      if let id = ids["/frames"] {
        for frame in frames {
          let json = Array(frame.utf8)
          unsafe try writer.write(json.span.bytes, channelID: id, sequence: 0, logTime: 5)
        }
      }
      try writer.finish()
    }
  }

  static let crafted: [Crafted] = [
    .init("other profile", "profile \"ros2\"", .notATrace) { $0.profile = "ros2" },
    .init("no run", "no description of the run", .invalidRun) { $0.run = nil },
    .init("newer format", "format version 2", .invalidRun) { $0.run?["formatVersion"] = "2" },
    .init("no model", "lacks the entry model", .invalidRun) { $0.run?["model"] = nil },
    .init("threads", "threads many", .invalidRun) { $0.run?["threads"] = "many" },
    .init("no frames", "no channel /frames", .invalidChannel) { $0.topics = ["/outputs/0"] },
    .init("same topic twice", "another channel has", .invalidChannel) {
      $0.topics = ["/frames", "/outputs/0", "/outputs/0"]
    },
    .init("no shape", "lacks the entry shape", .invalidChannel) { $0.tensor["shape"] = nil },
    .init("negative shape", "no memory holds", .invalidChannel) { $0.tensor["shape"] = "-1" },
    .init("huge shape", "no memory holds", .invalidChannel) {
      $0.tensor["shape"] = "9999999999,9999999999,9999999999"
    },
    .init("huge shape with 0", "no memory holds", .invalidChannel) {
      $0.tensor["shape"] = "0,9999999999,9999999999,9999999999"
    },
    .init("words as shape", "in shape", .invalidChannel) { $0.tensor["shape"] = "1,two" },
    .init("type", "element type float128", .invalidChannel) {
      $0.tensor["elementType"] = "float128"
    },
    .init("role", "has the role weight", .invalidChannel) { $0.tensor["role"] = "weight" },
    .init("index", "says it is /outputs/1", .invalidChannel) { $0.tensor["index"] = "1" },
    .init("NaN", "not a finite number", .invalidChannel) {
      $0.tensor.merge(["scales": "nan", "zeroPoints": "0", "axis": "0"]) { $1 }
    },
    .init("zero points", "1 scales and 2 zero points", .invalidChannel) {
      $0.tensor.merge(["scales": "1", "zeroPoints": "0,0", "axis": "0"]) { $1 }
    },
    .init("axis", "axis 7", .invalidChannel) {
      $0.tensor.merge(["scales": "1", "zeroPoints": "0", "axis": "7"]) { $1 }
    },
    .init("short payload", "holds 3 bytes", .invalidMessage) { $0.payload = [1, 2, 3] },
    .init("long payload", "holds 5 bytes", .invalidMessage) { $0.payload = [1, 2, 3, 4, 5] },
    .init("tensor twice", "a second /outputs/0 message of frame 0", .invalidMessage) {
      $0.payloadCount = 2
    },
    .init("frame twice", "two /frames messages", .invalidMessage) { $0.frames += $0.frames },
    .init("not JSON", "is JSON with", .invalidMessage) { $0.frames = ["{\"index\":"] },
    .init("deep JSON", "nested more than 32", .invalidMessage) {
      $0.frames = [String(repeating: "[", count: 100_000)]
    },
    .init("NaN in JSON", "an unexpected", .invalidMessage) {
      $0.frames = [#"{"index":NaN,"name":"a","timeNanoseconds":5}"#]
    },
    .init("negative index", "says it is frame -1", .invalidMessage) {
      $0.frames = [#"{"index":-1,"name":"a","timeNanoseconds":5}"#]
    },
    .init("fraction", "whole number index", .invalidMessage) {
      $0.frames = [#"{"index":0.5,"name":"a","timeNanoseconds":5}"#]
    },
    .init("absent raw input", "does not hold", .invalidMessage) {
      $0.frames = [
        #"{"index":0,"name":"a","timeNanoseconds":5,"raw":{"mediaType":"image/png","name":"p"}}"#
      ]
    },
  ]

  @Test("Each contradiction is named with the file", arguments: crafted)
  func contradictions(_ crafted: Crafted) throws {
    let folder = try TemporaryFolder()
    try crafted.write(to: folder.path("a.mcap"))
    let error = #expect(throws: TraceError.self) {
      try frames(TraceReader(path: folder.path("a.mcap")))
    }
    #expect(error?.message.contains(crafted.words) == true, "\(error?.description ?? "")")
    #expect(error?.code == crafted.code)
    #expect(error?.description.hasPrefix(folder.path("a.mcap") + ": ") == true)
  }

  @Test("The same container without a contradiction is a trace")
  func uncontradicted() throws {
    let folder = try TemporaryFolder()
    try Crafted("good", "", .container) { $0.topics.append("/later") }
      .write(to: folder.path("a.mcap"))
    let reader = try TraceReader(path: folder.path("a.mcap"))
    #expect(try frames(reader).map(\.tensors) == [[[1, 2, 3, 4]]])
    #expect(throws: TraceError.self) { try reader.latency(frame: 1) }
    #expect(throws: TraceError.self) { try reader.withTensor(1, frame: 0) { _ in } }
  }

  @Test("A frame without its record is passed over, in a finished trace too")
  func frameWithoutRecord() throws {
    let folder = try TemporaryFolder()
    try Crafted("", "", .container) { $0.tensorSequence = 7 }.write(to: folder.path("a.mcap"))
    let reader = try TraceReader(path: folder.path("a.mcap"))
    #expect(try frames(reader).map(\.tensors) == [[nil]])
    var moments: [SampleMoment] = []
    try reader.forEachValue(ofTensor: 0) { moments.append($1) }
    #expect(moments == [SampleMoment(frameIndex: 7, timeNanoseconds: 5)])
  }

  @Test("Damage found by a checksum says where, and a file that is none says so")
  func checksum() throws {
    let folder = try TemporaryFolder()
    try Crafted("good", "", .container) { _ in }.write(to: folder.path("a.mcap"))
    var bytes = try fileBytes(folder.path("a.mcap"))
    let place = try #require(bytes.indices.first { bytes[$0...].starts(with: [1, 2, 3, 4]) })
    bytes[place] = 9
    try Data(bytes).write(to: URL(filePath: folder.path("b.mcap")))
    let error = #expect(throws: TraceError.self) {
      try frames(TraceReader(path: folder.path("b.mcap")))
    }
    #expect(error?.underlying?.code == .checksumMismatch && error?.offset != nil)
    let unchecked = try TraceReader(path: folder.path("b.mcap"), verifiesChecksums: false)
    #expect(try frames(unchecked).map(\.tensors) == [[[9, 2, 3, 4]]])
    try Data("no trace".utf8).write(to: URL(filePath: folder.path("c.mcap")))
    let other = #expect(throws: TraceError.self) { try TraceReader(path: folder.path("c.mcap")) }
    #expect(other?.underlying?.code == .notMCAP)
  }
}
