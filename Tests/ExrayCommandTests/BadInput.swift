import EXrayTestKit
import Foundation
import Testing

/// One unusable input: what is made of it, how the tool is called, and what it must say.
struct BadInput: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var arguments: @Sendable (Sandbox) throws -> [String]
  /// Words that the message must have.
  var words: [String]

  init(
    _ description: String, says words: String...,
    when arguments: @escaping @Sendable (Sandbox) throws -> [String]
  ) {
    self.init(description, words, when: arguments)
  }

  init(
    _ description: String, _ words: [String],
    when arguments: @escaping @Sendable (Sandbox) throws -> [String]
  ) {
    testDescription = description
    self.words = words
    self.arguments = arguments
  }

  /// Runs the tool: one clear line with these words, exit code 2, nothing written.
  func check(
    by run: ([String]) throws -> BuiltTool.Outcome = { try BuiltTool.run($0) }
  ) throws {
    try withSandbox { sandbox in
      let arguments = try arguments(sandbox)
      let outcome = try run(arguments)
      #expect(outcome.status == 2, "\(outcome.errors)")
      #expect(outcome.faults(naming: sandbox.folder.path) == [], "\(outcome.errors)")
      for word in words {
        #expect(outcome.errors.contains(word), "no '\(word)' in: \(outcome.errors)")
      }
      #expect(outcome.output == "")
      #expect(try sandbox.written == [])
    }
  }
}
