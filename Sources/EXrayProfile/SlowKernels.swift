import EXrayCore
public import EXrayValidation

#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Finds ops whose kernels are far slower than they need be.
///
/// The fastest run of an op counts: a busy machine makes no kernel slow.
public struct SlowKernels: Sendable {
  /// The part of this machine's roofline below which a kernel is slow.
  public var roofline = 0.02
  /// How many times slower than another kernel of the same op is slow.
  public var ratio = 40.0
  /// The time below which no op counts: the profiler's unit is 1 µs, and gains are small.
  public var leastMicroseconds = 50.0
  /// The part of the model's time below which no op counts.
  public var leastShare = 0.05

  /// The usual limits.
  public init() {}

  /// The slow kernels of a profile, the one that takes longest first; one finding a kind of op.
  ///
  /// - Parameter other: The same model under other kernels, with the name of those.
  public func findings(
    in profile: OpProfile, kernels: String, against other: (profile: OpProfile, kernels: String)?
  ) -> [Finding] {
    var times: [Int: Double] = [:]
    for op in other?.profile.ops ?? [] where op.part != .inner {
      if let index = op.op { times[index, default: 0] += op.minimumMicroseconds }
    }
    var kinds: [String: [Slow]] = [:]
    for op in profile.ops where op.part != .inner && op.minimumMicroseconds >= leastMicroseconds {
      guard let index = op.op, let type = op.type else { continue }
      // Below 1 µs the other kernel's time is not known any finer.
      let factor = times[index].map { op.minimumMicroseconds / max($0, 1) }
      let isBehind = (factor ?? 0) >= ratio
      let reached = op.roofline.map { $0 * op.microseconds / op.minimumMicroseconds }
      let isLow = (reached ?? 1) < roofline && op.share >= leastShare
      guard isBehind || isLow else { continue }
      kinds[type, default: []].append(
        Slow(
          op: op, index: index, factor: factor, reached: reached, isLow: isLow, isBehind: isBehind))
    }
    return kinds.sorted { ($1.value.time, $0.key) < ($0.value.time, $1.key) }
      .map { finding($0.key, $0.value, kernels: kernels, other: other?.kernels) }
  }

  fileprivate struct Slow {
    var op: OpTimes
    var index: Int
    var factor: Double?
    /// The part of the roofline that the fastest run reached; nil where it is unknown.
    var reached: Double?
    var isLow: Bool
    var isBehind: Bool
  }

  private func finding(
    _ type: String, _ slow: [Slow], kernels: String, other: String?
  ) -> Finding {
    let ordered = slow.sorted { ($1.op.microseconds, $0.index) < ($0.op.microseconds, $1.index) }
    let worst = ordered[0]
    let share = slow.reduce(0) { $0 + $1.op.share }
    let count = slow.count == 1 ? "op \(worst.index)" : "\(slow.count) ops"
    var evidence = ["\(count) of this kind, \(Self.percent(share)) of the model's time"]
    for slow in ordered.prefix(5) {
      var words = ["op \(slow.index): \(Self.number(slow.op.microseconds)) µs"]
      if let rate = slow.op.operationsPerSecond, rate > 0 {
        words.append("\(Self.number(rate / 1e9)) GFLOP/s")
      }
      if let rate = slow.op.bytesPerSecond { words.append("\(Self.number(rate / 1e9)) GB/s") }
      if let reached = slow.reached {
        words.append("\(Self.percent(reached)) of this machine's roofline at best")
      }
      if let factor = slow.factor, let other {
        words.append("\(Self.number(factor)) times the time of the \(other) kernel")
      }
      evidence.append(words.joined(separator: ", "))
    }
    if slow.count > 5 { evidence.append("and \(slow.count - 5) more") }
    let isBehind = slow.contains(where: \.isBehind)
    let what =
      if let factor = ordered.compactMap({ $0.isBehind ? $0.factor : nil }).max() {
        "up to \(Self.number(factor)) times slower than the \(other ?? "other") kernel"
      } else {
        "at \(Self.percent(worst.reached ?? 0)) of what this machine can do"
      }
    return Finding(
      cause: .kernelSlow, title: "\(type) is slow with \(kernels) kernels: \(what)",
      where: Finding.Location(stage: "layer", op: worst.index, tensor: worst.op.tensor),
      confidence: isBehind ? 0.99 : 0.9, evidence: evidence,
      fix: other != nil && isBehind
        ? "Use the \(other ?? "other") kernels, or find out why this op is kept from them."
        : "Run this op with other kernels (exray profile MODEL --against builtin compares them), or replace it by ops"
          + " that have fast ones.")
  }

  private static func percent(_ value: Double) -> String { "\(number(value * 100)) %" }

  /// Three significant digits.
  private static func number(_ value: Double) -> String {
    guard value.isFinite, value > 0 else { return "0" }
    let power = Int(log10(value).rounded(.down))
    guard power < 2 else { return "\(Int(min(value.rounded(), 9e15)))" }
    let unit = pow(10, Double(min(2 - power, 6)))
    let text = "\((value * unit).rounded() / unit)"
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}

extension [SlowKernels.Slow] {
  fileprivate var time: Double { reduce(0) { $0 + $1.op.microseconds } }
}
