import CHost
import Synchronization

/// What a library prints to this process's standard error, kept from the user or read as its words.
///
/// Standard error belongs to the whole process: what another thread prints meanwhile is captured too.
/// So the windows are short, one at a time, and ``silencing(lines:_:)`` prints the foreign lines afterwards.
package enum StandardError {
  /// Whether a parent process reads our standard error, so that nothing printed there reaches the user.
  package static var isCollected: Bool {
    get { collected.load(ordering: .relaxed) }
    set { collected.store(newValue, ordering: .relaxed) }
  }

  private static let collected = Atomic(false)

  /// Runs `body` and returns what was printed meanwhile, at most 16 KiB of it.
  package static func capturing<Result>(_ body: () -> Result) -> (Result, String) {
    var saved: Int32 = -1
    let file = unsafe chost_capture_begin(&saved)
    let result = body()
    guard file >= 0 else { return (result, "") }
    var text = [UInt8](repeating: 0, count: 16 << 10)
    let capacity = text.count
    let count = unsafe text.withUnsafeMutableBytes {
      unsafe chost_capture_end(file, saved, $0.baseAddress, capacity)
    }
    return (result, String(decoding: text.prefix(Int(max(0, count))), as: UTF8.self))
  }

  /// Runs `body` and drops the lines among those printed meanwhile that contain one of `lines`.
  package static func silencing<Result>(lines: [String], _ body: () -> Result) -> Result {
    if isCollected { return body() }
    let (result, text) = capturing(body)
    let foreign = text.split(separator: "\n").filter { line in
      !lines.contains { line.contains($0) }
    }
    if !foreign.isEmpty {
      var words = foreign.joined(separator: "\n") + "\n"
      words.withUTF8 { bytes in
        unsafe chost_write_error(bytes.baseAddress, bytes.count)
      }
    }
    return result
  }
}
