import EXrayRuntime
public import EXrayValidation
import Foundation

/// What a run came to: answers, accuracy and latency, the JSON of `run --json`.
public struct RunResult: Sendable, Codable {
  /// Version of the JSON schema.
  public var schemaVersion = 1
  /// The model's file name.
  public var model: String
  /// Frames that were run.
  public private(set) var frames = 0
  /// Accuracy over the labelled frames; nil without labels.
  public private(set) var accuracy: LabelledAccuracy?
  /// Latency of the runs; nil without frames.
  public private(set) var latency: LatencyComparison.Latency?
  /// The most memory that the process running the model held, in bytes; nil where unknown.
  public private(set) var peakMemoryInBytes: Int?
  /// The first five answers of each frame; empty where the output is no vector of class scores.
  public private(set) var answers: [FrameAnswer] = []

  private var labelOffset = 0
  private var times: [UInt64] = []
  private var right = (top1: 0, top5: 0, labelled: 0)

  private enum CodingKeys: CodingKey {
    case schemaVersion, model, frames, accuracy, latency, peakMemoryInBytes, answers
  }

  init(model: String, labelOffset: Int) {
    self.model = model
    self.labelOffset = labelOffset
  }

  mutating func add(_ name: String, scores: [Float]?, label: Int?, report: RunReport) {
    frames += 1
    times.append(report.inferenceTime.nanoseconds)
    peakMemoryInBytes = [peakMemoryInBytes, report.peakMemoryInBytes].compactMap { $0 }.max()
    guard let scores else { return }
    let best = topClasses(scores, 5)
    answers.append(
      FrameAnswer(
        name: name, label: label.map { $0 - labelOffset },
        top5: best.map { .init(class: $0 - labelOffset, index: $0, score: scores[$0]) }))
    guard let label else { return }
    right.labelled += 1
    right.top1 += best.first == label ? 1 : 0
    right.top5 += best.contains(label) ? 1 : 0
    accuracy = LabelledAccuracy(
      labelledFrames: right.labelled, top1: Double(right.top1) / Double(right.labelled),
      top5: Double(right.top5) / Double(right.labelled))
  }

  /// The result as JSON, the same text for the same result.
  public func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
  }

  /// Works out what needs all frames.
  mutating func complete() { latency = LatencyComparison.Latency(times) }

  /// Fractions of labelled frames answered right.
  public struct LabelledAccuracy: Sendable, Codable {
    /// Frames that have a label.
    public var labelledFrames: Int
    /// Fraction whose first answer is right.
    public var top1: Double
    /// Fraction with the right answer among the first five.
    public var top5: Double
  }

  /// The answer to one frame.
  public struct FrameAnswer: Sendable, Codable {
    /// The frame's name.
    public var name: String
    /// The right class in the labels' numbering, if known.
    public var label: Int?
    /// The five classes with the highest scores, best first; among equal scores the lowest index first.
    public var top5: [Score]
  }

  /// One class and its score.
  public struct Score: Sendable, Codable {
    /// The class in the labels' numbering: the output index less the label offset.
    public var `class`: Int
    /// Index in the model's output.
    public var index: Int
    /// The output's real value.
    public var score: Float
  }
}

extension LatencyComparison.Latency {
  /// Percentiles of a list of times, or nil where it is empty.
  init?(_ nanoseconds: [UInt64]) {
    guard !nanoseconds.isEmpty else { return nil }
    let sorted = nanoseconds.sorted()
    func percentile(_ fraction: Double) -> UInt64 {
      sorted[min(sorted.count - 1, Int(fraction * Double(sorted.count)))]
    }
    self.init(medianNanoseconds: percentile(0.5), p90Nanoseconds: percentile(0.9))
  }
}
