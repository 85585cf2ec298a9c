import EXrayTestKit
import Foundation
import Testing

/// A skipped test counts as passed, so where everything must be present, absence has to fail somewhere.
struct ResourceTests {
  @Test(.enabled(if: Requirements.areStrict))
  func `runtime, Python and data are all here`() {
    let library = Requirements.dependencies.appending(path: "litert/libLiteRt.so").path
    #expect(FileManager.default.fileExists(atPath: library))
    #expect(Requirements.python != nil)
    #expect(SharedData.isAvailable)
  }
}
