import EXrayPreprocess
import EXrayRuntime
import EXrayValidation
import Foundation

// What every fix is worth: replays of the candidate with its recipe corrected.
extension ValidateJob {
  /// Fixes that are replayed alone, at most.
  static var singleReplayLimit: Int { 6 }

  /// Replays the candidate with all fixes, and with each alone where there are several.
  ///
  /// What each gains goes into its findings; what is still wrong with all of them becomes findings of its own.
  ///
  /// - Returns: What all fixes gain together; nil where fewer than two were replayed.
  func proveFixes(
    _ explanation: Explanation, after first: Pass, judge: Judge,
    judgement: inout Judge.Judgement, notes: inout [String], observer: (any ProgressObserver)?
  ) throws -> Finding.Gain? {
    guard let recipe = candidate.recipe, let intended = reference.recipe else { return nil }
    let fixes = RecipeFix.all(for: explanation, candidate: recipe, reference: intended)
    let isOne = fixes.count == 1
    let fixed = fixes.reduce(recipe) { $1.applied(to: $0, as: intended) }
    guard !fixes.isEmpty,
      case .completed(let second) = try pass(
        candidateRecipe: fixed,
        stage: isOne ? "replay the fix" : "replay all fixes", observer: observer)
    else { return nil }
    let before = first.collector.outcomes
    guard let start = FrameMeasurement(before),
      let end = FrameMeasurement(second.collector.outcomes)
    else { return nil }
    var singles: [RecipeFix: FrameMeasurement] = [:]
    if isOne {
      singles[fixes[0]] = end
    } else {
      for fix in fixes.prefix(Self.singleReplayLimit) {
        singles[fix] = try replay(
          fix, of: recipe, as: intended, before: before, notes: &notes, observer: observer)
      }
    }
    for index in judgement.findings.indices where judgement.findings[index].cause.isPreprocessing {
      let finding = judgement.findings[index]
      guard let fix = RecipeFix(stage: finding.where.stage), let single = singles[fix] else {
        continue
      }
      judgement.findings[index].gain = start.gain(of: single)
    }
    let evidence = second.collector.comparison.evidence
    var remaining = judge.judge(evidence, explanation: second.explanation(declared: fixed))
    try dissect(
      evidence, recipe: fixed, judgement: &remaining, notes: &notes, observer: observer)
    judgement.findings += remaining.findings.filter { found in
      !judgement.findings.contains { $0.cause == found.cause }
    }
    notes.append(
      "Replayed with \(isOne ? "the fix" : "all \(fixes.count) fixes") over all frames: "
        + (remaining.findings.isEmpty ? "nothing else is found." : "further findings remain."))
    guard !isOne else { return nil }
    if fixes.count > Self.singleReplayLimit {
      notes.append(
        "The first \(Self.singleReplayLimit) of \(fixes.count) fixes were replayed alone.")
    }
    if singles.count == fixes.count {
      notes += interaction(start, fixes.compactMap { singles[$0] }, end)
    }
    return start.gain(of: end)
  }

  /// Says that the fixes interact, where the sum of what they gain alone is not what they gain together.
  private func interaction(
    _ start: FrameMeasurement, _ singles: [FrameMeasurement], _ end: FrameMeasurement
  ) -> [String] {
    guard let (sum, excess, interval) = start.interaction(of: singles, all: end),
      abs(excess) > 1e-6
    else { return [] }
    var words = "The fixes interact: alone they gain \(Self.signed(sum)) in sum, together "
    words += "\(Self.signed(sum + excess))."
    if let interval {
      words += " The difference has the 95 % interval \(Self.signed(interval[0])) to "
      words += "\(Self.signed(interval[1])) (paired bootstrap)"
      words += interval[0] <= 0 && interval[1] >= 0 ? "; it may be chance." : "."
    }
    return [words]
  }

  private static func signed(_ value: Double) -> String {
    let rounded = (value * 1000).rounded() / 1000
    return rounded < 0 ? "−\(-rounded)" : "+\(abs(rounded))"
  }

  // MARK: One fix alone

  /// Measures the candidate with one fix; nil, with a note, where it cannot be run that way.
  private func replay(
    _ fix: RecipeFix, of recipe: Recipe, as intended: Recipe, before: [FrameOutcome],
    notes: inout [String], observer: (any ProgressObserver)?
  ) throws -> FrameMeasurement? {
    let corrected = fix.applied(to: recipe, as: intended)
    let stage = "replay \(fix.rawValue) alone"
    do {
      guard before.allSatisfy({ $0.candidate != nil && $0.reference != nil }) else {
        // Whole outputs of the reference are not kept, so it runs again.
        guard
          case .completed(let second) = try pass(
            candidateRecipe: corrected, stage: stage, observer: observer)
        else { throw RuntimeError(.crashed, "the runtime died") }
        return FrameMeasurement(second.collector.outcomes)
      }
      let answers = try answers(recipe: corrected, stage: stage, observer: observer)
      return FrameMeasurement(
        zip(before, answers).map { outcome, answer in
          var outcome = outcome
          outcome.candidate = answer
          return outcome
        })
    } catch {
      // A recipe between two right ones may fit no model; that costs the replay and not the report.
      notes.append("The \(fix.rawValue) fix cannot be replayed alone: \(error).")
      return nil
    }
  }

  /// The candidate's first answers with another recipe; the reference's are known and it does not run again.
  private func answers(
    recipe: Recipe, stage: String, observer: (any ProgressObserver)?
  ) throws -> [Int?] {
    var opened = try OpenedModel(
      file: candidate.model, runtime: candidate.runtime, options: candidate.options,
      capture: capture)
    let pipeline = try InputPipeline(
      recipe: recipe, input: opened.onlyInput(), modelName: candidate.model.name,
      recipeFile: candidate.recipeFile)
    let feed = try FrameFeed(inputs: inputs, pipelines: [pipeline], labels: labels.labels)
    defer { feed.cancel() }
    var answers: [Int?] = []
    while let frame = try feed.next() {
      let bytes = frame.sides[0].bytes
      _ = try opened.withSession { (session) throws(RuntimeError) in
        try unsafe session.write(bytes.span.bytes, toInput: 0)
        return try session.run()
      }
      answers.append(try opened.scores().flatMap { topClasses($0, 1).first })
      observer?.progress(stage, done: answers.count, of: feed.count)
    }
    return answers
  }
}
