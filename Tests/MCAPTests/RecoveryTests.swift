import EXrayTestKit
import Foundation
import MCAP
import MCAPCompression
import Synchronization
import Testing

/// Message `index` of the conformance program's call `soak`.
func soakSample(seed: UInt64, _ index: UInt32) -> Sample {
  var random = SplitMix64(seed: seed &+ UInt64(index))
  let mixed = random.next()
  let payload = (0..<mixed % 1500).map { UInt8(truncatingIfNeeded: (mixed >> ($0 % 8)) &+ $0) }
  return Sample(
    channelID: UInt16(1 + index % 3), sequence: index, logTime: UInt64(index) * 10,
    publishTime: UInt64(index) * 10, payload: payload)
}

/// The messages of a soak file, which must be those from the first on without a gap.
func soakPrefix(_ reader: Reader, seed: UInt64) throws -> Int {
  var count: UInt32 = 0
  var cursor = reader.messages()
  while let next = try cursor.next() {
    let found = try reader.withMessage(channelID: next.channelID, at: next.position) {
      Sample($0, $1)
    }
    #expect(found == soakSample(seed: seed, count), "seed \(seed), message \(count)")
    count += 1
  }
  for position in reader.chunks.indices { try reader.verifyChunk(at: position) }
  return Int(count)
}

@Suite("Recovery")
struct RecoveryTests {
  /// Starts a writer, kills it after a while, and gives the file it left and the messages it reported.
  private func kill(
    seed: UInt64, after delay: TimeInterval, in folder: TemporaryFolder
  ) throws -> (path: String, reported: Int)? {
    let log = URL(filePath: folder.path("log-\(seed)"))
    try Data().write(to: log)
    let process = Process()
    process.executableURL = ConformanceTests.program
    let compression = [[], ["--lz4"], ["--zstd"]][Int(seed % 3)]
    process.arguments = ["soak", folder.path("\(seed).mcap"), "--seed", "\(seed)"] + compression
    process.standardOutput = try FileHandle(forWritingTo: log)
    try process.run()
    // Most are killed while they write, some while they start.
    while seed % 8 != 0, process.isRunning, try contents(of: log.path).isEmpty {
      Thread.sleep(forTimeInterval: 0.0005)
    }
    Thread.sleep(forTimeInterval: delay)
    Foundation.kill(process.processIdentifier, SIGKILL)
    #expect(try process.end().signal == SIGKILL)
    let lines = String(decoding: try Data(contentsOf: log), as: UTF8.self).split(
      separator: "\n", omittingEmptySubsequences: false)
    let reported = lines.dropLast().last.flatMap { Int($0) } ?? 0
    guard let name = try folder.names.first(where: { $0.hasPrefix("\(seed).mcap.") }) else {
      return nil
    }
    return (folder.path(name), reported)
  }

  @Test("A writer killed at 200 moments leaves all complete chunks, and nothing else is claimed")
  func killed() throws {
    let folder = try TemporaryFolder()
    var random = SplitMix64(seed: 200)
    var withMessages = 0
    for seed in 0..<200 as Range<UInt64> {
      let delay = Double.random(in: 0...0.02, using: &random)
      guard let (path, reported) = try kill(seed: seed, after: delay, in: folder) else { continue }
      let target = folder.path("\(seed).recovered.mcap")
      let old = try contents(of: path)
      let recovery: Recovery
      do throws(MCAPError) {
        recovery = try Recovery.recover(from: path, to: target, codecs: .standard)
      } catch {
        // Killed before the header was written.
        #expect(old.count < 40 && [.notMCAP, .truncated].contains(error.code) && reported == 0)
        continue
      }
      #expect(recovery.damage?.code == .truncated && recovery.damage?.path == path)
      #expect(recovery.keptByteCount + recovery.lostByteCount == UInt64(old.count))
      let reader = try Reader(path: target, access: .indexed, codecs: .standard)
      #expect(reader.isComplete)
      let count = try soakPrefix(reader, seed: seed)
      #expect(count >= reported, "seed \(seed)")
      #expect(recovery.messageCount == UInt64(count))
      #expect(recovery.chunkCount == reader.chunks.count)
      #expect(reader.statistics?.messageCount == UInt64(count))
      try reader.forEachIndexedRecord { _, _ in }
      if count > 0 { withMessages += 1 }
      try FileManager.default.removeItem(atPath: path)
      try FileManager.default.removeItem(atPath: target)
    }
    #expect(withMessages > 100)
  }

  @Test("Cut anywhere, a file recovers to what precedes the cut; damage ends what is recovered")
  func cuts() throws {
    let folder = try TemporaryFolder()
    var options = WriterOptions()
    options.chunkByteCount = 700
    options.directPayloadByteCount = 200
    let whole = folder.path("a.mcap")
    let samples = try randomFile(seed: 5, at: whole, options: options, messages: 25, longest: 250)
    let bytes = try contents(of: whole)
    let target = folder.path("b.mcap")
    var most: UInt64 = 0
    for count in stride(from: 50, through: bytes.count, by: 3) {
      let path = folder.path("cut")
      try Data(bytes[..<count]).write(to: URL(filePath: path))
      let recovery = try Recovery.recover(from: path, to: target)
      #expect(recovery.messageCount >= most)
      most = recovery.messageCount
      #expect(recovery.lostByteCount <= UInt64(count))
      let reader = try Reader(path: target, access: .indexed)
      for (channel, found) in try MCAPTests.samples(reader) {
        #expect(found.elementsEqual(samples[channel]?.prefix(found.count) ?? []))
      }
      #expect(reader.attachments.count == recovery.attachmentCount)
      #expect(reader.metadataIndexes.count == recovery.metadataCount)
    }
    let all = try Recovery.recover(from: whole, to: target)
    #expect(all.damage == nil && all.lostByteCount == 0 && all.attachmentCount == 1)
    #expect(try MCAPTests.samples(Reader(path: target)) == samples)

    var damaged = bytes
    let chunk = try reader(bytes).chunks[2]
    damaged[chunk.records.upperBound - 1] ^= 1
    try Data(damaged).write(to: URL(filePath: folder.path("cut")))
    let part = try Recovery.recover(from: folder.path("cut"), to: target)
    #expect(part.damage?.code == .checksumMismatch && part.chunkCount == 2)
    #expect(part.damage?.offset == UInt64(chunk.records.lowerBound))
  }

  @Test("What is no MCAP file is refused, and nothing is left behind")
  func refused() throws {
    let folder = try TemporaryFolder()
    try Data("not MCAP".utf8).write(to: URL(filePath: folder.path("a")))
    let error = #expect(throws: MCAPError.self) {
      try Recovery.recover(from: folder.path("a"), to: folder.path("b"))
    }
    #expect(error?.code == .notMCAP && error?.path == folder.path("a"))
    #expect(try folder.names == ["a"])
  }
}
