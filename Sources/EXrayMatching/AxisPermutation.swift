public import EXrayCore

/// Another order of a tensor's axes.
public struct AxisPermutation: Sendable, Hashable, Codable {
  /// The candidate's extents.
  public let extents: [Int]
  /// For each axis of the reference, the candidate's axis that it is: `[0, 2, 3, 1]` where the candidate is NCHW and
  /// the reference NHWC.
  public let order: [Int]

  /// Creates a permutation; nil unless `order` has each axis of `extents` once and no extent is negative.
  public init?(extents: [Int], order: [Int]) {
    guard order.sorted() == Array(extents.indices), Shape(extents).elementCount != nil else {
      return nil
    }
    self.extents = extents
    self.order = order
  }

  /// The extents in the reference's order.
  public var reorderedExtents: [Int] { order.map { extents[$0] } }

  /// Whether values lie in memory as before: only axes of one element change their places.
  public var keepsMemoryOrder: Bool {
    let moved = order.filter { extents[$0] != 1 }
    return moved == moved.sorted() || Shape(extents).elementCount == 0
  }

  /// What turns the reference's order into the candidate's.
  public var inverse: AxisPermutation {
    var back = [Int](repeating: 0, count: order.count)
    for (place, axis) in order.enumerated() { back[axis] = place }
    return AxisPermutation(unchecked: reorderedExtents, back)
  }

  private init(unchecked extents: [Int], _ order: [Int]) {
    self.extents = extents
    self.order = order
  }

  /// Row-major values in the reference's order; as they are where their number is not that of the extents.
  ///
  /// - Complexity: O(*n*) time and space.
  public func reordered<Element>(_ values: [Element]) -> [Element] {
    guard values.count == Shape(extents).elementCount else { return values }
    var result: [Element] = []
    result.reserveCapacity(values.count)
    forEachSource { result.append(values[$0]) }
    return result
  }

  /// Packed row-major values in the reference's order; as they are where they are too few.
  ///
  /// - Parameter elementSize: Bytes of one value.
  public func reordered(_ bytes: RawSpan, elementSize: Int) -> [UInt8] {
    let count = Shape(extents).elementCount ?? 0
    let whole = unsafe bytes.withUnsafeBytes { unsafe [UInt8]($0) }
    let size = count.multipliedReportingOverflow(by: elementSize)
    guard elementSize > 0, !size.overflow, whole.count >= size.partialValue else { return whole }
    var result: [UInt8] = []
    result.reserveCapacity(size.partialValue)
    forEachSource { source in
      for place in source * elementSize..<(source + 1) * elementSize { result.append(whole[place]) }
    }
    return result
  }

  /// A tensor's packed values in the reference's order; as they are where its type has no whole bytes.
  public func reordered(_ bytes: RawSpan, of tensor: TensorDescription) -> [UInt8] {
    reordered(bytes, elementSize: (tensor.elementType.bitWidth ?? 0) / 8)
  }

  /// Calls `body` with the position in the candidate of each value of the reference, in order.
  private func forEachSource(_ body: (Int) -> Void) {
    var strides = [Int](repeating: 1, count: extents.count)
    for axis in extents.indices.dropLast().reversed() {
      strides[axis] = strides[axis + 1] * extents[axis + 1]
    }
    let counts = reorderedExtents
    let steps = order.map { strides[$0] }
    let total = counts.reduce(1, *)
    var index = [Int](repeating: 0, count: counts.count)
    var source = 0
    for _ in 0..<total {
      body(source)
      var axis = counts.count - 1
      while axis >= 0 {
        index[axis] += 1
        source += steps[axis]
        if index[axis] < counts[axis] { break }
        source -= steps[axis] * counts[axis]
        index[axis] = 0
        axis -= 1
      }
    }
  }
}

extension AxisPermutation {
  /// The order that turns one shape into another where there is only one that anybody uses.
  ///
  /// - Returns: nil where values keep their order, and `.none` inside where none is known.
  static func between(_ candidate: Shape, _ reference: Shape) -> Arrangement {
    let (own, other) = (candidate.dimensions, reference.dimensions)
    if own.filter({ $0 != 1 }) == other.filter({ $0 != 1 }) { return .same }
    guard own.count == other.count, own.sorted() == other.sorted() else {
      // A view of other extents holds the same values in the same order.
      return .same
    }
    for order in own.count == 4 ? [[0, 2, 3, 1], [0, 3, 1, 2]] : [[Int]]()
    where order.map({ own[$0] }) == other {
      if let found = AxisPermutation(extents: own, order: order) { return .permuted(found) }
    }
    let orders = own.count == 2 ? [[1, 0]] : own.count == 3 ? [[0, 2, 1]] : []
    for order in orders where order.map({ own[$0] }) == other {
      if let found = AxisPermutation(extents: own, order: order) { return .permuted(found) }
    }
    return .unknown
  }
}

/// How the values of two matched tensors lie.
enum Arrangement {
  case same
  case permuted(AxisPermutation)
  case unknown
}
