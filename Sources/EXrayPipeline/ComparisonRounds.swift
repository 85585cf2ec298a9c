import EXrayProfile
import EXrayRuntime

/// Runs two models in turns, in random order, and loads both anew from time to time.
struct ComparisonRounds {
  /// What was measured.
  struct Result {
    /// Whole runs.
    var rounds = PairedRounds()
    /// Runs op by op, for each kind of op that both have.
    var kinds: [(label: String, rounds: PairedRounds, ops: Int)] = []
    /// The reference's ops.
    var referenceTable = OpTable()
  }

  private let candidate: PipelineSpecification
  private let reference: PipelineSpecification
  private let settings: ProfileSettings

  init(
    _ candidate: PipelineSpecification, _ reference: PipelineSpecification,
    _ settings: ProfileSettings
  ) {
    self.candidate = candidate
    self.reference = reference
    self.settings = settings
  }

  /// Measures whole runs and runs op by op, each pair of models in all launches.
  func measure(_ observer: (any ProgressObserver)?) throws -> Result {
    let clock = ContinuousClock()
    let began = clock.now
    var result = Result()
    var random = SeededGenerator(seed: settings.seed)
    var kinds: [String: (rounds: PairedRounds, ops: Int)] = [:]
    let rounds = max(8, settings.runs)
    let launches = min(max(1, settings.launches), rounds / 2)
    for launch in 0..<launches {
      // Rounds are spread evenly; each launch may use its part of the time.
      let end = began + settings.timeLimit * 2 * (launch + 1) / launches
      let share = rounds * (launch + 1) / launches - rounds * launch / launches
      try turns(share, end: end - settings.timeLimit / launches, profiled: false, &random) { pair in
        result.rounds.add(
          reference: pair.reference.inferenceTime.inNanoseconds,
          candidate: pair.candidate.inferenceTime.inNanoseconds, launch: launch)
        observer?.progress("turns", done: result.rounds.count, of: rounds)
      }
      try turns(max(1, share), end: end, profiled: true, &random) { pair in
        let events = pair.reference.ops.map(OpEvent.init)
        result.referenceTable.add(events)
        let left = OpTable.sums(events)
        let right = OpTable.sums(pair.candidate.ops.map(OpEvent.init))
        for (label, sum) in left {
          guard let other = right[label] else { continue }
          kinds[label, default: (PairedRounds(), max(sum.ops, other.ops))].rounds.add(
            reference: Double(sum.microseconds), candidate: Double(other.microseconds),
            launch: launch)
        }
      }
    }
    observer?.progress("turns", done: rounds, of: rounds)
    result.kinds = kinds.map { ($0.key, $0.value.rounds, $0.value.ops) }
    return result
  }

  /// Loads both models and runs them in turns, at least twice.
  private func turns(
    _ count: Int, end: ContinuousClock.Instant, profiled: Bool,
    _ random: inout SeededGenerator,
    _ add: ((reference: RunReport, candidate: RunReport)) -> Void
  ) throws {
    var sides = [candidate, reference]
    for index in sides.indices { sides[index].options.profilesOps = profiled }
    // Which of the two is loaded first is a matter of chance as well.
    let isCandidateFirst = Bool.random(using: &random)
    var one = try ProfiledModel.open(sides[isCandidateFirst ? 0 : 1], seed: settings.seed)
    var other = try ProfiledModel.open(sides[isCandidateFirst ? 1 : 0], seed: settings.seed)
    let warmUp = max(1, min(settings.warmUpRuns, 5))
    for _ in 0..<warmUp {
      _ = try one.run()
      _ = try other.run()
      if ContinuousClock.now >= end { break }
    }
    for done in 0..<count {
      let isOneFirst = Bool.random(using: &random)
      let first = isOneFirst ? try one.run() : try other.run()
      let second = isOneFirst ? try other.run() : try one.run()
      add(isOneFirst == isCandidateFirst ? (second, first) : (first, second))
      if done >= 1, ContinuousClock.now >= end { break }
    }
  }
}
