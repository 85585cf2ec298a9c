import EXrayJSON
import Foundation
import MCAP
import MCAPCompression

/// The program's calls; see ``usage``.
@main
enum Conformance {
  static let usage = """
    Reads and writes MCAP files as the format's conformance suite asks for.

      mcap-conformance read FILE.mcap            print the JSON twin, read record after record
      mcap-conformance read-indexed FILE.mcap    print the JSON twin, found through the indexes
      mcap-conformance write TWIN.json OUT.mcap  write the file that a twin describes

    Exit codes: 0, or 2 with one line on standard error.

    """

  static func main() {
    do {
      try run(Array(CommandLine.arguments.dropFirst()))
    } catch {
      let line = "\(error)".replacing("\n", with: " ")
      FileHandle.standardError.write(Data("mcap-conformance: \(line)\n".utf8))
      exit(2)
    }
  }

  private static func run(_ arguments: [String]) throws {
    if arguments.contains("--help") || arguments.contains("-h") { return try print(usage) }
    switch (arguments.first, arguments.count) {
    case ("read", 2): try read(arguments[1], isIndexed: false)
    case ("read-indexed", 2): try read(arguments[1], isIndexed: true)
    case ("write", 3): try write(arguments[1], to: arguments[2])
    case ("soak", 2...): try Soak(arguments.dropFirst()).run()
    default:
      throw Failure(
        "not a call of this program: \(arguments.joined(separator: " ").prefix(80));"
          + " see mcap-conformance --help")
    }
  }

  private static func read(_ path: String, isIndexed: Bool) throws {
    let reader = try Reader(
      path: path, access: isIndexed ? .automatic : .streamed, codecs: .standard)
    if let damage = reader.damage { throw damage }
    var text = "{\"records\":["
    var separator = ""
    func add(_ record: Record, _ bytes: RawSpan) {
      guard let tree = TwinRecord(record, bytes)?.tree else { return }
      text += separator + tree.text()
      separator = ",\n"
    }
    if isIndexed {
      try reader.forEachIndexedRecord(add)
    } else {
      try reader.forEachRecord(verifiesDataSection: true, add)
    }
    try print(text + "]}\n")
  }

  private static func write(_ twin: String, to path: String) throws {
    let bytes: Data
    do {
      bytes = try Data(contentsOf: URL(filePath: twin))
    } catch {
      throw Failure("\(twin): cannot read this file: \(error.localizedDescription)")
    }
    do {
      let tree = try JSONTree(
        parsing: Array(bytes), limits: JSONLimits(byteCount: 1 << 28))
      try Twin(tree).write(to: path)
    } catch let error as JSONError {
      throw Failure("\(twin): \(error)")
    }
  }

  static func print(_ text: String) throws {
    try FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
  }
}

/// What the program says instead of doing its work.
struct Failure: Error, CustomStringConvertible {
  var description: String

  init(_ description: String) { self.description = description }
}
