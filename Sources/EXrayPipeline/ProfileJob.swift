import EXrayCore
import EXrayModel
public import EXrayProfile
import EXrayRuntime
import EXrayValidation

/// How a profile is measured.
public struct ProfileSettings: Sendable {
  /// Runs that count, with the profiler and without.
  public var runs = 100
  /// Runs before those that count.
  public var warmUpRuns = 10
  /// Seed of the inputs, of the order of turns and of the bootstrap.
  public var seed: UInt64 = 1
  /// Numbers of threads to sweep; none by default.
  public var threadCounts: [Int] = []
  /// How long each stage may take; a stage that is over time ends after the runs that it needs at least.
  public var timeLimit = Duration.seconds(60)
  /// How often a comparison loads both models anew.
  public var launches = 10
  /// The slow-down that a comparison lets pass, as a part of the reference's time.
  public var tolerance = 0.05
  /// Whether the machine's peak is measured.
  public var measuresPeak = true

  /// The usual settings.
  public init() {}
}

/// Measures how long a model takes, where the time goes, and how much memory there is to it.
///
/// Nothing is captured. Whole runs are timed without a profiler; ops are timed in runs of their own, half of the whole runs
/// before and half after them, so that a machine that grows slower does not make the profiler look dear.
public struct ProfileJob {
  private let subject: PipelineSpecification
  private let reference: PipelineSpecification?
  private let settings: ProfileSettings
  private let isOwnProcess: Bool
  private let tool: String

  /// Creates a job; recipes are ignored.
  ///
  /// - Parameters:
  ///   - reference: What the model is compared to: another model, or the same one under other kernels; nil for nothing.
  ///   - isOwnProcess: Whether the runtime runs each model in a process of its own, for the report.
  ///   - tool: Name and version of the program, for the report.
  public init(
    _ subject: PipelineSpecification, against reference: PipelineSpecification? = nil,
    settings: ProfileSettings = ProfileSettings(), isOwnProcess: Bool = true, tool: String
  ) {
    self.subject = subject
    self.reference = reference
    self.settings = settings
    self.isOwnProcess = isOwnProcess
    self.tool = tool
  }

  /// Measures everything.
  ///
  /// - Throws: ``RuntimeError`` where a model cannot be loaded or run.
  public func run(observer: (any ProgressObserver)?) throws -> ProfileReport {
    var notes: [String] = []
    let peak = settings.measuresPeak ? MachinePeak.measured() : nil
    var plain = try ProfiledModel.open(subject, seed: settings.seed)
    try plain.warmUp(settings, observer)
    var times = try plain.measure("whole runs", (settings.runs + 1) / 2, settings, observer).times
    let ops = try measureOps(subject, observer)
    times += try plain.measure(
      "whole runs again", max(1, settings.runs / 2), settings, observer
    ).times
    guard let latency = LatencySummary(times), let profiled = LatencySummary(ops.times),
      let first = plain.firstRun
    else { throw PipelineError(.unsuitableInput, "\(subject.model.path): no run was measured") }

    if settings.runs > 1, times.count < settings.runs || ops.times.count < settings.runs {
      notes.append(
        "Of \(settings.runs) runs \(times.count) were timed whole and \(ops.times.count) op by op within the time limit."
      )
    }
    if times.count < 100 {
      notes.append("p99 of fewer than 100 runs says little; the longest run is meant.")
    }
    var report = ProfileReport(
      tool: tool, subject: Self.describe(subject), device: Machine.device,
      operatingSystem: Machine.operatingSystem, seed: settings.seed,
      warmUpRuns: settings.warmUpRuns, loadNanoseconds: plain.loadTime?.wholeNanoseconds,
      openNanoseconds: plain.openTime.wholeNanoseconds, firstRunNanoseconds: first.wholeNanoseconds,
      latency: latency, profiledLatency: profiled,
      profile: OpProfile(
        ops.table, model: subject.model.model, peak: peak, threads: subject.options.threads),
      peak: peak,
      memory: ProfileReport.Memory(
        peakResidentByteCount: plain.memory.peak, residentByteCount: plain.memory.resident,
        isOwnProcess: isOwnProcess, estimate: ArenaEstimate(subject.model.model)))
    report.timeline = ops.timeline
    report.threads = try sweep(observer)
    var other: (profile: OpProfile, kernels: String)?
    if let reference {
      let compared = try ComparisonRounds(subject, reference, settings).measure(observer)
      guard let comparison = LatencyComparison(compared.rounds, seed: settings.seed) else {
        throw PipelineError(
          .unsuitableInput,
          "\(compared.rounds.count) rounds were run within the time limit, and 8 are needed to compare; allow more time with --max-seconds"
        )
      }
      report.comparison = ProfileReport.Comparison(
        reference: Self.describe(reference), tolerance: settings.tolerance, latency: comparison,
        types: OpTypeComparison.compare(compared.kinds, seed: settings.seed))
      let table = OpProfile(
        compared.referenceTable, model: reference.model.model, peak: peak,
        threads: reference.options.threads)
      if reference.model.model.bytes == subject.model.model.bytes {
        other = (table, reference.options.kernels.rawValue)
      }
    }
    report.findings = SlowKernels().findings(
      in: report.profile, kernels: subject.options.kernels.rawValue, against: other)
    report.notes = notes
    return report
  }

  private func measureOps(
    _ specification: PipelineSpecification, _ observer: (any ProgressObserver)?
  ) throws -> ProfiledModel.Measured {
    var specification = specification
    specification.options.profilesOps = true
    var model = try ProfiledModel.open(specification, seed: settings.seed)
    try model.warmUp(settings, nil)
    return try model.measure("runs op by op", settings.runs, settings, observer)
  }

  /// Whole runs with each number of threads; every count has a turn on the way up and one on the way down.
  private func sweep(_ observer: (any ProgressObserver)?) throws -> [ProfileReport.ThreadCount] {
    let counts = settings.threadCounts
    var times = [[Duration]](repeating: [], count: counts.count)
    for place in Array(counts.indices) + counts.indices.reversed() {
      var specification = subject
      specification.options.threads = counts[place]
      var model = try ProfiledModel.open(specification, seed: settings.seed)
      try model.warmUp(settings, nil)
      times[place] += try model.measure(
        "\(counts[place]) threads", (settings.runs + 1) / 2, settings, observer
      ).times
    }
    let summaries = times.map { LatencySummary($0) }
    guard let base = summaries.first ?? nil, let first = counts.first else { return [] }
    return zip(counts, summaries).compactMap { count, summary in
      guard let summary, summary.p50 > .zero else { return nil }
      let speedUp = base.p50.inNanoseconds / summary.p50.inNanoseconds
      return ProfileReport.ThreadCount(
        threads: count, latency: summary, speedUp: speedUp,
        efficiency: speedUp * Double(first) / Double(count))
    }
  }

  private static func describe(_ specification: PipelineSpecification) -> ProfileReport.Subject {
    ProfileReport.Subject(
      model: specification.model.name, sha256: specification.model.sha256,
      fileByteCount: specification.model.model.bytes.count, runtime: specification.runtime.name,
      runtimeVersion: specification.runtime.version,
      kernels: specification.options.kernels.rawValue, threads: specification.options.threads)
  }
}
