import EXray
import EXrayTestKit
import Foundation
import MCAP
import Testing

/// Files of the format's public conformance suite, each with a JSON twin that lists its records.
///
/// Where the data folder holds only Git LFS pointers, which state a file's SHA-256, the file is written from its twin
/// and must have that digest; it is then read as the file itself would be.
@Suite("Conformance files", .enabled(if: SharedData.isAvailable || Requirements.areStrict))
struct ConformanceTests {
  struct File {
    var name: String
    var twin: Twin
    /// What the folder holds: the file, or a pointer to it.
    var stored: [UInt8]
    /// The digest that a pointer states, or nil where the file itself is there.
    var digest: String?

    var isPointer: Bool { digest != nil }
  }

  static func files() throws -> [File] {
    let root = URL(filePath: try SharedData.path("mcap-conformance"))
    let all = FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil)
    let paths = (all?.allObjects as? [URL] ?? []).filter { $0.pathExtension == "mcap" }
    let files = try paths.map { $0.deletingPathExtension().path }.sorted().map { path in
      let stored = try contents(of: path + ".mcap")
      let lines = String(decoding: stored.prefix(200), as: UTF8.self).split(separator: "\n")
      let isPointer = lines.first?.hasPrefix("version https://git-lfs") ?? false
      return File(
        name: path, twin: try Twin(path: path + ".json"), stored: stored,
        digest: isPointer ? String(lines[1].dropFirst("oid sha256:".count)) : nil)
    }
    try #require(files.count > 100)
    return files
  }

  /// The files that can be read: those that are there, and those that can be written from their twins.
  static func readable() throws -> [(file: File, bytes: [UInt8])] {
    let folder = try TemporaryFolder()
    let files = try files().filter { !$0.isPointer || !$0.twin.features.contains("pad") }
    try #require(files.count > 50)
    return try files.map { file in
      guard file.isPointer else { return (file, file.stored) }
      try file.twin.write(to: folder.path("a.mcap"))
      return (file, try contents(of: folder.path("a.mcap")))
    }
  }

  @Test("Writing the twin's records gives the file, byte by byte, where records are not padded")
  func written() throws {
    let folder = try TemporaryFolder()
    var count = 0
    for file in try Self.files() where !file.twin.features.contains("pad") {
      try file.twin.write(to: folder.path("a.mcap"))
      let written = try contents(of: folder.path("a.mcap"))
      if let digest = file.digest {
        #expect(unsafe SHA256.hexadecimal(of: written.span.bytes) == digest, "\(file.name)")
      } else {
        #expect(written == file.stored, "\(file.name)")
      }
      count += 1
    }
    #expect(count > 50)
  }

  @Test("Every file's records are those of its twin")
  func records() throws {
    for (file, bytes) in try Self.readable() {
      var records: [Twin.Item] = []
      let reader = try reader(bytes)
      try reader.forEachRecord { record in
        if let item = try Twin.Item(record, reader) { records.append(item) }
      }
      #expect(records == file.twin.records, "\(file.name)")
    }
  }

  @Test("Every file's messages are those of its twin, indexed and streamed")
  func messages() throws {
    for (file, bytes) in try Self.readable() {
      let expected = file.twin.records.filter { $0.type == "Message" }
      for access in [.automatic, .streamed] as [ReaderAccess] {
        let reader = try reader(bytes, access: access)
        #expect(reader.isComplete)
        var found: [Twin.Item] = []
        for channel in reader.channels {
          for position in 0..<reader.messageCount(channelID: channel.id) {
            let message = try reader.message(channelID: channel.id, at: position)
            if let item = try Twin.Item(.message(message), reader) { found.append(item) }
          }
        }
        #expect(found == expected, "\(file.name) \(access)")
      }
    }
  }
}

/// The JSON twin of a conformance file.
struct Twin {
  struct Item: Hashable {
    var type: String
    /// Numbers as text, bytes and maps as text that compares equal for equal values.
    var fields: [String: String]
  }

  var records: [Item] = []
  var features: Set<String> = []

  init(path: String) throws {
    let json = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: path)))
    let root = try #require(json as? [String: Any])
    let meta = (root["meta"] as? [String: Any])?["variant"] as? [String: Any]
    features = Set(meta?["features"] as? [String] ?? [])
    for record in try #require(root["records"] as? [[String: Any]]) {
      var fields: [String: String] = [:]
      for field in try #require(record["fields"] as? [[Any]]) {
        fields[try #require(field[0] as? String)] = Self.text(field[1])
      }
      records.append(Item(type: try #require(record["type"] as? String), fields: fields))
    }
  }

  private static func text(_ value: Any) -> String {
    if let list = value as? [String] { return list.joined(separator: ",") }
    if let map = value as? [String: String] { return Item.text(map) }
    return value as? String ?? "\(value)"
  }

  func write(to path: String) throws {
    var options = WriterOptions()
    options.checksumsDataSection = true
    if !features.contains("ch") { options.chunkByteCount = 0 }
    options.indexesMessages = features.contains("mx")
    options.indexesChunks = features.contains("chx")
    options.writesStatistics = features.contains("st")
    options.repeatsSchemas = features.contains("rsh")
    options.repeatsChannels = features.contains("rch")
    options.indexesAttachments = features.contains("ax")
    options.indexesMetadata = features.contains("mdx")
    options.writesSummaryOffsets = features.contains("sum")
    var writer = try Writer(path: path, profile: "", library: "", options: options)
    records: for item in records {
      switch item.type {
      case "Schema":
        _ = try writer.addSchema(
          name: item["name"], encoding: item["encoding"], data: item.bytes("data"))
      case "Channel":
        let metadata = item["metadata"].isEmpty ? [:] : ["foo": "bar"]
        #expect(item["metadata"].isEmpty || item["metadata"] == "foo=bar")
        _ = try writer.addChannel(
          topic: item["topic"], messageEncoding: item["message_encoding"], metadata: metadata,
          schemaID: try item.number("schema_id"))
      case "Message":
        unsafe try writer.write(
          item.bytes("data").span.bytes, channelID: try item.number("channel_id"),
          sequence: try item.number("sequence"), logTime: try item.number("log_time"),
          publishTime: try item.number("publish_time"))
      case "Attachment":
        unsafe try writer.writeAttachment(
          item.bytes("data").span.bytes, name: item["name"], mediaType: item["media_type"],
          logTime: try item.number("log_time"), createTime: try item.number("create_time"))
      case "DataEnd": break records
      default: break
      }
    }
    try writer.finish()
  }
}

extension Twin.Item {
  static func text(_ map: [String: String]) -> String {
    map.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
  }

  subscript(key: String) -> String { fields[key] ?? "" }

  func bytes(_ key: String) -> [UInt8] { self[key].split(separator: ",").compactMap { UInt8($0) } }

  func number<Value: FixedWidthInteger>(_ key: String) throws -> Value {
    try #require(Value(self[key]))
  }

  /// The record as the twins spell it; chunks and message indexes are not in them.
  init?(_ record: Record, _ reader: Reader) throws {
    func numbers(_ map: [UInt16: UInt64]) -> String {
      Self.text([String: String](uniqueKeysWithValues: map.map { ("\($0)", "\($1)") }))
    }
    func bytes(_ range: Range<Int>) throws -> String {
      let copy = try reader.withBytes(range) { span in
        unsafe span.withUnsafeBytes { unsafe [UInt8]($0) }
      }
      return copy.map(String.init).joined(separator: ",")
    }
    switch record {
    case .header(let header):
      self.init(type: "Header", fields: ["library": header.library, "profile": header.profile])
    case .footer(let footer):
      self.init(
        type: "Footer",
        fields: [
          "summary_crc": "\(footer.summaryCRC)", "summary_start": "\(footer.summaryStart)",
          "summary_offset_start": "\(footer.summaryOffsetStart)",
        ])
    case .schema(let schema):
      self.init(
        type: "Schema",
        fields: [
          "id": "\(schema.id)", "name": schema.name, "encoding": schema.encoding,
          "data": schema.data.map(String.init).joined(separator: ","),
        ])
    case .channel(let channel):
      self.init(
        type: "Channel",
        fields: [
          "id": "\(channel.id)", "schema_id": "\(channel.schemaID)", "topic": channel.topic,
          "message_encoding": channel.messageEncoding, "metadata": Self.text(channel.metadata),
        ])
    case .message(let message):
      self.init(
        type: "Message",
        fields: [
          "channel_id": "\(message.channelID)", "sequence": "\(message.sequence)",
          "log_time": "\(message.logTime)", "publish_time": "\(message.publishTime)",
          "data": try bytes(message.payload),
        ])
    case .chunkIndex(let index):
      self.init(
        type: "ChunkIndex",
        fields: [
          "chunk_length": "\(index.chunkByteCount)",
          "chunk_start_offset": "\(index.chunkStartOffset)", "compression": index.compression,
          "compressed_size": "\(index.compressedByteCount)",
          "message_end_time": "\(index.messageEndTime)",
          "message_start_time": "\(index.messageStartTime)",
          "message_index_length": "\(index.messageIndexByteCount)",
          "message_index_offsets": numbers(index.messageIndexOffsets),
          "uncompressed_size": "\(index.uncompressedByteCount)",
        ])
    case .attachment(let attachment):
      self.init(
        type: "Attachment",
        fields: [
          "create_time": "\(attachment.createTime)", "log_time": "\(attachment.logTime)",
          "media_type": attachment.mediaType, "name": attachment.name,
          "data": try bytes(attachment.data),
        ])
    case .attachmentIndex(let index):
      self.init(
        type: "AttachmentIndex",
        fields: [
          "create_time": "\(index.createTime)", "log_time": "\(index.logTime)",
          "media_type": index.mediaType, "name": index.name, "offset": "\(index.offset)",
          "length": "\(index.byteCount)", "data_size": "\(index.dataByteCount)",
        ])
    case .statistics(let counts):
      self.init(
        type: "Statistics",
        fields: [
          "attachment_count": "\(counts.attachmentCount)",
          "channel_count": "\(counts.channelCount)",
          "channel_message_counts": numbers(counts.channelMessageCounts),
          "chunk_count": "\(counts.chunkCount)", "message_count": "\(counts.messageCount)",
          "message_end_time": "\(counts.messageEndTime)",
          "message_start_time": "\(counts.messageStartTime)",
          "metadata_count": "\(counts.metadataCount)", "schema_count": "\(counts.schemaCount)",
        ])
    case .summaryOffset(let offset):
      self.init(
        type: "SummaryOffset",
        fields: [
          "group_length": "\(offset.groupByteCount)", "group_opcode": "\(offset.groupOpcode)",
          "group_start": "\(offset.groupStart)",
        ])
    case .dataEnd(let end):
      self.init(type: "DataEnd", fields: ["data_section_crc": "\(end.dataSectionCRC)"])
    case .metadata, .metadataIndex, .chunk, .messageIndex, .unknown: return nil
    }
  }
}
