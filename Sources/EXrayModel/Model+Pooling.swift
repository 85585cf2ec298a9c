extension Model {
  /// Height and width of the window of a pooling op; nil for other ops and for options that cannot be read.
  public func poolingWindow(of op: Op) -> (height: Int, width: Int)? {
    // Pool2DOptions: filter_width is slot 3, filter_height slot 4.
    guard op.options.type == 5, let offset = op.options.offset else { return nil }
    var file = FlatBuffer(bytes)
    guard let table = try? file.table(at: offset),
      let width = try? file.scalar(table, 3, default: Int32(0)),
      let height = try? file.scalar(table, 4, default: Int32(0)), width > 0, height > 0
    else { return nil }
    return (Int(height), Int(width))
  }
}
