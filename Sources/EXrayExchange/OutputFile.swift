import EXraySystem
import MCAP

/// A file that is written from start to end and takes its name when it is finished.
struct OutputFile: ~Copyable {
  private let path: String
  private let temporary: String
  private var file: OpenFile
  private var pending: [UInt8] = []
  private(set) var byteCount: UInt64 = 0
  private var isFinished = false

  private static let bufferByteCount = 256 << 10

  init(path: String) throws(ExchangeError) {
    let name = path.split(separator: "/", omittingEmptySubsequences: false).last ?? ""
    let stem = name.utf8.count > 200 ? String(path.dropLast(name.count)) + "exray" : path
    temporary = "\(stem).\(ProcessUsage.processID)-export.partial"
    self.path = path
    do throws(SystemError) {
      if try FileKind.at(path) == .folder {
        throw SystemError(number: 21)
      }
      // A process of the same number may have died here.
      try? OpenFile.remove(temporary)
      file = try OpenFile(creating: temporary)
    } catch {
      throw Self.failure(path, error)
    }
    pending.reserveCapacity(Self.bufferByteCount)
  }

  deinit { if !isFinished { try? OpenFile.remove(temporary) } }

  mutating func write(_ bytes: RawSpan) throws(ExchangeError) {
    byteCount += UInt64(bytes.byteCount)
    if pending.count + bytes.byteCount > Self.bufferByteCount { try flush() }
    if bytes.byteCount >= Self.bufferByteCount {
      try pass(bytes)
    } else {
      unsafe bytes.withUnsafeBytes { unsafe pending.append(contentsOf: $0) }
    }
  }

  mutating func write(_ bytes: [UInt8]) throws(ExchangeError) {
    unsafe try write(bytes.span.bytes)
  }

  mutating func write(_ text: String) throws(ExchangeError) { try write(Array(text.utf8)) }

  /// Gives the file its name, which an existing file then loses.
  consuming func finish() throws(ExchangeError) {
    try flush()
    do throws(SystemError) {
      try file.close()
      try OpenFile.rename(temporary, to: path)
    } catch {
      throw Self.failure(path, error)
    }
    isFinished = true
  }

  private mutating func flush() throws(ExchangeError) {
    guard !pending.isEmpty else { return }
    let bytes = pending
    pending.removeAll(keepingCapacity: true)
    unsafe try pass(bytes.span.bytes)
  }

  private func pass(_ bytes: RawSpan) throws(ExchangeError) {
    var offset = 0
    do throws(SystemError) {
      while offset < bytes.byteCount {
        offset += try file.write(bytes.extracting(offset..<bytes.byteCount))
      }
    } catch {
      throw Self.failure(path, error)
    }
  }

  private static func failure(_ path: String, _ error: SystemError) -> ExchangeError {
    ExchangeError(
      .unwritable, path: path,
      "cannot be written: \(error); check the folder, its permissions and the room on the disk, or"
        + " write elsewhere")
  }
}
