import CLiteRT
import EXrayRuntime
import Synchronization

/// The opened library: its functions and the one environment of this process.
///
/// Everything here is set once, before it is shared; the C functions used with the environment may be
/// called from any thread. That makes `@unchecked Sendable` true.
@safe
final class Library: @unchecked Sendable {
  let path: String
  let functions: UnsafePointer<CLiteRTFunctions>
  let environment: OpaquePointer
  /// Whether the library has printed its one notice about the XNNPACK delegate.
  private let hasGreeted = Atomic(false)

  private static let opened = Mutex<[String: Library]>([:])

  /// The library at `path`, opened once a process.
  static func opened(at path: String) throws(RuntimeError) -> Library {
    try opened.withLock { libraries throws(RuntimeError) in
      if let library = libraries[path] { return library }
      let library = try Library(path: path)
      libraries[path] = library
      return library
    }
  }

  private init(path: String) throws(RuntimeError) {
    var reason = [CChar](repeating: 0, count: 1024)
    guard let functions = unsafe clitert_load(path, &reason, reason.count) else {
      let words = reason.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
      throw RuntimeError(
        .libraryUnavailable,
        "the LiteRT library cannot be used: \(String(decoding: words, as: UTF8.self))\n"
          + LiteRT.search.advice)
    }
    var environment: OpaquePointer?
    let status = unsafe Self.createEnvironment(functions, .silent, &environment)
    guard status == 0, let environment = unsafe environment else {
      throw RuntimeError(
        .libraryUnavailable,
        "\(path) gave no environment: \(Status(status))\n\(LiteRT.search.advice)")
    }
    self.path = path
    unsafe self.functions = functions
    unsafe self.environment = environment
  }

  private enum Severity: Int64 {
    case error = 2
    case silent = 4
  }

  /// Creates an environment; the severity is the whole process's from then on.
  private static func createEnvironment(
    _ functions: UnsafePointer<CLiteRTFunctions>, _ severity: Severity,
    _ environment: inout OpaquePointer?
  ) -> LiteRtStatus {
    // Tags: 24 which accelerators to register (1: the CPU alone, 26 ms faster), 25 what to log.
    let options = unsafe [(24, 1), (25, severity.rawValue)].map { tag, value in
      var option = unsafe LiteRtEnvOption()
      unsafe option.tag = Int32(tag)
      unsafe option.value.type = 2
      unsafe option.value.int_value = value
      return unsafe option
    }
    return unsafe functions.pointee.CreateEnvironment(2, options, &environment)
  }

  // MARK: Words

  /// Runs `body`, without the notice that the library prints when it makes its first delegate.
  func silencingGreeting(_ mode: KernelMode, _ body: () -> LiteRtStatus) -> LiteRtStatus {
    guard mode == .xnnpack, !hasGreeted.load(ordering: .acquiring) else { return body() }
    let status = StandardError.silencing(lines: ["Created TensorFlow Lite XNNPACK delegate"], body)
    hasGreeted.store(true, ordering: .releasing)
    return status
  }

  /// What the library prints when `body`, which has just failed, fails once more.
  func words(logs: Bool, _ body: () -> Void) -> String {
    let (_, text) = StandardError.capturing {
      var environments: (OpaquePointer?, OpaquePointer?)
      if logs { _ = unsafe Self.createEnvironment(functions, .error, &environments.0) }
      body()
      // The environments stay: the severity is global, and destroying one would end its accelerators.
      if logs { _ = unsafe Self.createEnvironment(functions, .silent, &environments.1) }
    }
    return Self.sentence(text)
  }

  /// The lines of a text as one, repeated lines once, without prefixes and source positions.
  static func sentence(_ text: String) -> String {
    var lines: [String] = []
    for var line in text.split(whereSeparator: \.isNewline) {
      if line.hasPrefix("INFO:") { continue }
      if line.hasPrefix("ERROR: ") { line = line.dropFirst("ERROR: ".count) }
      if line.hasPrefix("["), let end = line.firstIndex(of: "]") {
        line = line[line.index(after: end)...]
      }
      let words = line.drop { $0.isWhitespace }.prefix(500)
      if !words.isEmpty, !lines.contains(where: { $0 == words }) { lines.append(String(words)) }
    }
    let shown = lines.prefix(4).joined(separator: " ")
    return lines.count > 4 ? shown + " (and \(lines.count - 4) more lines)" : shown
  }
}

/// A status of the C interface, with words of our own: the library exports none.
struct Status: CustomStringConvertible {
  var value: LiteRtStatus

  init(_ value: LiteRtStatus) { self.value = value }

  var description: String {
    let words: String? =
      switch value {
      case 1: "invalid argument"
      case 2: "no memory"
      case 3: "runtime failure"
      case 4: "missing input tensor"
      case 5: "unsupported"
      case 6: "not found"
      case 7: "time-out"
      case 500: "file"
      case 501: "invalid flatbuffer"
      case 504: "compilation"
      case 1000: "index out of range"
      default: nil
      }
    return words.map { "status \(value), \($0)" } ?? "status \(value)"
  }
}
