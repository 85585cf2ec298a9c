import EXrayTestKit
import Foundation
import Testing

/// The first 100 cases of the suite of sounds (`Documentation/detective-suite.md`), made by other libraries.
@Suite(.enabled(if: SharedData.isAvailable && Requirements.python != nil || Requirements.areStrict))
struct SoundDetectiveTests {
  @Test func `faults are named, unrelated features are unexplained, healthy ones raise nothing`()
    throws
  {
    let outcome = try BuiltTool.run(
      Requirements.packageRoot.appending(path: "Scripts/detective.sh"),
      ["sound", "--cases", "100", "--threshold", "0.99"],
      environment: ["EXRAY": BuiltTool.url.path, "EXRAY_DATA": try SharedData.path("")])
    // Exit 1 where precision or recall of a cause, or the answers to the others, are below 99 %.
    #expect(outcome.status == 0, "\(outcome.output) \(outcome.errors.suffix(500))")
  }
}
