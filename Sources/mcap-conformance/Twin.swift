import EXrayJSON
import MCAP

/// The JSON twin of a file: its records, and which of the format's options it uses.
struct Twin {
  private var records: [Item] = []
  private var features: Set<String> = []

  init(_ tree: JSONTree) throws(JSONError) {
    for record in try tree.member("records").elements() {
      var fields: [String: JSONTree] = [:]
      for pair in try record.member("fields").elements() {
        let parts = try pair.elements()
        guard parts.count == 2 else { throw pair.wrong("a name and a value") }
        fields[try parts[0].string()] = parts[1]
      }
      records.append(
        Item(type: try record.member("type").string(), fields: fields, tree: record))
    }
    let names = try tree.member("meta").member("variant").member("features").elements()
    let known: Set = ["ch", "mx", "st", "rsh", "rch", "ax", "mdx", "chx", "sum", "pad"]
    for name in names {
      let feature = try name.string()
      guard known.contains(feature) else {
        throw name.wrong("one of \(known.sorted().joined(separator: " "))")
      }
      features.insert(feature)
    }
  }

  private var options: WriterOptions {
    var options = WriterOptions()
    options.checksumsDataSection = true
    if !features.contains("ch") { options.chunkByteCount = 0 }
    options.indexesMessages = features.contains("mx")
    options.writesStatistics = features.contains("st")
    options.repeatsSchemas = features.contains("rsh")
    options.repeatsChannels = features.contains("rch")
    options.indexesAttachments = features.contains("ax")
    options.indexesMetadata = features.contains("mdx")
    options.indexesChunks = features.contains("chx")
    options.writesSummaryOffsets = features.contains("sum")
    if features.contains("pad") { options.recordPadding = [0x01, 0xFF, 0xFF] }
    return options
  }

  /// Writes the file.
  func write(to path: String) throws {
    guard let header = records.first, header.type == "Header" else {
      throw Failure("a twin's first record must be its header; add one")
    }
    var writer = try Writer(
      path: path, profile: header.string("profile"), library: header.string("library"),
      options: options)
    for item in records.dropFirst() {
      // What follows is the summary, which the writer makes.
      if item.type == "DataEnd" { break }
      try item.write(to: &writer)
    }
    try writer.finish()
  }
}

extension Twin {
  /// One record.
  private struct Item {
    var type: String
    var fields: [String: JSONTree]
    var tree: JSONTree

    func write(to writer: inout Writer) throws {
      switch type {
      case "Schema":
        let id = try writer.addSchema(
          name: string("name"), encoding: string("encoding"), data: bytes("data"))
        try require(id)
      case "Channel":
        let id = try writer.addChannel(
          topic: string("topic"), messageEncoding: string("message_encoding"),
          metadata: map("metadata"), schemaID: number("schema_id"))
        try require(id)
      case "Message":
        let data = try bytes("data")
        unsafe try writer.write(
          data.span.bytes, channelID: number("channel_id"), sequence: number("sequence"),
          logTime: number("log_time"), publishTime: number("publish_time"))
      case "Attachment":
        let data = try bytes("data")
        unsafe try writer.writeAttachment(
          data.span.bytes, name: string("name"), mediaType: string("media_type"),
          logTime: number("log_time"), createTime: number("create_time"))
      case "Metadata":
        try writer.write(Metadata(name: string("name"), entries: map("metadata")))
      default: throw tree.wrong("a record of the data section, not \(type.prefix(40))")
      }
    }

    /// The writer numbers schemas and channels itself.
    private func require(_ id: UInt16) throws(JSONError) {
      let stated: UInt16 = try number("id")
      guard stated == id else { throw try field("id").wrong("\(id): numbers count from 1") }
    }

    private func field(_ name: String) throws(JSONError) -> JSONTree {
      guard let value = fields[name] else { throw tree.wrong("a field \"\(name)\"") }
      return value
    }

    func string(_ name: String) throws(JSONError) -> String { try field(name).string() }

    func number<Value: FixedWidthInteger>(_ name: String) throws(JSONError) -> Value {
      try field(name).number()
    }

    private func bytes(_ name: String) throws(JSONError) -> [UInt8] {
      var bytes: [UInt8] = []
      for element in try field(name).elements() { bytes.append(try element.number()) }
      return bytes
    }

    private func map(_ name: String) throws(JSONError) -> [String: String] {
      let field = try field(name)
      guard case .object(let members) = field.value else { throw field.wrong("an object") }
      var map: [String: String] = [:]
      for member in members { map[member.key] = try member.value.string() }
      return map
    }
  }
}

extension JSONTree {
  fileprivate func wrong(_ wanted: String) -> JSONError {
    JSONError(.unexpectedByte, at: offset, kind, remedy: "write \(wanted) here")
  }

  fileprivate func member(_ key: String) throws(JSONError) -> JSONTree {
    guard let member = self[key] else { throw wrong("an object with the key \"\(key)\"") }
    return member
  }

  fileprivate func elements() throws(JSONError) -> [JSONTree] {
    guard case .array(let elements) = value else { throw wrong("a list") }
    return elements
  }

  fileprivate func string() throws(JSONError) -> String {
    guard case .string(let text) = value else { throw wrong("a string") }
    return text
  }

  fileprivate func number<Value: FixedWidthInteger>() throws(JSONError) -> Value {
    guard case .string(let text) = value, let number = Value(text) else {
      throw wrong("a whole number from \(Value.min) to \(Value.max) in quotes")
    }
    return number
  }
}
