import EXrayValidation
import Foundation

/// The JSON that a check reads, and the JSON that it answers.
enum CheckDocument {
  /// Version of both documents.
  static let version = 1
  /// Frames that are listed; the report counts all.
  static let frameLimit = 20_000
  /// A document is no larger than this.
  static let byteLimit = 32 << 20

  private struct Head: Encodable {
    var exrayCheck = CheckDocument.version
    var job: String
    var candidate: CustomCheck.Files
    var reference: CustomCheck.Files
    var frames: [CustomCheck.Frame]
    var omittedFrames: Int
    var tensors: [CustomCheck.TensorFile]
    var omittedTensors: Int
  }

  /// The document for a check: one JSON object.
  ///
  /// - Parameter report: The report as JSON.
  /// - Throws: ``PipelineError`` where it would be too large.
  static func text(_ context: CustomCheck.Context, report: String) throws -> String {
    let frames = context.frames.prefix(frameLimit).map { frame in
      var frame = frame
      frame.name = String(frame.name.prefix(1000))
      return frame
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let head = try encoder.encode(
      Head(
        job: context.job, candidate: context.candidate, reference: context.reference,
        frames: frames, omittedFrames: context.frames.count - frames.count,
        tensors: context.tensors, omittedTensors: context.omittedTensors))
    let size = head.count + report.utf8.count
    guard size <= byteLimit else {
      throw PipelineError(
        .unsuitableInput,
        "its document would have \(size) bytes, more than 32 MiB; compare fewer layers or frames")
    }
    return String(decoding: head.dropLast(), as: UTF8.self) + ",\"report\":" + report + "}\n"
  }

  private struct Answer: Decodable {
    var outcome: String
    var message: String?
    var evidence: [String: Value]?
  }

  /// Any JSON value, as the one line that a report shows.
  private enum Value: Decodable {
    case text(String)
    case number(Double)
    case bool(Bool)
    case null
    case list([Value])
    case object([String: Value])

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if container.decodeNil() {
        self = .null
      } else if let value = try? container.decode(Bool.self) {
        self = .bool(value)
      } else if let value = try? container.decode(Double.self) {
        self = .number(value)
      } else if let value = try? container.decode(String.self) {
        self = .text(value)
      } else if let value = try? container.decode([Value].self) {
        self = .list(value)
      } else {
        self = .object(try container.decode([String: Value].self))
      }
    }

    var words: String {
      switch self {
      case .text(let text): text
      case .number(let number):
        Int64(exactly: number).map(String.init) ?? number.description
      case .bool(let value): String(value)
      case .null: "null"
      case .list(let values): "[" + values.prefix(64).map(\.words).joined(separator: ", ") + "]"
      case .object(let members):
        "{"
          + members.sorted { $0.key < $1.key }.prefix(64).map { "\($0.key): \($0.value.words)" }
          .joined(separator: ", ") + "}"
      }
    }
  }

  /// What a program's output says; inconclusive, with the first of its words, where it is no answer.
  static func answer(_ bytes: [UInt8]) -> CustomCheck.Answer {
    let quoted = String(decoding: bytes.prefix(120), as: UTF8.self)
      .trimmingCharacters(in: .whitespacesAndNewlines)
    guard !quoted.isEmpty else { return .init(.inconclusive, "printed nothing") }
    guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(bytes)) else {
      return .init(
        .inconclusive, "printed no JSON object with an outcome, but: \(quoted)")
    }
    guard let outcome = Verdict(rawValue: answer.outcome) else {
      return .init(
        .inconclusive,
        "gave the outcome '\(answer.outcome.prefix(60))'; it must be pass, fail or inconclusive")
    }
    let evidence = (answer.evidence ?? [:]).sorted { $0.key < $1.key }
      .prefix(32).map { "\($0.key): \($0.value.words)" }
    return .init(outcome, answer.message ?? outcome.rawValue, evidence: evidence)
  }
}
