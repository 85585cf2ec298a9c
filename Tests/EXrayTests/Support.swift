import EXray
import EXraySystem
import Foundation

/// A folder that goes away with this value.
final class TemporaryFolder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "monitor-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func path(_ name: String = "a.mcap") -> String { url.appending(path: name).path }

  var names: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: url.path).sorted() }
  }
}

func contents(of path: String) throws -> [UInt8] {
  [UInt8](try Data(contentsOf: URL(filePath: path)))
}

/// Runs `body` with the numbers from 0 on threads of their own, all at once, and waits for them.
func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) throws {
  final class Handle {
    var thread: SystemThread?
    init(_ thread: consuming SystemThread) { self.thread = consume thread }
  }
  let handles = try (0..<count).map { number in
    Handle(try SystemThread(name: "test-\(number)") { body(number) })
  }
  for handle in handles { handle.thread.take()?.join() }
}

/// A configuration in which no timing shows in the trace.
var manual: MonitorConfiguration {
  var configuration = MonitorConfiguration()
  configuration.clock = .manual(startNanoseconds: 1_000_000)
  return configuration
}

func bytes(_ span: RawSpan) -> [UInt8] {
  unsafe span.withUnsafeBytes { unsafe [UInt8]($0) }
}

extension TraceReader {
  /// The bytes of a tensor in a frame, by its topic.
  func values(_ topic: String, frame: Int, repetition: Int = 0) throws -> [UInt8]? {
    for (stream, tensor) in tensors.enumerated() where tensor.topic == topic {
      if let found = try withTensor(stream, frame: frame, repetition: repetition, bytes) {
        return found
      }
    }
    return nil
  }

  var gaps: [GapSample] {
    get throws {
      var gaps: [GapSample] = []
      try forEachGap { gap, _ in gaps.append(gap) }
      return gaps
    }
  }

  var findings: [FindingSample] {
    get throws {
      var findings: [FindingSample] = []
      try forEachFinding { finding, _ in findings.append(finding) }
      return findings
    }
  }
}

extension MonitorSummary {
  func loss(_ reason: String) -> GapSample? { losses.first { $0.reason == reason } }
}
