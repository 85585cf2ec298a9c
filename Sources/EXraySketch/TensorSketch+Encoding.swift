extension TensorSketch {
  /// The sketch as ``encodedByteCount`` bytes, little-endian; the layout is in Documentation/sketches.md.
  public func encode() -> [UInt8] {
    var bytes = Self.signature
    bytes.reserveCapacity(Self.encodedByteCount)
    bytes += [Self.version, UInt8(quantiles.count), UInt8(projections.count), 0]
    for field in [seed, elementCount, nanCount, infinityCount, zeroCount] {
      append(field, to: &bytes)
    }
    append(mean.bitPattern, to: &bytes)
    append(standardDeviation.bitPattern, to: &bytes)
    append(minimum.bitPattern, to: &bytes)
    append(maximum.bitPattern, to: &bytes)
    append(sampleCount, to: &bytes)
    for index in Self.percentages.indices {
      append(index < quantiles.count ? quantiles[index].bitPattern : 0, to: &bytes)
    }
    for index in 0..<Self.projectionCount {
      append(index < projections.count ? projections[index].bitPattern : 0, to: &bytes)
    }
    return bytes
  }

  private static var signature: [UInt8] { [0x45, 0x58, 0x53, 0x4B] }  // EXSK
  private static var version: UInt8 { 1 }

  private func append<Word: FixedWidthInteger>(_ word: Word, to bytes: inout [UInt8]) {
    for shift in stride(from: 0, to: Word.bitWidth, by: 8) {
      bytes.append(UInt8(truncatingIfNeeded: word >> shift))
    }
  }

  /// Reads an encoded sketch, and refuses one that no tensor has.
  ///
  /// - Throws: ``SketchError``, with the offset of the field at fault.
  public init(decoding bytes: RawSpan) throws(SketchError) {
    guard bytes.byteCount == Self.encodedByteCount else {
      throw SketchError(
        .wrongByteCount, at: 0,
        "\(bytes.byteCount) bytes are no sketch, which has \(Self.encodedByteCount); pass one whole message"
      )
    }
    var fields = Fields(bytes: bytes)
    guard fields.next(UInt32.self) == 0x4B53_5845 else {
      throw SketchError(
        .notASketch, at: 0, "the bytes do not start with EXSK; pass a message of a sketched tensor")
    }
    let head = fields.next(UInt32.self)
    guard UInt8(truncatingIfNeeded: head) == Self.version else {
      throw SketchError(
        .unsupportedVersion, at: 4,
        "the sketch has version \(head & 0xFF), and this reads version \(Self.version); use a newer EXray"
      )
    }
    let quantileCount = Int(head >> 8 & 0xFF)
    let projectionCount = Int(head >> 16 & 0xFF)
    self.init(seed: fields.next(UInt64.self))
    elementCount = fields.next(UInt64.self)
    nanCount = fields.next(UInt64.self)
    infinityCount = fields.next(UInt64.self)
    zeroCount = fields.next(UInt64.self)
    mean = Double(bitPattern: fields.next(UInt64.self))
    standardDeviation = Double(bitPattern: fields.next(UInt64.self))
    minimum = Float(bitPattern: fields.next(UInt32.self))
    maximum = Float(bitPattern: fields.next(UInt32.self))
    sampleCount = fields.next(UInt32.self)
    let allQuantiles = Self.percentages.map { _ in Float(bitPattern: fields.next(UInt32.self)) }
    let allProjections = (0..<Self.projectionCount).map { _ in
      Float(bitPattern: fields.next(UInt32.self))
    }
    try check(head >> 24 == 0, at: 7, "a reserved byte is not 0")
    try check([0, allQuantiles.count].contains(quantileCount), at: 5, "a wrong quantile count")
    try check(
      [0, allProjections.count].contains(projectionCount), at: 6, "a wrong projection count")
    quantiles = Array(allQuantiles.prefix(quantileCount))
    projections = Array(allProjections.prefix(projectionCount))
    try check(
      allQuantiles.dropFirst(quantileCount).allSatisfy { $0.bitPattern == 0 }, at: 76,
      "quantiles where there are none")
    try check(
      allProjections.dropFirst(projectionCount).allSatisfy { $0.bitPattern == 0 }, at: 128,
      "projections where there are none")
    try checkValues()
  }

  /// Refuses values that contradict each other.
  private func checkValues() throws(SketchError) {
    let (notFinite, overflow) = nanCount.addingReportingOverflow(infinityCount)
    try check(
      !overflow && notFinite <= elementCount, at: 24, "more NaN and infinities than elements")
    try check(zeroCount <= finiteCount, at: 40, "more zeros than finite elements")
    let isDetailed = elementCount >= UInt64(Self.leastDetailedCount)
    let mostSamples = isDetailed ? min(finiteCount, UInt64(QuantileSample.capacity)) : 0
    try check(sampleCount <= mostSamples, at: 72, "a wrong sample count")
    if finiteCount == 0 {
      let isNaN =
        mean.bitPattern == Double.nan.bitPattern
        && standardDeviation.bitPattern == Double.nan.bitPattern
        && minimum.bitPattern == Float.nan.bitPattern
        && maximum.bitPattern == Float.nan.bitPattern
      try check(isNaN, at: 48, "statistics without a finite element")
    } else {
      try check(
        minimum.isFinite && maximum.isFinite && minimum <= maximum, at: 64, "a wrong range")
      try check(Double(minimum) <= mean && mean <= Double(maximum), at: 48, "a wrong mean")
      try check(
        standardDeviation >= 0 && standardDeviation <= Double(maximum) - Double(minimum), at: 56,
        "a wrong standard deviation")
    }
    try check(isDetailed != projections.isEmpty, at: 6, "a wrong projection count")
    try check((isDetailed && sampleCount > 0) != quantiles.isEmpty, at: 5, "a wrong quantile count")
    try check(projections.allSatisfy(\.isFinite), at: 128, "a projection that is not finite")
    var least = minimum
    for (index, quantile) in quantiles.enumerated() {
      try check(quantile >= least && quantile <= maximum, at: 76 + 4 * index, "a wrong quantile")
      least = quantile
    }
  }

  private func check(
    _ holds: Bool, at offset: Int, _ what: StaticString
  ) throws(SketchError) {
    guard !holds else { return }
    throw SketchError(
      .invalidField, at: offset,
      "the sketch has \(what); its bytes are damaged or not EXray's: check where they come from")
  }
}

/// Takes little-endian fields off a span, in order.
private struct Fields: ~Escapable {
  private let bytes: RawSpan
  private var offset = 0

  @_lifetime(copy bytes)
  init(bytes: RawSpan) { self.bytes = bytes }

  /// The next field; the caller has checked the byte count of them all.
  mutating func next<Word: FixedWidthInteger & BitwiseCopyable>(_: Word.Type) -> Word {
    defer { offset += MemoryLayout<Word>.size }
    return unsafe Word(
      littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: Word.self))
  }
}
