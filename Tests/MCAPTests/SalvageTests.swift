import EXrayTestKit
import Foundation
import MCAP
import Testing

/// Writers that fail because the system takes no more bytes.
@Suite("Files that could not be written to their end")
struct SalvageTests {
  private static let program = ConformanceTests.program.path

  private func shell(_ script: String) throws -> BuiltTool.Outcome {
    try BuiltTool.run(URL(filePath: "/bin/sh"), ["-c", script])
  }

  /// The size at which the system refuses more, in blocks of 512 or 1024 bytes as the shell has it.
  @Test(
    "At a size limit the complete chunks are kept, and the error is the system's", arguments: 1...12
  )
  func sizeLimit(blocks: Int) throws {
    let folder = try TemporaryFolder()
    let path = folder.path("a.mcap")
    let soak =
      "trap '' XFSZ; ulimit -f \(blocks * 7); exec '\(Self.program)' soak '\(path)' --messages 4000"
    let outcome = try shell("\(soak) --seed \(blocks) --keep")
    #expect(outcome.status == 2 && outcome.errors.contains("File too large (errno 27)"))
    let reported = Int(outcome.output.split(separator: "\n").last ?? "0") ?? 0
    #expect(try folder.names == ["a.mcap"])
    let reader = try Reader(path: path)
    let count = try soakPrefix(reader, seed: UInt64(blocks))
    #expect(count == reported)
    if let statistics = reader.statistics {
      #expect(statistics.messageCount == UInt64(count))
      #expect(Int(statistics.chunkCount) == reader.chunks.count)
      try reader.forEachIndexedRecord { _, _ in }
    }

    // Without the option nothing is left.
    try FileManager.default.removeItem(atPath: path)
    #expect(try shell("\(soak) --seed \(blocks)").status == 2)
    #expect(try folder.names == [])
  }

  /// Mounts a small file system of memory; nil where this process may not.
  private func withMount<Result>(
    _ options: String, _ body: (TemporaryFolder) throws -> Result
  ) throws -> Result? {
    let folder = try TemporaryFolder()
    let mount = try shell("mount -t tmpfs -o \(options) tmpfs '\(folder.url.path)'")
    guard mount.status == 0 else { return nil }
    defer { _ = try? shell("umount '\(folder.url.path)'") }
    return try body(folder)
  }

  @Test("On a full disk the complete chunks are kept")
  func fullDisk() throws {
    let done: Bool? = try withMount("size=64k") { folder in
      let path = folder.path("a.mcap")
      let outcome = try shell("'\(Self.program)' soak '\(path)' --messages 4000 --seed 9 --keep")
      #expect(outcome.status == 2)
      #expect(outcome.errors.contains("No space left on device (errno 28)"))
      let reported = Int(outcome.output.split(separator: "\n").last ?? "0") ?? 0
      let reader = try Reader(path: path)
      #expect(reported > 20)
      #expect(try soakPrefix(reader, seed: 9) == reported)
      return true
    }
    if done == nil {
      print("note: no file system may be mounted here; the size limit stands for the full disk")
    }
  }

  @Test("A read-only folder is an error in the system's words")
  func readOnlyFolder() throws {
    let done: Bool? = try withMount("size=64k,ro") { folder in
      let error = #expect(throws: MCAPError.self) {
        _ = try Writer(path: folder.path("a.mcap"), profile: "", library: "")
      }
      #expect(error?.code == .fileSystem)
      #expect(error?.message.contains("Read-only file system (errno 30)") == true)
      return true
    }
    guard done == nil else { return }
    // The system's own folder takes no files either, whoever asks.
    let error = #expect(throws: MCAPError.self) {
      _ = try Writer(path: "/proc/a.mcap", profile: "", library: "")
    }
    #expect(error?.code == .fileSystem && error?.message.contains("cannot create") == true)
  }
}
