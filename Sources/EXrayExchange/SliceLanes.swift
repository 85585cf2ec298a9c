/// A stretch of time to be drawn.
struct TimeSlice {
  var name: String
  var start: UInt64
  var end: UInt64
}

/// Places stretches of time on as few lanes as hold them nested: two on one lane lie inside one another, or apart.
struct SliceLanes {
  /// For each lane the ends of the stretches that are open, the innermost last.
  private var open: [[UInt64]] = []

  /// The number of lanes used.
  var count: Int { open.count }

  /// The lane of a stretch that must lie inside of nothing; starts must not decrease from call to call.
  mutating func placeOutermost(_ slice: TimeSlice) -> Int {
    place(slice, from: 0) { $0.isEmpty }
  }

  /// The lane of a stretch: `lane` where it nests there, else another.
  mutating func place(_ slice: TimeSlice, near lane: Int) -> Int {
    place(slice, from: lane) { $0.last.map { slice.end <= $0 } ?? true }
  }

  private mutating func place(
    _ slice: TimeSlice, from first: Int, _ fits: ([UInt64]) -> Bool
  ) -> Int {
    var lane = first
    while lane < open.count {
      while let end = open[lane].last, end <= slice.start { open[lane].removeLast() }
      if fits(open[lane]) { break }
      lane += 1
    }
    if lane == open.count { open.append([]) }
    open[lane].append(slice.end)
    return lane
  }
}
