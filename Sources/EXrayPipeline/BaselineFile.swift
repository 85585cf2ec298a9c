import EXrayCore
import EXrayJSON
public import EXrayValidation
import Foundation

// Baselines as files.
extension Baseline {
  /// The most bytes of a baseline; one of a thousand layers has some two hundred thousand.
  private static let byteLimit = 64 << 20

  /// Reads a baseline.
  ///
  /// - Throws: ``PipelineError`` `.unreadable` where the file is none.
  public init(path: String) throws {
    let bytes = try FileAccess.bytes(path, limit: Self.byteLimit)
    do {
      _ = try JSONTree(parsing: bytes, limits: JSONLimits(byteCount: Self.byteLimit))
      self = try JSONDecoder().decode(Baseline.self, from: Data(bytes))
    } catch let error as JSONError {
      throw PipelineError(.unreadable, "\(path): \(error)")
    } catch let error as DecodingError {
      throw PipelineError(
        .unreadable,
        "\(path): is no baseline: \(error.place); write one with exray baseline make")
    }
    guard schemaVersion == 1 else {
      throw PipelineError(
        .unreadable,
        "\(path): has schema \(schemaVersion), this version reads 1; update exray")
    }
    let limits =
      layers.flatMap { [$0.nrmse, $0.own, $0.excess].compactMap(\.self) } + outputs.map(\.nrmse)
      + [agreement].compactMap(\.self)
    guard reports > 0, frames >= 0, limits.allSatisfy({ $0.isFinite && $0 >= 0 }) else {
      throw PipelineError(
        .unreadable,
        "\(path): has limits that no run can have; write it again with exray baseline make")
    }
  }

  /// The baseline as JSON, the same text for the same reports.
  public func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
  }

  /// Refuses another reference: distances are distances from it.
  func check(reference other: RunSummary) throws(PipelineError) {
    guard other.modelSHA256 == reference.modelSHA256 else {
      throw PipelineError(
        .unsuitableInput,
        "the baseline was learnt against another reference than \(other.model) (\(reference.model) by SHA-256); learn one against this reference"
      )
    }
  }

  /// Learns from reports.
  ///
  /// - Parameters:
  ///   - samples: What each report came to, after its path.
  ///   - acceptsFindings: Whether reports with findings, or on weak evidence, are taken.
  /// - Throws: ``PipelineError`` where reports are of different models, or not of healthy runs.
  public init(
    _ samples: [(path: String, sample: Sample)], acceptsFindings: Bool, tool: String
  ) throws(PipelineError) {
    guard let first = samples.first else {
      throw PipelineError(.unsuitableInput, "no reports; name at least one")
    }
    for (path, sample) in samples {
      guard acceptsFindings || sample.verdict == .pass else {
        throw PipelineError(
          .unsuitableInput,
          "\(path): the verdict is \(sample.verdict.rawValue), and a baseline is of healthy runs; leave it out, or take it with --accept-findings"
        )
      }
      guard !sample.layers.isEmpty else {
        throw PipelineError(
          .unsuitableInput, "\(path): compares no layer; validate with --capture layers")
      }
      for (side, own, other) in [
        ("candidate", sample.candidate, first.sample.candidate),
        ("reference", sample.reference, first.sample.reference),
      ] {
        guard own.modelSHA256 == other.modelSHA256 else {
          throw PipelineError(
            .unsuitableInput,
            "\(path): the \(side) is another model than in \(first.path) (SHA-256); make a baseline for each"
          )
        }
        guard (own.runtime, own.kernels) == (other.runtime, other.kernels) else {
          throw PipelineError(
            .unsuitableInput,
            "\(path): the \(side) ran on \(own.runtime) with \(own.kernels) kernels, in \(first.path) on \(other.runtime) with \(other.kernels) kernels; make a baseline for each"
          )
        }
      }
    }
    self.init(samples.map(\.sample), tool: tool)
  }
}

extension Baseline.Sample {
  /// What taking two models apart came to; nil for bytes that are no report of it.
  ///
  /// - Throws: ``PipelineError`` for a report that does not say which models it is about.
  public init?(dissectReport bytes: [UInt8], path: String) throws(PipelineError) {
    guard let report = try? JSONDecoder().decode(DissectReport.self, from: Data(bytes)) else {
      return nil
    }
    guard let candidate = report.candidate, let reference = report.reference else {
      throw PipelineError(
        .unreadable, "\(path): does not say which models it is about; run exray dissect again")
    }
    self.init(
      candidate: candidate, reference: reference, verdict: report.verdict,
      frames: report.frames ?? 0,
      layers: report.layers.map {
        .init(
          tensor: $0.tensor, op: .init(index: $0.op, type: $0.type), nrmse: nil,
          own: $0.errors.own, excess: $0.errors.excess)
      })
  }
}

extension DecodingError {
  /// What is wrong where, in a few words.
  var place: String {
    switch self {
    case .keyNotFound(let key, _): "the key \(key.stringValue.prefix(60)) is missing"
    case .typeMismatch(_, let context), .valueNotFound(_, let context),
      .dataCorrupted(let context):
      "the value of \(context.codingPath.last?.stringValue.prefix(60) ?? "the whole") is of another kind"
    @unknown default: "its values are of another kind"
    }
  }
}
