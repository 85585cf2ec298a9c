import EXrayTestKit
import Foundation
import Testing

/// A part of the suite of mutants (`Documentation/mutants.md`): faults planted in real models by other libraries.
@Suite(.enabled(if: SharedData.isAvailable && Requirements.python != nil || Requirements.areStrict))
struct MutantTests {
  @Test func `planted faults are named at their op, and twins raise nothing`() throws {
    // Exit 1 where fewer ops or mechanisms are right than the thresholds, or a twin raises anything.
    let outcome = try BuiltTool.run(
      Requirements.packageRoot.appending(path: "Scripts/mutants.sh"),
      ["--cases", "60", "--threshold-op", "0.95", "--threshold-mechanism", "0.9"],
      environment: ["EXRAY": BuiltTool.url.path, "EXRAY_DATA": try SharedData.path("")])
    #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors.suffix(2000))")
    #expect(outcome.output.contains("right mechanism"))
  }
}
