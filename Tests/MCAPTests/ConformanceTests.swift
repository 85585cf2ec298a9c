import EXrayCore
import EXrayTestKit
import Foundation
import MCAP
import Testing

/// Files of the format's public conformance suite, each with a JSON twin that lists its records.
///
/// Where the data folder holds only Git LFS pointers, which state a file's SHA-256 and size, the file written
/// from its twin must have these; it is then read as the file itself would be.
@Suite("Conformance files", .enabled(if: SharedData.isAvailable || Requirements.areStrict))
struct ConformanceTests {
  struct File {
    /// The path without its extension.
    var name: String
    /// What the folder holds: the file, or a pointer to it.
    var stored: [UInt8]
    /// The digest and the size that a pointer states, or nil where the file itself is there.
    var pointer: (digest: String, byteCount: Int)?
  }

  /// The program that was built together with the tests.
  static let program = BuiltTool.url.deletingLastPathComponent().appending(path: "mcap-conformance")

  static func files() throws -> [File] {
    let root = URL(filePath: try SharedData.path("mcap-conformance"))
    let all = FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil)
    let paths = (all?.allObjects as? [URL] ?? []).filter { $0.pathExtension == "mcap" }
    let files = try paths.map { $0.deletingPathExtension().path }.sorted().map { path in
      let stored = try contents(of: path + ".mcap")
      var file = File(name: path, stored: stored)
      let lines = String(decoding: stored.prefix(200), as: UTF8.self).split(separator: "\n")
      if lines.count == 3, lines[0].hasPrefix("version https://git-lfs") {
        let size = try #require(Int(lines[2].dropFirst("size ".count)))
        file.pointer = (String(lines[1].dropFirst("oid sha256:".count)), size)
      }
      return file
    }
    try #require(files.count > 100)
    return files
  }

  /// The file written from its twin by the program.
  static func written(_ file: File, in folder: TemporaryFolder) throws -> String {
    let path = folder.path("a.mcap")
    let outcome = try BuiltTool.run(program, ["write", file.name + ".json", path])
    try #require(outcome.status == 0, "\(file.name): \(outcome.errors)")
    return path
  }

  private static func records(_ json: Data) throws -> NSArray {
    let root = try JSONSerialization.jsonObject(with: json) as? [String: Any]
    return try #require(root?["records"] as? NSArray)
  }

  @Test("Each file is written from its twin byte by byte, and read to its twin both ways")
  func program() throws {
    let folder = try TemporaryFolder()
    for file in try Self.files() {
      let path = try Self.written(file, in: folder)
      let written = try contents(of: path)
      if let pointer = file.pointer {
        #expect(written.count == pointer.byteCount, "\(file.name)")
        #expect(unsafe SHA256.hexadecimal(of: written.span.bytes) == pointer.digest, "\(file.name)")
      } else {
        #expect(written == file.stored, "\(file.name)")
      }
      let twin = try Self.records(Data(contentsOf: URL(filePath: file.name + ".json")))
      for call in ["read", "read-indexed"] {
        let outcome = try BuiltTool.run(Self.program, [call, path])
        #expect(outcome.status == 0, "\(file.name) \(call): \(outcome.errors)")
        let found = try Self.records(Data(outcome.output.utf8))
        #expect(found == twin, "\(file.name) \(call)")
      }
    }
  }

  @Test("Each file changed in 200 ways is refused with a place, or read; never more than is there")
  func mutations() throws {
    let folder = try TemporaryFolder()
    for (number, file) in try Self.files().enumerated() {
      let bytes = try contents(of: Self.written(file, in: folder))
      var random = SplitMix64(seed: UInt64(number))
      for _ in 0..<200 { readEverything(mutated(bytes, &random)) }
    }
  }
}

@Suite("The conformance program")
struct ConformanceProgramTests {
  private func refusal(_ arguments: [String]) throws -> String {
    let outcome = try BuiltTool.run(ConformanceTests.program, arguments)
    #expect(outcome.status == 2 && outcome.output.isEmpty)
    #expect(outcome.errors.hasPrefix("mcap-conformance: "))
    #expect(outcome.errors.filter { $0 == "\n" }.count == 1 && outcome.errors.hasSuffix("\n"))
    return outcome.errors
  }

  @Test("Help goes to standard output")
  func help() throws {
    let outcome = try BuiltTool.run(ConformanceTests.program, ["--help"])
    #expect(outcome.status == 0 && outcome.output.contains("read-indexed FILE.mcap"))
  }

  @Test("Wrong calls, absent and damaged files and twins are one line and exit code 2")
  func refusals() throws {
    let folder = try TemporaryFolder()
    let source = folder.path("twin.json")
    let target = folder.path("a.mcap")
    func refusal(writing text: String) throws -> String {
      try Data(text.utf8).write(to: URL(filePath: source))
      return try self.refusal(["write", source, target])
    }
    #expect(try self.refusal([]).contains("--help"))
    #expect(try self.refusal(["read"]).contains("--help"))
    #expect(try self.refusal(["read", folder.path("none")]).contains("No such file"))
    #expect(try self.refusal(["write", folder.path("none"), target]).contains("none"))
    #expect(try refusal(writing: "{").contains("twin.json: byte 1"))
    #expect(try refusal(writing: "{}").contains("\"records\""))
    let header = #"{"type":"Header","fields":[["library",""],["profile",""]]}"#
    func twin(_ record: String, feature: String = "ch") -> String {
      #"{"records":[\#(header),\#(record)],"meta":{"variant":{"features":["\#(feature)"]}}}"#
    }
    #expect(try refusal(writing: twin(header)).contains("not Header"))
    #expect(try refusal(writing: twin(header, feature: "zip")).contains("one of ax ch chx"))
    let schema =
      #"{"type":"Schema","fields":[["id","7"],["name","a"],["encoding",""],["data",[]]]}"#
    #expect(try refusal(writing: twin(schema)).contains("numbers count from 1"))
    let byte = schema.replacing(#"["data",[]]"#, with: #"["data",["256"]]"#)
    #expect(try refusal(writing: twin(byte)).contains("from 0 to 255"))
    #expect(try folder.names == ["twin.json"])
  }
}
