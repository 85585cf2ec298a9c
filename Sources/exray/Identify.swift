import ArgumentParser
import EXrayPipeline
import EXrayValidation
import Foundation

/// `exray identify`: the recipe that really made a model's input from a raw file.
struct Identify: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Find the preprocessing that made a model's input from a picture, a sound or a text.",
    discussion: """
      EXAMPLES
        exray identify --raw photo.jpg --model-input input.npy --intended recipe.json
        exray identify --raw photos/ --model-input inputs.npy --model app.tflite --json found.json
        exray identify --raw word.wav --model-input features.npy --intended sound-recipe.json
        exray identify --raw sentences.txt --model-input tokens.npy --intended text-recipe.json

      EXIT CODES
        0  as intended, or identified where none was intended        1  another recipe was used
        2  usage or unreadable input        3  unexplained, or not distinguishable
      """)

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Pictures (JPEG, PNG), sounds (WAV) or a folder of them; sentences, one a line of a .txt file, or one a file.",
      valueName: "path"))
  var raw: [String]

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "What reached the model: .npy arrays [N, H, W, C] or [N, C, H, W], of sounds [N, frames, features], of texts [N, tokens]; one sample a raw file.",
      valueName: "npy"))
  var modelInput: [String]

  @Option(help: ArgumentHelp("The recipe that should have been used.", valueName: "json"))
  var intended: String?

  @Option(
    help: ArgumentHelp(
      "The model, whose input says what integers in the arrays stand for.", valueName: "tflite"))
  var model: String?

  @Option(help: ArgumentHelp("The same by hand: the real value of one step.", valueName: "number"))
  var scale: Float?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The integer that stands for 0.", valueName: "n"))
  var zeroPoint: Int64?

  @Option(help: ArgumentHelp("Write what was found as JSON.", valueName: "file"))
  var json: String?

  func validate() throws {
    if let scale, !(scale.isFinite && scale > 0) {
      throw ValidationError("--scale takes a number above 0, not \(scale).")
    }
    guard zeroPoint == nil || scale != nil else {
      throw ValidationError("--zero-point needs --scale.")
    }
    if let zeroPoint, !(-1_000_000...1_000_000).contains(zeroPoint) {
      throw ValidationError("--zero-point takes -1000000 to 1000000, not \(zeroPoint).")
    }
  }

  func run() throws {
    if let json {
      try FileAccess.checkWritable(json)
      Leftovers.watch(files: [json])
    }
    let job = try IdentifyJob(
      raw: raw, modelInputs: modelInput,
      intended: intended, model: model,
      storing: scale.map { .init(scale: $0, zeroPoint: zeroPoint ?? 0) })
    let report = try job.run(observer: ProgressBar())
    if let json { try FileAccess.write(try report.json(), to: json) }
    show(report)
    switch report.verdict {
    case .asIntended, .identified: return
    case .differs: throw ExitCode(1)
    case .ambiguous, .unexplained: throw ExitCode(3)
    }
  }

  private func show(_ report: IdentifyReport) {
    switch report.verdict {
    case .asIntended: line("as intended: the intended recipe explains the inputs")
    case .differs:
      line("differs: \(report.differences.map(\.cause.identifier).joined(separator: ", "))")
    case .identified: line("identified")
    case .ambiguous: line("not distinguishable: recipes of different meaning explain the inputs")
    case .unexplained: line("unexplained: no recipe explains the inputs")
    }
    for difference in report.differences {
      line("  \(difference.stage): found \(difference.found), intended \(difference.intended)")
      if let found = difference.foundLine, let wanted = difference.line, found != wanted {
        line("    - \(found)")
        line("    + \(wanted)")
      }
    }
    for item in report.ambiguous {
      line(
        "  cannot tell apart (\(item.stage)): \(item.candidates.joined(separator: " | ")); \(item.reason)"
      )
    }
    for reason in report.ruledOut { line("  ruled out: \(reason)") }
    var facts = "\(report.words.explained) \(rounded(report.explainedVariance, 6))"
    if let residual = report.residualInLSB {
      facts += ", residual \(rounded(residual, 3)) \(report.words.residualUnit)"
    }
    if let residual = report.intendedResidualInLSB {
      facts += " (intended recipe: \(rounded(residual, 3)))"
    }
    line("\(facts), \(report.searchedFrames) of \(report.frames) \(report.words.frames) searched")
    if let recipe = report.recipe, report.verdict != .asIntended {
      line("recipe: \(recipe.json)")
    }
  }

  private func rounded(_ value: Double, _ digits: Int) -> String {
    let factor = Double((0..<digits).reduce(1) { factor, _ in factor * 10 })
    // Never rounded up to a whole that it is not.
    let scaled = (value * factor).rounded(value < 1 ? .down : .toNearestOrEven)
    return abs(scaled) < 1e15 ? "\(scaled / factor)" : "\(value)"
  }

  private func line(_ text: String) { print(text.onOneLine) }
}
