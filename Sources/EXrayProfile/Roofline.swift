/// What one processor of a machine can do at best, as measured.
public struct MachinePeak: Sendable, Hashable, Encodable {
  /// Float32 operations a second of one thread; a fused multiplication and addition counts as two.
  public var floatOperationsPerSecond: Double
  /// Operations on 8-bit integers a second of one thread.
  public var int8OperationsPerSecond: Double
  /// Bytes a second that one thread reads and writes in main memory.
  public var bytesPerSecond: Double
  /// The instructions that the two peaks were measured with (`AVX2 and FMA`).
  public var instructions: String

  /// Creates a peak.
  public init(
    floatOperationsPerSecond: Double, int8OperationsPerSecond: Double, bytesPerSecond: Double,
    instructions: String
  ) {
    self.floatOperationsPerSecond = floatOperationsPerSecond
    self.int8OperationsPerSecond = int8OperationsPerSecond
    self.bytesPerSecond = bytesPerSecond
    self.instructions = instructions
  }

  /// The least time an op can take: its arithmetic at the peak or its bytes at the memory's speed, whichever is longer.
  ///
  /// Threads share the arithmetic. They do not share the bytes, because one thread often takes all of the memory's
  /// bandwidth. What lies in a cache moves faster than main memory, so an op may take less than this.
  ///
  /// Source: Williams, Waterman & Patterson, Roofline: an insightful visual performance model, 2009.
  ///
  /// - Returns: Microseconds.
  public func leastMicroseconds(for cost: OpCost, threads: Int) -> Double {
    let rate = cost.isInteger ? int8OperationsPerSecond : floatOperationsPerSecond
    let arithmetic = (cost.operations ?? 0) / (rate * Double(max(1, threads)))
    return max(arithmetic, cost.byteCount / bytesPerSecond) * 1e6
  }
}
