import CDifference

/// The precision in which two tensors are compared: `Float` where both are stored in no more, else `Double`.
protocol ComparedValue: BinaryFloatingPoint, BitwiseCopyable {
  /// Adds pairs of values, aligned or not, in runs of 128 until one has to be added value by value.
  ///
  /// - Returns: How many pairs were added.
  static func addRuns(
    _ candidate: UnsafeRawPointer, _ reference: UnsafeRawPointer, _ count: Int,
    to sums: inout cdifference_sums
  ) -> Int
}

extension Float: ComparedValue {
  static func addRuns(
    _ candidate: UnsafeRawPointer, _ reference: UnsafeRawPointer, _ count: Int,
    to sums: inout cdifference_sums
  ) -> Int {
    unsafe cdifference_add_floats(candidate, reference, count, &sums)
  }
}

extension Double: ComparedValue {
  static func addRuns(
    _ candidate: UnsafeRawPointer, _ reference: UnsafeRawPointer, _ count: Int,
    to sums: inout cdifference_sums
  ) -> Int {
    unsafe cdifference_add_doubles(candidate, reference, count, &sums)
  }
}
