import ArgumentParser
import EXrayPipeline
import EXrayRuntime
import Foundation

/// The command line tool: parses, calls a library, prints.
@main
struct Exray: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "exray",
    abstract: "Finds out why a model that was right in training is wrong in the app.",
    discussion: """
      EXray runs a model two ways over the same inputs, compares every layer and names the cause.

      EXAMPLES
        exray validate --candidate-model app.tflite --candidate-recipe app.json \\
            --reference-model trained.tflite --reference-recipe trained.json \\
            --input photos/ --labels labels.txt --report report/
        exray run model.tflite --recipe recipe.json --input photos/ --output run.mcap
        exray inspect model.tflite

      EXIT CODES
        0  nothing found        1  a finding
        2  usage or unreadable input        3  inconclusive
      """,
    version: Tool.version,
    subcommands: [
      Validate.self, Dissect.self, Bisect.self, Capsule.self, BaselineTool.self, Profile.self,
      Run.self, Replay.self, Compare.self, Identify.self, Inspect.self, Import.self, Export.self,
      Recover.self, Demo.self, Doctor.self, HostRuntime.self,
    ])

  static func main() {
    StandardStreams.prepare()
    do {
      var command = try parseAsRoot()
      try command.run()
      end(code: 0)
    } catch let exit as ExitCode {
      end(code: exit.rawValue)
    } catch let error as RuntimeError where error.code == .crashed || error.code == .timedOut {
      let cause = error.code == .crashed ? "runtime.crash" : "runtime.timeout"
      fail("\(cause): \(error)".onOneLine, code: 1)
    } catch let error as RuntimeError where error.code == .libraryUnavailable {
      // The one message of several lines: every place that was tried.
      fail("\(error)", code: 2)
    } catch {
      report(error)
    }
  }

  /// Help and version go out as they are; wrong usage and unreadable input become one line and exit code 2.
  private static func report(_ error: any Error) -> Never {
    switch exitCode(for: error) {
    case .success:
      print(fullMessage(for: error))
      end(code: 0)
    case .validationFailure: fail(fullMessage(for: error), code: 2, prefix: "")
    default: fail("\(error)".onOneLine, code: 2)
    }
  }

  private static func fail(_ message: String, code: Int32, prefix: String = "exray: ") -> Never {
    Leftovers.remove()
    _ = StandardStreams.flush()
    StandardStreams.writeError(prefix + message + "\n")
    Foundation.exit(code)
  }

  /// Ends the program, with 2 where what was printed could not be delivered.
  private static func end(code: Int32) -> Never {
    guard StandardStreams.flush() else {
      fail(
        "standard output: cannot be written; free space on the disk, or write elsewhere", code: 2)
    }
    Foundation.exit(code)
  }
}

/// Name and version of this program.
enum Tool {
  /// The version.
  static let version = "0.1.0"
  /// Name and version, as traces and reports record them.
  static let identity = "exray \(version)"
}
