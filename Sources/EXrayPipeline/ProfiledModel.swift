import EXrayCore
import EXrayModel
import EXrayProfile
import EXrayRuntime

/// A model that is loaded and fed, ready to be run many times.
struct ProfiledModel: ~Copyable {
  private var opened: OpenedModel
  /// Loading and preparing in the runtime, where it says.
  let loadTime: Duration?
  /// The same with starting the process and the library.
  let openTime: Duration
  /// The run before all others.
  private(set) var firstRun: Duration?
  /// Memory of the process that runs the model, after the last run.
  private(set) var memory: (resident: Int?, peak: Int?) = (nil, nil)

  /// Loads a model and gives it random inputs.
  static func open(_ specification: PipelineSpecification, seed: UInt64) throws -> ProfiledModel {
    let clock = ContinuousClock()
    let began = clock.now
    var opened = try OpenedModel(
      file: specification.model, runtime: specification.runtime, options: specification.options,
      capture: .none)
    let openTime = clock.now - began
    let inputs = RandomInputs.make(for: opened.session.inputs, seed: seed)
    try opened.withSession { (session) throws(RuntimeError) in
      for (index, bytes) in inputs.enumerated() {
        try unsafe session.write(bytes.span.bytes, toInput: index)
      }
    }
    return ProfiledModel(opened, openTime: openTime)
  }

  private init(_ opened: consuming OpenedModel, openTime: Duration) {
    loadTime = opened.session.loadTime
    self.openTime = openTime
    self.opened = opened
  }

  /// Runs once.
  mutating func run() throws -> RunReport {
    let report = try opened.withSession { (session) throws(RuntimeError) in try session.run() }
    if firstRun == nil { firstRun = report.inferenceTime }
    memory = (report.residentMemoryInBytes, report.peakMemoryInBytes)
    return report
  }

  /// Runs until the runtime has found its pace; at least once, and no longer than half of the time limit.
  mutating func warmUp(_ settings: ProfileSettings, _ observer: (any ProgressObserver)?) throws {
    let clock = ContinuousClock()
    let end = clock.now + settings.timeLimit / 2
    for done in 0..<max(1, settings.warmUpRuns) {
      _ = try run()
      observer?.progress("warm-up", done: done + 1, of: max(1, settings.warmUpRuns))
      if clock.now >= end { break }
    }
    observer?.progress("warm-up", done: 1, of: 1)
  }

  /// Runs and keeps the times; fewer than asked for where the time limit is reached, at least 3 of them.
  mutating func measure(
    _ stage: String, _ runs: Int, _ settings: ProfileSettings,
    _ observer: (any ProgressObserver)?
  ) throws -> Measured {
    let clock = ContinuousClock()
    let end = clock.now + settings.timeLimit
    var measured = Measured()
    for done in 0..<runs {
      let report = try run()
      measured.times.append(report.inferenceTime)
      if !report.ops.isEmpty {
        let events = report.ops.map(OpEvent.init)
        measured.table.add(events)
        if measured.timeline.count < Self.timelineLength {
          measured.timeline.append(ProfiledRun(duration: report.inferenceTime, events: events))
        }
      }
      observer?.progress(stage, done: done + 1, of: runs)
      if measured.times.count >= 3, clock.now >= end { break }
    }
    if measured.times.count < runs { observer?.progress(stage, done: runs, of: runs) }
    return measured
  }

  /// What runs gave.
  struct Measured {
    var times: [Duration] = []
    var table = OpTable()
    var timeline: [ProfiledRun] = []
  }

  /// Runs kept one by one: enough to look at, little enough for any viewer.
  private static let timelineLength = 100
}

extension OpEvent {
  /// The event in the words of the profile.
  init(_ timing: OpTiming) {
    let part: Part =
      switch timing.part {
      case .node: .node
      case .delegate: .delegate
      case .inner: .inner
      }
    self.init(
      part: part, label: timing.label, op: timing.opIndex, microseconds: timing.microseconds)
  }
}
