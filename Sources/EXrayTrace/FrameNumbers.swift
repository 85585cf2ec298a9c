/// A set of frames' numbers, small where they follow each other.
struct FrameNumbers {
  /// In rising order, with a gap between each two.
  private var ranges: [ClosedRange<UInt32>] = []

  func contains(_ number: UInt32) -> Bool {
    let position = position(of: number)
    return position < ranges.count && ranges[position].contains(number)
  }

  mutating func insert(_ number: UInt32) {
    let position = position(of: number)
    if position < ranges.count, ranges[position].contains(number) { return }
    let joinsLast = position > 0 && ranges[position - 1].upperBound + 1 == number
    let joinsNext = position < ranges.count && ranges[position].lowerBound - 1 == number
    let low = joinsLast ? ranges[position - 1].lowerBound : number
    let high = joinsNext ? ranges[position].upperBound : number
    let replaced = (joinsLast ? position - 1 : position)..<(joinsNext ? position + 1 : position)
    ranges.replaceSubrange(replaced, with: CollectionOfOne(low...high))
  }

  /// The position of the first range that does not end before a number.
  private func position(of number: UInt32) -> Int {
    guard let last = ranges.last, last.upperBound >= number else { return ranges.count }
    var low = 0
    var high = ranges.count
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].upperBound < number { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
