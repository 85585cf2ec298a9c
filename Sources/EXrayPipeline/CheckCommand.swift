public import EXrayValidation
import Foundation

extension CustomCheck {
  /// A check that is a program: one JSON document on its standard input, one JSON object on its standard output.
  ///
  /// The command is split at white space and executed directly; no shell reads it. The program gets this process's
  /// environment and working folder, and is ended when its time is over. What it prints beside an answer, an exit
  /// code other than 0, and silence are inconclusive. `Documentation/checks.md` describes both documents.
  ///
  /// - Parameters:
  ///   - command: Program and arguments.
  ///   - tensors: Parts of the model whose values are written to temporary files for it.
  ///   - timeLimit: How long it may take.
  ///   - reportJSON: Renders the report as it goes into the document.
  /// - Throws: ``PipelineError`` where there is no such program.
  public static func program(
    _ command: String, tensors: Set<RunComparison.Tensor.Role> = [], timeLimit: Duration,
    reportJSON: @escaping @Sendable (ValidationReport) throws -> String
  ) throws(PipelineError) -> CustomCheck {
    let program = try CheckCommand(command, timeLimit: timeLimit)
    return CustomCheck(name: command, tensors: tensors) { context in
      program.run(input: try CheckDocument.text(context, report: reportJSON(context.report)))
    }
  }
}

/// A program that judges a comparison.
struct CheckCommand: Sendable {
  private let executable: URL
  private let arguments: [String]
  private let timeLimit: Duration

  /// What a program may print; one that prints more is ended.
  static let outputLimit = 1 << 20

  /// Finds a program.
  init(_ command: String, timeLimit: Duration) throws(PipelineError) {
    let words = command.split(whereSeparator: \.isWhitespace).map(String.init)
    guard let name = words.first else {
      throw PipelineError(.unreadable, "the command of a check is empty; name a program")
    }
    guard let path = Self.path(of: name) else {
      throw PipelineError(
        .unreadable,
        "\(name): is no program that can be executed; check the path and its permissions")
    }
    executable = URL(filePath: path)
    arguments = Array(words.dropFirst())
    self.timeLimit = timeLimit
  }

  /// The file of a name: itself where it has a slash, else the first in the folders of PATH.
  private static func path(of name: String) -> String? {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    let paths = name.contains("/") ? [name] : folders.map { "\($0)/\(name)" }
    return paths.first { path in
      var isFolder: ObjCBool = false
      let exists = unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      return exists && !isFolder.boolValue
        && FileManager.default.isExecutableFile(atPath: path)
    }
  }

  /// How a program ended.
  enum Outcome {
    /// By itself, after it had printed something.
    case exited(code: Int32, printed: [UInt8], complaint: String)
    case died(signal: Int32, complaint: String)
    case timedOut
    case flooded
  }

  /// Runs the program over a document; whatever goes wrong is inconclusive.
  func run(input: String) -> CustomCheck.Answer {
    do {
      return answer(try outcome(input: input))
    } catch {
      return .init(.inconclusive, "could not be started: \(error.localizedDescription)")
    }
  }

  /// Runs the program.
  ///
  /// - Parameters:
  ///   - input: What it reads on its standard input.
  ///   - environment: Variables that it gets beside this process's own.
  /// - Throws: What starting it throws.
  func outcome(input: String, environment: [String: String] = [:]) throws -> Outcome {
    let folder = try CheckLeftovers.makeFolder()
    defer { CheckLeftovers.remove(folder) }
    // A file and no pipe: a program that does not read its input cannot hold this one up.
    let file = folder.appending(path: "input.json")
    try Data(input.utf8).write(to: file)
    let process = Process()
    process.executableURL = executable
    process.arguments = arguments
    if !environment.isEmpty {
      process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    }
    process.standardInput = try FileHandle(forReadingFrom: file)
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    try CheckLeftovers.start(process)
    defer { CheckLeftovers.forget(process) }
    try? output.fileHandleForWriting.close()
    try? errors.fileHandleForWriting.close()
    return outcome(of: process, output, errors)
  }

  // MARK: Waiting

  private enum Ending {
    case exited, timedOut, flooded
  }

  private func outcome(of process: Process, _ output: Pipe, _ errors: Pipe) -> Outcome {
    var streams = [OpenStream(output), OpenStream(errors)]
    let deadline = DispatchTime.now().uptimeNanoseconds + timeLimit.nanoseconds
    var ending = Ending.exited
    // A program that the check has started may hold the pipes open: the check's own end counts.
    // `Process` itself notices an end only when those others have ended too.
    var status: Int32 = 0
    var reaped = unsafe waitpid(process.processIdentifier, &status, WNOHANG)
    while reaped == 0 {
      OpenStream.read(&streams, milliseconds: 20)
      if streams.contains(where: { $0.bytes.count > Self.outputLimit }) { ending = .flooded }
      if DispatchTime.now().uptimeNanoseconds > deadline { ending = .timedOut }
      if ending != .exited {
        // Signals that this program ignores, its children ignore too; this one nobody can.
        kill(process.processIdentifier, SIGKILL)
      }
      reaped = unsafe waitpid(
        process.processIdentifier, &status, ending == .exited ? WNOHANG : 0)
    }
    if reaped < 0 {
      // `Process` was faster.
      process.waitUntilExit()
      let isSignal = process.terminationReason == .uncaughtSignal
      status = isSignal ? process.terminationStatus : process.terminationStatus << 8
    }
    let (code, signal) = (status >> 8 & 0xff, status & 0x7f)
    OpenStream.read(&streams, milliseconds: 0, untilEmpty: true)
    let (printed, complaint) = (streams[0].bytes, Self.lastLine(streams[1].bytes))
    switch ending {
    case .timedOut: return .timedOut
    case .flooded: return .flooded
    case .exited where signal != 0: return .died(signal: signal, complaint: complaint)
    case .exited where printed.count > Self.outputLimit: return .flooded
    case .exited: return .exited(code: code, printed: printed, complaint: complaint)
    }
  }

  private func answer(_ outcome: Outcome) -> CustomCheck.Answer {
    switch outcome {
    case .timedOut:
      .init(.inconclusive, "did not answer within \(timeLimit.components.seconds) s")
    case .flooded: .init(.inconclusive, "printed more than 1 MiB and was ended")
    case .died(let signal, let complaint):
      .init(.inconclusive, "died of signal \(signal)\(complaint)")
    case .exited(let code, _, let complaint) where code != 0:
      .init(.inconclusive, "exited with \(code)\(complaint)")
    case .exited(_, let printed, _): CheckDocument.answer(printed)
    }
  }

  /// The last line of what a program said on standard error, after a colon; empty without one.
  private static func lastLine(_ bytes: [UInt8]) -> String {
    let text = String(decoding: bytes.suffix(4096), as: UTF8.self)
    let line = text.split(whereSeparator: \.isNewline).last { !$0.allSatisfy(\.isWhitespace) }
    return line.map { ": " + $0.prefix(300) } ?? ""
  }
}

/// One of a program's streams, and what has come out of it.
private struct OpenStream {
  private let pipe: Pipe
  private var isOpen = true
  private(set) var bytes: [UInt8] = []

  init(_ pipe: Pipe) { self.pipe = pipe }

  /// Reads what is there, after waiting for it at most some milliseconds.
  ///
  /// - Parameter untilEmpty: Reads on until nothing is left or it is too much.
  static func read(
    _ streams: inout [OpenStream], milliseconds: Int32, untilEmpty: Bool = false
  ) {
    var isMore = true
    while isMore {
      isMore = false
      var requests = streams.map { stream in
        pollfd(
          fd: stream.isOpen ? stream.pipe.fileHandleForReading.fileDescriptor : -1,
          events: Int16(POLLIN), revents: 0)
      }
      guard unsafe poll(&requests, nfds_t(requests.count), milliseconds) > 0 else { return }
      for index in streams.indices where requests[index].revents != 0 {
        streams[index].readOnce()
        isMore =
          isMore
          || untilEmpty && streams[index].isOpen
            && streams[index].bytes.count <= CheckCommand.outputLimit
      }
    }
  }

  private mutating func readOnce() {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    let count = unsafe buffer.withUnsafeMutableBytes {
      unsafe Foundation.read(
        pipe.fileHandleForReading.fileDescriptor, $0.baseAddress, $0.count)
    }
    if count > 0 {
      bytes += buffer[..<count]
    } else if count == 0 || errno != EINTR {
      isOpen = false
    }
  }
}
