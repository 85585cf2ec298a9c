import ArgumentParser
import EXrayLiteRT
import EXrayPipeline
import EXrayRuntime
import Foundation

/// `exray doctor`: what was found where, what is missing, what to install.
struct Doctor: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Say what was found where, what is missing, and what to install.",
    discussion: "Exits with 1 where something that exray needs is missing.")

  @Option(help: ArgumentHelp("A runtime library to try first.", valueName: "path"))
  var library: String?

  func run() throws {
    print("exray \(Tool.version) on \(Machine.operatingSystem), \(Machine.device)")
    let isRuntimeReady = checkRuntime()
    checkDemo()
    if !isRuntimeReady { throw ExitCode(1) }
  }

  private func checkRuntime() -> Bool {
    let result = LiteRT.locate(library)
    print("\nLiteRT")
    for place in result.places {
      print("  \(place.isFound ? "✓" : "·") \(place.path)  (\(place.origin))")
    }
    guard let path = result.path else {
      print("  missing: \(result.advice)")
      return false
    }
    do {
      let runtime = try LiteRT(library: path)
      print("  ready: version \(runtime.version)")
    } catch {
      print("  unusable: \(error)")
      return false
    }
    do {
      print("  models run in a child process of \(try Executable.path())")
    } catch {
      print("  child processes: \(error)")
      return false
    }
    return true
  }

  private func checkDemo() {
    print("\nDemo")
    do {
      let files = try DemoFiles()
      print("  ✓ \(files.model)\n  ✓ \(files.picture)")
    } catch {
      print("  · \(error)")
    }
  }
}
