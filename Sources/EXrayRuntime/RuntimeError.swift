/// A failure of an inference runtime, with the library's own words.
public struct RuntimeError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What kind of failure; more may be added.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    /// The code as reports spell it.
    public let description: String

    /// Creates a code from its spelling; used to carry codes between processes.
    public init(_ description: String) { self.description = description }

    /// The runtime's shared library was not found or cannot be used.
    public static var libraryUnavailable: Self { .init("library-unavailable") }
    /// The runtime refused the model.
    public static var modelRefused: Self { .init("model-refused") }
    /// An input has the wrong size, type or index.
    public static var invalidInput: Self { .init("invalid-input") }
    /// A run failed.
    public static var runFailed: Self { .init("run-failed") }
    /// The process that ran the model died.
    public static var crashed: Self { .init("crashed") }
    /// The process that ran the model did not answer in time and was ended.
    public static var timedOut: Self { .init("timed-out") }
    /// This machine cannot do what was asked (no process, no shared memory).
    public static var environment: Self { .init("environment") }
  }

  /// What kind of failure.
  public var code: Code
  /// What happened and what to do.
  public var message: String

  /// Creates an error.
  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// The message.
  public var description: String { message }
}
