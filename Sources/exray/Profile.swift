import ArgumentParser
import EXrayPipeline
import EXrayProfile
import EXrayReport
import EXrayRuntime
import EXrayValidation
import Foundation

/// `exray profile`: how long a model takes, and where the time goes.
struct Profile: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure a model's latency, ops, threads and memory; compare two of them.",
    discussion: """
      Inputs are made up from a seed. Whole runs are timed without a profiler, ops in runs of their own.
      With --against or --against-model both models run in turns, and the difference has an interval.
      Documentation/profile.md says what the columns mean.

      EXAMPLES
        exray profile model.tflite
        exray profile model.tflite --kernels builtin --sweep-threads all --json profile.json
        exray profile model.tflite --against builtin
        exray profile new.tflite --against-model old.tflite --tolerance 0.05 --runs 300

      EXIT CODES
        0  no slow kernel; a comparison rules out a slow-down beyond --tolerance
        1  a slow kernel, or slower than the other model by more than --tolerance
        2  usage or unreadable input        3  the comparison cannot tell
      """)

  @Argument(help: "The model, a .tflite file.")
  var model: String

  @Option(help: "The kernels that compute.")
  var kernels = KernelMode.xnnpack

  @Option(help: ArgumentHelp("Runs that count.", valueName: "n"))
  var runs = 100

  @Option(help: ArgumentHelp("Runs before those that count.", valueName: "n"))
  var warmup = 10

  @Option(
    help: ArgumentHelp("Seed of the inputs, of the turns and of the bootstrap.", valueName: "n"))
  var seed: UInt64 = 1

  @Option(
    help: ArgumentHelp("Seconds after which a stage is cut short.", valueName: "s"))
  var maxSeconds = 60

  @Option(
    help: ArgumentHelp(
      "Numbers of threads to measure as well: 1,2,4, or all up to the processors.",
      valueName: "list"))
  var sweepThreads: ThreadCounts?

  @Option(help: "Compare with the same model under these kernels.")
  var against: KernelMode?

  @Option(help: ArgumentHelp("Compare with this model, the one trusted.", valueName: "tflite"))
  var againstModel: String?

  @Option(
    help: ArgumentHelp("The slow-down that passes: 0.05 is 5 %.", valueName: "fraction"))
  var tolerance = 0.05

  @Option(help: ArgumentHelp("How often a comparison loads both models anew.", valueName: "n"))
  var launches = 10

  @Option(help: ArgumentHelp("How many of the slowest ops are listed.", valueName: "n"))
  var top = 15

  @Flag(help: "List all ops, in the order of execution.")
  var all = false

  @Option(help: ArgumentHelp("Write everything as JSON.", valueName: "file"))
  var json: String?

  @Option(help: ArgumentHelp("Write the ops as a table.", valueName: "file"))
  var csv: String?

  @Option(help: ArgumentHelp("Write the runs as trace events for Perfetto.", valueName: "file"))
  var perfetto: String?

  @OptionGroup var runtime: RuntimeOptions

  func validate() throws {
    try check("--runs", runs, 1...100_000)
    try check("--warmup", warmup, 0...100_000)
    try check("--max-seconds", maxSeconds, 1...86_400)
    try check("--launches", launches, 1...1000)
    try check("--top", top, 0...100_000)
    guard tolerance.isFinite, (0...100).contains(tolerance) else {
      throw ValidationError("--tolerance takes 0 to 100, where 0.05 is 5 %, not \(tolerance).")
    }
  }

  private func check(_ name: String, _ value: Int, _ range: ClosedRange<Int>) throws {
    guard range.contains(value) else {
      throw ValidationError(
        "\(name) takes \(range.lowerBound) to \(range.upperBound), not \(value).")
    }
  }

  func run() throws {
    let files = [json, csv, perfetto].compactMap { $0 }
    for path in files { try FileAccess.checkWritable(path) }
    Leftovers.watch(files: files)
    let file = try ModelFile(path: model)
    let other = try againstModel.map { try ModelFile(path: $0) }
    let engine = try runtime.make()
    func side(_ model: ModelFile, _ kernels: KernelMode) -> PipelineSpecification {
      PipelineSpecification(
        model: model, recipe: nil, recipeName: nil, runtime: engine,
        options: SessionOptions(kernels: kernels, threads: runtime.threads))
    }
    let isCompared = other != nil || against != nil
    var settings = ProfileSettings()
    settings.runs = runs
    settings.warmUpRuns = warmup
    settings.seed = seed
    settings.threadCounts = sweepThreads?.counts ?? []
    settings.timeLimit = .seconds(maxSeconds)
    settings.launches = launches
    settings.tolerance = tolerance
    let report = try ProfileJob(
      side(file, kernels),
      against: isCompared ? side(other ?? file, against ?? kernels) : nil, settings: settings,
      isOwnProcess: !runtime.inProcess, tool: Tool.identity
    ).run(observer: ProgressBar())
    if let json { try FileAccess.write(try report.json(), to: json) }
    if let csv { try FileAccess.write(ProfileCSV.render(report), to: csv) }
    if let perfetto { try FileAccess.write(ProfilePerfetto.render(report), to: perfetto) }
    let width = Terminal.standardOutput.isInteractive ? Terminal.standardOutput.width : 120
    print(
      ProfileRenderer(opLimit: all ? nil : top, width: width).render(report), terminator: "")
    switch report.verdict {
    case .pass: return
    case .fail: throw ExitCode(1)
    case .inconclusive: throw ExitCode(3)
    }
  }
}

/// Numbers of threads, as the command line takes them.
struct ThreadCounts: ExpressibleByArgument {
  /// The numbers, each once, in the order given.
  let counts: [Int]

  /// Reads `1,2,4`, or `all` for one to the number of processors.
  init?(argument: String) {
    guard argument != "all" else {
      counts = Array(1...max(1, min(256, ProcessInfo.processInfo.activeProcessorCount)))
      return
    }
    var counts: [Int] = []
    for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
      guard let count = Int(part), (1...256).contains(count) else { return nil }
      if !counts.contains(count) { counts.append(count) }
    }
    guard counts.count <= 32 else { return nil }
    self.counts = counts
  }
}
