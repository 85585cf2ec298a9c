/// Runs one check and counts how it went.
struct CheckRunner {
  let check: Check
  let selector: TensorSelector
  private(set) var result: MonitorSummary.CheckResult
  private let findingLimit: Int
  private var writtenCounts: [FindingSample.Outcome: Int] = [:]
  /// The state of a channel order check, by the number of the tensor.
  private var orders: [UInt32: (order: ChannelOrder, stream: TensorStream)] = [:]

  init(_ check: Check, on selector: TensorSelector, findingLimit: Int) {
    self.check = check
    self.selector = selector
    self.findingLimit = findingLimit
    result = MonitorSummary.CheckResult(
      check: check.name, checkedCount: 0, failedCount: 0, inconclusiveCount: 0)
  }

  /// Checks a tensor.
  ///
  /// - Returns: The finding to write, where there is one and not too many were written.
  mutating func run(_ tensor: TensorView, number: UInt32) -> FindingSample? {
    result.checkedCount += 1
    return finding(outcome(tensor, number), tensor.stream)
  }

  /// Judges what could not be judged before the end.
  mutating func finish() -> [FindingSample] {
    var findings: [FindingSample] = []
    for (_, state) in orders.sorted(by: { $0.key < $1.key }) {
      if let finding = finding(state.order.finalJudgement, state.stream) {
        findings.append(finding)
      }
    }
    return findings
  }

  private mutating func finding(
    _ outcome: CheckOutcome, _ stream: TensorStream
  ) -> FindingSample? {
    let kind: FindingSample.Outcome
    let message: String
    switch outcome {
    case .pass: return nil
    case .fail(let words):
      (kind, message) = (.fail, words.cut(toByteCount: 4096))
      if result.failedCount == 0 { result.message = message }
      result.failedCount += 1
    case .inconclusive(let words):
      (kind, message) = (.inconclusive, words.cut(toByteCount: 4096))
      if result.failedCount == 0 { result.message = message }
      result.inconclusiveCount += 1
    }
    guard writtenCounts[kind, default: 0] < findingLimit else { return nil }
    writtenCounts[kind, default: 0] += 1
    let name = stream.description.name
    return FindingSample(
      check: check.name, outcome: kind, message: message, tensor: name.isEmpty ? stream.topic : name
    )
  }

  private mutating func outcome(_ tensor: TensorView, _ number: UInt32) -> CheckOutcome {
    switch check.kind {
    case .custom(let body): return body(tensor)
    case .shape(let shape):
      let found = tensor.stream.description.shape
      let fits =
        shape.rank == found.rank
        && zip(shape.dimensions, found.dimensions).allSatisfy { $0 == -1 || $0 == $1 }
      return fits ? .pass : .fail("the shape is \(found), not \(shape)")
    case .range(let range):
      return Self.judge(tensor, "outside of \(range.lowerBound)…\(range.upperBound)") {
        range.contains($0)
      }
    case .finite: return Self.judge(tensor, "not finite") { $0.isFinite }
    case .channelOrder(let fresh):
      var state = orders[number] ?? (fresh, tensor.stream)
      defer { orders[number] = state }
      return state.order.add(tensor)
    }
  }

  /// Fails where a value is not as it should be.
  private static func judge(
    _ tensor: TensorView, _ fault: String, _ isRight: (Double) -> Bool
  ) -> CheckOutcome {
    var wrong: (count: Int, index: Int, value: Double) = (0, 0, 0)
    var count = 0
    func look(_ value: Double) {
      if !isRight(value) {
        if wrong.count == 0 { wrong = (0, count, value) }
        wrong.count += 1
      }
      count += 1
    }
    if tensor.stream.description.elementType == .float64 {
      for offset in stride(from: 0, to: tensor.bytes.byteCount / 8 * 8, by: 8) {
        let bits = unsafe tensor.bytes.unsafeLoadUnaligned(
          fromByteOffset: offset, as: UInt64.self)
        look(Double(bitPattern: UInt64(littleEndian: bits)))
      }
    } else if let values = tensor.realValues() {
      for value in values { look(Double(value)) }
    } else {
      return .inconclusive(
        "elements of type \(tensor.stream.description.elementType) have no real values")
    }
    guard wrong.count > 0 else { return .pass }
    return .fail(
      "\(wrong.count) of \(count) values are \(fault), the first is element \(wrong.index) with"
        + " \(wrong.value)")
  }
}
