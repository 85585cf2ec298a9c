import EXrayPipeline
import Foundation

/// What the program's output goes to.
struct Terminal {
  /// Whether a person watches: an interactive terminal that understands colours.
  let isInteractive: Bool
  /// Columns; 80 where unknown.
  let width: Int

  static let standardOutput = Terminal(STDOUT_FILENO)
  static let standardError = Terminal(STDERR_FILENO)

  private init(_ descriptor: Int32) {
    let environment = ProcessInfo.processInfo.environment
    isInteractive =
      isatty(descriptor) == 1 && environment["TERM"] != "dumb" && environment["NO_COLOR"] == nil
    var size = winsize()
    let isKnown = unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0
    width = isKnown && size.ws_col >= 40 ? min(Int(size.ws_col), 160) : 80
  }
}

/// A progress bar on standard error; silent where nobody watches.
final class ProgressBar: ProgressObserver {
  private let terminal = Terminal.standardError
  private var stage = ""
  private var began = DispatchTime.now().uptimeNanoseconds
  private var lastDrawn: UInt64 = 0

  func progress(_ stage: String, done: Int, of total: Int) {
    guard terminal.isInteractive else { return }
    let now = DispatchTime.now().uptimeNanoseconds
    if stage != self.stage {
      self.stage = stage
      began = now
      lastDrawn = 0
    }
    guard done == total || now - lastDrawn > 80_000_000 else { return }
    lastDrawn = now
    if done == total {
      write("\r\u{1B}[K")
      return
    }
    let seconds = Double(now - began) / 1e9
    let rate = seconds > 0 ? Double(done) / seconds : 0
    let left = rate > 0 ? Int(Double(total - done) / rate) : 0
    let columns = 24
    let filled = total > 0 ? columns * done / total : 0
    let bar =
      String(repeating: "█", count: filled) + String(repeating: "░", count: columns - filled)
    write("\r\u{1B}[K\(stage) \(bar) \(done)/\(total)  \(Int(rate.rounded()))/s  \(left) s left")
  }

  private func write(_ text: String) { StandardStreams.writeError(text) }
}
