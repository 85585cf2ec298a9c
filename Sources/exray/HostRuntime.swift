import ArgumentParser
import EXrayLiteRT

/// The process in which a model runs, started by the others; not for people.
struct HostRuntime: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "host-runtime", abstract: "Run one model for another process.",
    shouldDisplay: false)

  @Option var runtime = RuntimeName.litert
  @Option var library: String

  func run() throws {
    let code = LiteRT.serve(library: library)
    if code != 0 { throw ExitCode(code) }
  }
}
