import Foundation

/// Standard output and standard error, which may be closed, full or a pipe that nobody reads any more.
enum StandardStreams {
  /// Makes sure that no file we open later takes the place of a closed standard stream, and that a reader
  /// who has seen enough (`exray inspect m.tflite | head -1`) does not end the program.
  static func prepare() {
    var descriptor: Int32
    repeat {
      descriptor = unsafe open("/dev/null", O_RDWR)
    } while (0...2).contains(descriptor)
    if descriptor > 2 { close(descriptor) }
    signal(SIGPIPE, SIG_IGN)
  }

  /// Writes to standard error, as far as it takes it.
  static func writeError(_ text: String) {
    try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
  }

  /// Delivers what was printed.
  ///
  /// - Returns: Whether all of it arrived; true also where the reader of a pipe has left.
  static func flush() -> Bool {
    var status = stat()
    let isFile = unsafe fstat(STDOUT_FILENO, &status) == 0 && status.st_mode & S_IFMT != S_IFIFO
    let isDelivered = fflush(nil) == 0
    return isDelivered || !isFile || status.st_mode & S_IFMT == S_IFSOCK
  }
}

extension String {
  /// The text fit for a line of output: no line ends, nothing that steers a terminal, the middle left out of
  /// very long ones.
  ///
  /// Names in models and traces may hold anything. What to do stands at a message's end.
  var onOneLine: String {
    let (head, tail) = (500, 250)
    let scalars = unicodeScalars
    guard scalars.count > head + tail else { return Self.plain(scalars) }
    return Self.plain(scalars.prefix(head)) + " … " + Self.plain(scalars.suffix(tail))
  }

  private static func plain(_ scalars: some Sequence<Unicode.Scalar>) -> String {
    var result = String.UnicodeScalarView()
    for scalar in scalars {
      let isDirection =
        (0x202a...0x202e).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value)
      switch scalar {
      case "\n", "\r", "\t", "\u{2028}", "\u{2029}": result.append(" ")
      case _ where isDirection || scalar.properties.generalCategory == .control:
        result.append("\u{fffd}")
      default: result.append(scalar)
      }
    }
    return String(result)
  }
}
