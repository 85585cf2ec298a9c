/// How the pixels of a picture lie in memory: rows from the top, pixels from the left, a byte a channel.
public struct ImageLayout: Hashable, Sendable {
  /// The order of a pixel's channels.
  public enum Encoding: String, Sendable, CaseIterable {
    case rgb8, bgr8, rgba8, bgra8, mono8

    /// Bytes of one pixel.
    public var pixelByteCount: Int {
      switch self {
      case .rgb8, .bgr8: 3
      case .rgba8, .bgra8: 4
      case .mono8: 1
      }
    }
  }

  /// Pixels in a row.
  public var width: Int
  /// Rows.
  public var height: Int
  /// Bytes from the start of one row to that of the next.
  public var rowByteCount: Int
  /// The order of a pixel's channels.
  public var encoding: Encoding

  /// Creates a layout; rows follow each other without a gap where their byte count is nil.
  public init(width: Int, height: Int, rowByteCount: Int? = nil, encoding: Encoding) {
    self.width = width
    self.height = height
    self.rowByteCount =
      rowByteCount ?? width.multipliedReportingOverflow(by: encoding.pixelByteCount).partialValue
    self.encoding = encoding
  }

  /// Refuses a layout that no picture of `byteCount` bytes has.
  func check(_ byteCount: Int) throws(Fault) {
    let (row, isRowTooLong) = width.multipliedReportingOverflow(by: encoding.pixelByteCount)
    let (total, isTooLarge) = rowByteCount.multipliedReportingOverflow(by: height)
    guard width >= 0, height >= 0, UInt32(exactly: width) != nil, UInt32(exactly: height) != nil,
      !isRowTooLong, rowByteCount >= row, UInt32(exactly: rowByteCount) != nil, !isTooLarge,
      total == byteCount
    else {
      throw Fault(
        "of \(width) × \(height) pixels \(encoding.rawValue) and \(rowByteCount) bytes a row does"
          + " not take \(byteCount) bytes")
    }
  }
}

/// A rectangle in a picture.
public struct BoxSample: Hashable, Sendable {
  /// Pixels from the left edge of the picture to that of the box.
  public var x: Double
  /// Pixels from the top edge of the picture to that of the box.
  public var y: Double
  /// Pixels across.
  public var width: Double
  /// Pixels down.
  public var height: Double
  /// What the box shows.
  public var label: String
  /// How sure that is.
  public var score: Double?

  /// Creates a box.
  public init(
    x: Double, y: Double, width: Double, height: Double, label: String = "", score: Double? = nil
  ) {
    self.x = x
    self.y = y
    self.width = width
    self.height = height
    self.label = label
    self.score = score
  }
}
