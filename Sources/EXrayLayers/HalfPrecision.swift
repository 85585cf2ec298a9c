import EXrayCore
public import EXrayModel
public import EXrayValidation

/// What goes wrong once a delegate computes in float16 what was measured in float32.
///
/// GPUs and neural engines do so unasked. Values, and sums on the way to a mean, that pass 65,504 become infinite;
/// constants below 2⁻²⁵ become zero, and what is divided by them infinite or not a number.
/// Source of the limits: IEEE 754-2019, binary16.
public struct HalfPrecision {
  /// The largest finite number.
  public static let largest = 65_504.0
  /// Numbers up to this size become zero.
  public static let vanishing = 0x1p-25

  private let model: Model
  private var readers: [Int: [Op]] = [:]

  /// Prepares predictions for a model.
  public init(_ model: Model) {
    self.model = model
    for op in model.primary.ops {
      for tensor in op.inputs where tensor >= 0 { readers[tensor, default: []].append(op) }
    }
  }

  /// The ops that will not survive, in the order of execution.
  ///
  /// - Parameter layers: What was measured of the float model's layers, with its own run as the candidate.
  public func findings(_ layers: [LayerEvidence]) -> [Finding] {
    let overflows = layers.compactMap(overflow)
    return overflows + model.primary.ops.flatMap(constants)
  }

  private func overflow(_ layer: LayerEvidence) -> Finding? {
    guard layer.description.elementType == .float32 else { return nil }
    let peak = Double(layer.signal.largest)
    let terms = summedTerms(layer.op)
    let sum = peak * Double(terms)
    guard max(peak, sum) > Self.largest else { return nil }
    let what =
      peak > Self.largest
      ? "values reach \(Words.short(peak))"
      : "its mean of \(terms) values reaches \(Words.short(peak)), so their sum \(Words.short(sum))"
    return Finding(
      cause: .halfOverflow,
      title: "op \(layer.op.index) \(layer.op.type) will overflow in float16",
      where: .init(stage: "layer", op: layer.op.index, tensor: layer.description.name),
      confidence: peak > Self.largest ? 0.99 : 0.8,
      evidence: [what, "the largest float16 is 65,504"],
      fix:
        "Keep this op in float32, or scale its inputs down by a power of two and its result up again."
    )
  }

  /// How many values an op adds up before it divides by their number; 1 for ops that do not.
  private func summedTerms(_ reference: OpReference) -> Int {
    guard ["MEAN", "AVERAGE_POOL_2D"].contains(reference.type),
      model.primary.ops.indices.contains(reference.index)
    else { return 1 }
    let op = model.primary.ops[reference.index]
    guard let input = op.inputs.first, let output = op.outputs.first, input >= 0, output >= 0,
      let taken = model.primary.tensors[input].description.shape.elementCount,
      let made = model.primary.tensors[output].description.shape.elementCount, made > 0
    else { return 1 }
    return max(1, taken / made)
  }

  // MARK: Constants

  private static let dividers: Set<String> = ["DIV", "RSQRT", "LOG"]

  private func constants(_ op: Op) -> [Finding] {
    op.inputs.compactMap { tensor -> Finding? in
      guard tensor >= 0, model.primary.tensors[tensor].constantBytes != nil,
        model.primary.tensors[tensor].description.elementType == .float32,
        let values = model.constantValues(of: tensor)
      else { return nil }
      let finite = values.filter(\.isFinite).map { abs(Double($0)) }
      if let peak = finite.max(), peak > Self.largest {
        return finding(
          .halfOverflow, op, tensor, "holds a constant that float16 has no number for",
          "the constant reaches \(Words.short(peak)); the largest float16 is 65,504",
          "Use a constant within ±65,504, such as -30000 in a mask.")
      }
      guard ["ADD", "MAXIMUM", "SUB"].contains(op.type), values.count == 1, finite.count == 1,
        finite[0] > 0, finite[0] <= Self.vanishing, isDivided(op)
      else { return nil }
      return finding(
        .halfUnderflow, op, tensor, "guards a division with a constant that is zero in float16",
        "the constant is \(Words.short(finite[0])); numbers up to \(Words.short(Self.vanishing)) become zero",
        "Use a constant of 1e-4 or more, and train or calibrate with it.")
    }
  }

  /// Whether something is divided by what an op makes, or its root or logarithm is taken.
  private func isDivided(_ op: Op) -> Bool {
    var tensors = op.outputs
    for _ in 0..<3 {
      let next = tensors.flatMap { tensor in (readers[tensor] ?? []).map { ($0, tensor) } }
      if next.contains(where: { reader, tensor in
        Self.dividers.contains(reader.type)
          && (reader.type != "DIV" || reader.inputs.last == tensor)
      }) {
        return true
      }
      tensors = next.filter { $0.0.type == "SQRT" || $0.0.type == "RESHAPE" }.flatMap(\.0.outputs)
    }
    return false
  }

  private func finding(
    _ cause: Cause, _ op: Op, _ tensor: Int, _ what: String, _ evidence: String, _ fix: String
  ) -> Finding {
    Finding(
      cause: cause, title: "op \(op.index) \(op.type) \(what)",
      where: .init(
        stage: "layer", op: op.index, tensor: model.primary.tensors[tensor].description.name),
      confidence: 0.9, evidence: [evidence], fix: fix)
  }
}
