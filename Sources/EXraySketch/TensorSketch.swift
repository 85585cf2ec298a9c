/// What 256 bytes can say about a tensor: counts, moments, quantiles and random projections.
///
/// For production, where raw tensors must not leave the device. Two sketches with one seed give the distance
/// between the two tensors, without the tensors. Equal bytes and equal seeds give equal sketches on every
/// platform. Formulas, errors and what a sketch reveals: Documentation/sketches.md.
///
/// Everything is about real values: integers count as what their quantization makes of them.
public struct TensorSketch: Sendable {
  /// Bytes of an encoded sketch.
  public static let encodedByteCount = 256
  /// The least number of elements whose quantiles and projections are shown; smaller tensors could be read off them.
  public static let leastDetailedCount = 65
  /// The probabilities of ``quantiles``, in percent.
  public static let percentages = [1, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99]
  /// Number of ``projections``.
  public static let projectionCount = 32

  /// Elements sketched; 0 for types without real values (strings, complex numbers, resources).
  public internal(set) var elementCount: UInt64 = 0
  /// Elements that are not a number.
  public internal(set) var nanCount: UInt64 = 0
  /// Elements that are infinite.
  public internal(set) var infinityCount: UInt64 = 0
  /// Elements whose real value is 0.
  public internal(set) var zeroCount: UInt64 = 0
  /// The least finite value; NaN where there is none.
  public internal(set) var minimum = Float.nan
  /// The greatest finite value; NaN where there is none.
  public internal(set) var maximum = Float.nan
  /// The mean of finite values; NaN where there is none.
  public internal(set) var mean = Double.nan
  /// The standard deviation of finite values, divided by their count; NaN where there is none.
  public internal(set) var standardDeviation = Double.nan
  /// Finite values that ``quantiles`` were taken from: all of them, or about 1024 drawn with the seed.
  public internal(set) var sampleCount: UInt32 = 0
  /// The value at each of ``percentages``, ascending; empty where withheld and where no sampled value is finite.
  public internal(set) var quantiles: [Float] = []
  /// Signed sums of elements, signs and slots drawn with the seed; empty where withheld.
  public internal(set) var projections: [Float] = []
  /// Where the random numbers started; sketches compare only where seeds are equal.
  public internal(set) var seed: UInt64

  /// Elements that are neither NaN nor infinite.
  public var finiteCount: UInt64 { elementCount - nanCount - infinityCount }

  init(seed: UInt64) { self.seed = seed }
}

extension TensorSketch: Hashable {
  /// Whether both encode to the same bytes; so not-a-number equals itself here.
  public static func == (left: Self, right: Self) -> Bool { left.encode() == right.encode() }

  /// Hashes the encoded bytes.
  public func hash(into hasher: inout Hasher) { hasher.combine(encode()) }
}
