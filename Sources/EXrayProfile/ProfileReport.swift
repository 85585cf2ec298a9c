import EXrayCore
public import EXrayValidation

/// One run of a profiled model.
public struct ProfiledRun: Sendable, Hashable {
  /// How long it took.
  public var duration: Duration
  /// Its ops, in the order of execution.
  public var events: [OpEvent]

  /// Creates a run.
  public init(duration: Duration, events: [OpEvent]) {
    self.duration = duration
    self.events = events
  }
}

/// What `exray profile` measured: the JSON of `--json`.
public struct ProfileReport: Sendable, Encodable {
  /// What ran, and how.
  public struct Subject: Sendable, Hashable, Encodable {
    /// File name of the model.
    public var model: String
    /// SHA-256 of the file.
    public var sha256: String
    /// Bytes of the file.
    public var fileByteCount: Int
    /// Name of the runtime.
    public var runtime: String
    /// Version of the runtime.
    public var runtimeVersion: String
    /// The kernels that computed.
    public var kernels: String
    /// Threads that the runtime used.
    public var threads: Int

    /// Describes what ran.
    public init(
      model: String, sha256: String, fileByteCount: Int, runtime: String, runtimeVersion: String,
      kernels: String, threads: Int
    ) {
      self.model = model
      self.sha256 = sha256
      self.fileByteCount = fileByteCount
      self.runtime = runtime
      self.runtimeVersion = runtimeVersion
      self.kernels = kernels
      self.threads = threads
    }
  }

  /// The model's memory, measured and estimated.
  public struct Memory: Sendable, Encodable {
    /// The most that the process running the model held resident; nil where the system does not say.
    public var peakResidentByteCount: Int?
    /// What it held after the last run; nil where the system does not say.
    public var residentByteCount: Int?
    /// Whether that process ran nothing but the model.
    public var isOwnProcess: Bool
    /// What values and weights take, from the graph.
    public var estimate: ArenaEstimate

    /// Describes memory.
    public init(
      peakResidentByteCount: Int?, residentByteCount: Int?, isOwnProcess: Bool,
      estimate: ArenaEstimate
    ) {
      self.peakResidentByteCount = peakResidentByteCount
      self.residentByteCount = residentByteCount
      self.isOwnProcess = isOwnProcess
      self.estimate = estimate
    }
  }

  /// Whole runs with one number of threads.
  public struct ThreadCount: Sendable, Hashable, Encodable {
    /// Threads that the runtime used.
    public var threads: Int
    /// Whole runs.
    public var latency: LatencySummary
    /// The median of the first count measured by this one's.
    public var speedUp: Double
    /// ``speedUp`` by how many times more threads there are.
    public var efficiency: Double

    /// Describes a count.
    public init(threads: Int, latency: LatencySummary, speedUp: Double, efficiency: Double) {
      self.threads = threads
      self.latency = latency
      self.speedUp = speedUp
      self.efficiency = efficiency
    }
  }

  /// A second model, or the same one under other kernels, run in turns with the first.
  public struct Comparison: Sendable, Encodable {
    /// What the model was compared to.
    public var reference: Subject
    /// The slow-down that may be.
    public var tolerance: Double
    /// The rounds' medians.
    public var latency: LatencyComparison
    /// Kinds of ops that both have, by label.
    public var types: [OpTypeComparison]
    /// Whether the model is slower than may be.
    public var verdict: Verdict

    /// Describes a comparison.
    public init(
      reference: Subject, tolerance: Double, latency: LatencyComparison, types: [OpTypeComparison]
    ) {
      self.reference = reference
      self.tolerance = tolerance
      self.latency = latency
      self.types = types
      verdict = latency.verdict(tolerance: tolerance)
    }
  }

  /// Version of the JSON schema.
  public var schemaVersion = 1
  /// Name and version of the program.
  public var tool: String
  /// What ran.
  public var subject: Subject
  /// The machine, with its processor's name.
  public var device: String
  /// Name and version of the operating system.
  public var operatingSystem: String
  /// Seed of the inputs, of the order of turns and of the bootstrap.
  public var seed: UInt64
  /// Runs before those that count.
  public var warmUpRuns: Int
  /// Loading and preparing the model in the runtime, in nanoseconds; nil where it does not say.
  public var loadNanoseconds: Int64?
  /// The same with starting the process and the library, in nanoseconds.
  public var openNanoseconds: Int64
  /// The first run, in nanoseconds.
  public var firstRunNanoseconds: Int64
  /// Whole runs, without a profiler.
  public var latency: LatencySummary
  /// Whole runs with the profiler that gives the ops' times.
  public var profiledLatency: LatencySummary
  /// Median with the profiler by that without, less 1.
  public var profilerCost: Double
  /// Where the time goes.
  public var profile: OpProfile
  /// What this machine can do; nil where it was not measured.
  public var peak: MachinePeak?
  /// Whole runs by threads; empty without a sweep.
  public var threads: [ThreadCount]
  /// Memory.
  public var memory: Memory
  /// The comparison; nil without one.
  public var comparison: Comparison?
  /// Slow kernels.
  public var findings: [Finding]
  /// What limits the figures.
  public var notes: [String]
  /// The first profiled runs, for a timeline; not part of the JSON.
  public var timeline: [ProfiledRun] = []

  /// Creates a report.
  public init(
    tool: String, subject: Subject, device: String, operatingSystem: String, seed: UInt64,
    warmUpRuns: Int, loadNanoseconds: Int64?, openNanoseconds: Int64, firstRunNanoseconds: Int64,
    latency: LatencySummary, profiledLatency: LatencySummary, profile: OpProfile,
    peak: MachinePeak?, memory: Memory
  ) {
    self.tool = tool
    self.subject = subject
    self.device = device
    self.operatingSystem = operatingSystem
    self.seed = seed
    self.warmUpRuns = warmUpRuns
    self.loadNanoseconds = loadNanoseconds
    self.openNanoseconds = openNanoseconds
    self.firstRunNanoseconds = firstRunNanoseconds
    self.latency = latency
    self.profiledLatency = profiledLatency
    self.profile = profile
    self.peak = peak
    self.memory = memory
    let plain = latency.p50.inNanoseconds
    profilerCost = plain > 0 ? profiledLatency.p50.inNanoseconds / plain - 1 : 0
    threads = []
    findings = []
    notes = []
  }

  private enum CodingKeys: CodingKey {
    case schemaVersion, tool, subject, device, operatingSystem, seed, warmUpRuns, loadNanoseconds
    case openNanoseconds, firstRunNanoseconds, latency, profiledLatency, profilerCost, profile, peak
    case threads, memory, comparison, findings, notes
  }

  /// A finding or a slow-down beyond the tolerance fails; a comparison that cannot tell is inconclusive.
  public var verdict: Verdict {
    if !findings.isEmpty { return .fail }
    return comparison?.verdict ?? .pass
  }
}
