import EXrayTestKit
import Foundation
import MCAP
import MCAPCompression
import Testing

/// The format's official Python library, called through `Scripts/check_mcap.py`.
@Suite("The official library", .enabled(if: Requirements.python != nil || Requirements.areStrict))
struct PythonTests {
  private func run(_ arguments: [String]) throws -> [[Any]] {
    let python = try #require(Requirements.python, "no .deps/python; run Scripts/setup.sh test")
    let script = Requirements.packageRoot.appending(path: "Scripts/check_mcap.py").path
    let outcome = try BuiltTool.run(python, [script] + arguments)
    try #require(outcome.status == 0, "\(outcome.errors)")
    return try outcome.output.split(separator: "\n").map { line in
      try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [Any])
    }
  }

  /// What the script prints of a file, found by this library.
  private func contents(_ path: String, _ access: ReaderAccess) throws -> [[Any]] {
    func digits(_ bytes: RawSpan) -> String {
      unsafe bytes.withUnsafeBytes { buffer in
        unsafe buffer.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
      }
    }
    let reader = try Reader(path: path, access: access, codecs: .standard)
    #expect(reader.isComplete)
    for position in reader.chunks.indices { try reader.verifyChunk(at: position) }
    let channels = Dictionary(uniqueKeysWithValues: reader.channels.map { ($0.id, $0) })
    var lines: [[Any]] = []
    var cursor = reader.messages()
    while let next = try cursor.next() {
      try reader.withMessage(channelID: next.channelID, at: next.position) { message, bytes in
        let channel = try #require(channels[message.channelID])
        lines.append([
          "message", channel.topic, reader.schemas[channel.schemaID]?.name ?? "", message.sequence,
          message.logTime, message.publishTime, digits(bytes),
        ])
      }
    }
    for index in reader.attachments {
      let one = try reader.attachment(at: index)
      let data = try reader.withBytes(one.data) { digits($0) }
      lines.append(["attachment", one.name, one.mediaType, one.logTime, one.createTime, data])
    }
    for index in reader.metadataIndexes {
      lines.append(["metadata", index.name, try reader.metadata(at: index).entries])
    }
    return lines
  }

  static let compressions: [(name: String, codec: ChunkCodec?)] = [
    ("none", nil), ("lz4", .lz4), ("zstd", .zstd),
  ]

  @Test("It reads what we write", arguments: compressions.indices)
  func reads(compression: Int) throws {
    let folder = try TemporaryFolder()
    for seed in 0..<3 as Range<UInt64> {
      var options = WriterOptions()
      options.chunkByteCount = 5000
      options.directPayloadByteCount = 2500
      options.checksumsDataSection = seed == 1
      options.compression = Self.compressions[compression].codec
      let path = folder.path("a.mcap")
      _ = try randomFile(seed: seed, at: path, options: options)
      #expect(try run(["read", path]) as NSArray == contents(path, .indexed) as NSArray)
    }
  }

  @Test("We read what it writes", arguments: compressions.indices)
  func isRead(compression: Int) throws {
    let folder = try TemporaryFolder()
    for seed in ["1", "2"] {
      let path = folder.path("a.mcap")
      let name = Self.compressions[compression].name
      let lines = try run(["write", path, name, seed])
      #expect(lines.count == 202)
      let reader = try Reader(path: path)
      #expect(reader.isIndexed)
      #expect(Set(reader.chunks.map(\.compression)) == [name == "none" ? "" : name])
      for access in [.indexed, .streamed] as [ReaderAccess] {
        #expect(try contents(path, access) as NSArray == lines as NSArray)
      }
    }
  }
}
