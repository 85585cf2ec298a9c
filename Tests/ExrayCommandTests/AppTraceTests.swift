import EXray
import EXrayTestKit
import Foundation
import Testing

/// Traces that an app recorded, as the commands take them.
@Suite struct AppTraceTests {
  /// Three frames of an input and an output, which the seed decides.
  private func record(_ name: String, level: Monitor.Level, in sandbox: Sandbox) -> String {
    let path = sandbox.path(name)
    let monitor = Monitor(writingTo: path, level: level)
    for seed in 0..<3 as Range<UInt64> {
      var random = SplitMix64(seed: seed)
      monitor.frame("frame \(seed)") { frame in
        let values = (0..<192).map { _ in Float.random(in: -1...1, using: &random) }
        frame.log(.input, values, shape: [1, 8, 8, 3], name: "x")
        frame.log(.output, Array(values.prefix(5)), shape: [1, 5], name: "y")
      }
    }
    monitor.close()
    return path
  }

  @Test("Two equal runs of an app compare as equal, whatever else their levels keep")
  func equal() throws {
    try withSandbox { sandbox in
      let outcome = try BuiltTool.run([
        "compare", record("a.mcap", level: .io, in: sandbox),
        record("b.mcap", level: .layers, in: sandbox),
      ])
      #expect(outcome.status == 0, "\(outcome)")
      #expect(outcome.output.contains("PASS"))
    }
  }

  @Test("A trace of sketches is inspected, and refused by compare in one line")
  func sketches() throws {
    try withSandbox { sandbox in
      let path = record("sketch.mcap", level: .sketch, in: sandbox)
      let inspected = try BuiltTool.run(["inspect", path])
      #expect(inspected.status == 0 && inspected.output.contains("sketches of float32"))
      let compared = try BuiltTool.run(["compare", path, path])
      #expect(compared.status == 2 && compared.errors.contains("holds sketches"))
      #expect(compared.faults(naming: path).isEmpty, "\(compared.errors)")
    }
  }
}
