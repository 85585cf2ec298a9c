import EXrayTestKit
import Foundation
import MCAP

/// A folder that goes away with this value.
final class TemporaryFolder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "mcap-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func path(_ name: String) -> String { url.appending(path: name).path }

  var names: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: url.path).sorted() }
  }
}

func contents(of path: String) throws -> [UInt8] {
  [UInt8](try Data(contentsOf: URL(filePath: path)))
}

/// Opens a copy of bytes, cut or changed as a test likes.
func reader(
  _ bytes: [UInt8], access: ReaderAccess = .automatic
) throws(MCAPError) -> Reader {
  unsafe try Reader(copying: bytes.span.bytes, name: "test.mcap", access: access)
}

/// One message as a test expects it.
struct Sample: Hashable {
  var channelID: UInt16
  var sequence: UInt32
  var logTime: UInt64
  var publishTime: UInt64
  var payload: [UInt8]
}

extension Sample {
  init(_ message: Message, _ bytes: RawSpan) {
    self.init(
      channelID: message.channelID, sequence: message.sequence, logTime: message.logTime,
      publishTime: message.publishTime,
      payload: unsafe bytes.withUnsafeBytes { unsafe [UInt8]($0) })
  }
}

/// Every message of every channel, by channel and position.
func samples(_ reader: Reader) throws -> [UInt16: [Sample]] {
  var all: [UInt16: [Sample]] = [:]
  for channel in reader.channels {
    for position in 0..<reader.messageCount(channelID: channel.id) {
      let sample = try reader.withMessage(channelID: channel.id, at: position) { message, bytes in
        Sample(message, bytes)
      }
      all[channel.id, default: []].append(sample)
    }
  }
  return all
}

/// A file of random channels and messages, and what it holds.
func randomFile(
  seed: UInt64, at path: String, options: WriterOptions = WriterOptions(), messages: Int = 60,
  longest: Int = 3000
) throws -> [UInt16: [Sample]] {
  var random = SplitMix64(seed: seed)
  var expected: [UInt16: [Sample]] = [:]
  var writer = try Writer(path: path, profile: "test", library: "mcap tests", options: options)
  try writer.write(Metadata(name: "about", entries: ["seed": "\(seed)", "b": "", "a": "é:\n"]))
  let schema = try writer.addSchema(name: "S", encoding: "jsonschema", data: Array("{}".utf8))
  for number in 1...UInt16.random(in: 1...5, using: &random) {
    let id = try writer.addChannel(
      topic: "/t/\(number)", messageEncoding: "x", metadata: ["k": "\(number)"],
      schemaID: number % 2 == 0 ? 0 : schema)
    expected[id] = []
  }
  let ids = expected.keys.sorted()
  for index in 0..<messages {
    let id = ids.randomElement(using: &random) ?? 1
    let payload = (0..<Int.random(in: 0...longest, using: &random)).map { _ in
      UInt8.random(in: 0...255, using: &random)
    }
    let sample = Sample(
      channelID: id, sequence: UInt32(index), logTime: .random(in: 0...1000, using: &random),
      publishTime: .random(in: 0...1000, using: &random), payload: payload)
    expected[id]?.append(sample)
    unsafe try writer.write(
      payload.span.bytes, channelID: id, sequence: sample.sequence, logTime: sample.logTime,
      publishTime: sample.publishTime)
    if index == messages / 2 {
      unsafe try writer.writeAttachment(
        payload.span.bytes, name: "half.bin", mediaType: "application/octet-stream", logTime: 5,
        createTime: 4)
    }
    if Int.random(in: 0..<20, using: &random) == 0 { try writer.flush() }
  }
  try writer.finish()
  return expected.filter { !$0.value.isEmpty }
}
