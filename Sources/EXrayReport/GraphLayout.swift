/// Places for the nodes of a graph, from top to bottom: every node below those that it reads.
///
/// Ranks are longest paths; edges that pass ranks get a place in each (Sugiyama, Tagawa and Toda, *Methods for visual
/// understanding of hierarchical system structures*, 1981), so that skip connections run beside the ops they skip.
/// Within a rank, places are the closest to the neighbours' mean that keeps all apart.
///
/// - Complexity: O((*n* + *e*) log *n*), with bounded places for passing edges.
struct GraphLayout {
  /// An edge as the points that it runs through.
  struct Edge {
    var points: [(x: Double, y: Double)]
    /// Whether it passes a rank.
    var isSkip: Bool
  }

  /// Centre of each node.
  private(set) var places: [(x: Double, y: Double)] = []
  private(set) var edges: [Edge] = []
  private(set) var width = 0.0
  private(set) var height = 0.0

  /// Size of a node, and what lies between two.
  static let nodeWidth = 208.0
  static let nodeHeight = 26.0
  private static let gap = 18.0
  private static let pitch = 46.0
  private static let laneWidth = 2.0
  private static let margin = 12.0
  /// Passing places at most; edges beyond are drawn straight.
  private static let laneLimit = 20_000

  /// A node or the place of an edge that passes a rank.
  private struct Place {
    var rank: Int
    var isLane: Bool
    var above: [Int] = []
    var below: [Int] = []
    var x = 0.0
    var width: Double { isLane ? GraphLayout.laneWidth : GraphLayout.nodeWidth }
  }

  private var all: [Place] = []
  private var rows: [[Int]] = []

  /// Lays out nodes of which each reads the given earlier ones; others than earlier nodes are ignored.
  init(reads: [[Int]]) {
    let reads = reads.enumerated().map { node, sources in
      Array(Set(sources.filter { (0..<node).contains($0) })).sorted()
    }
    guard !reads.isEmpty else { return }
    rank(reads)
    let lanes = addLanes(reads)
    order()
    place()
    finish(reads, lanes: lanes)
  }

  private mutating func rank(_ reads: [[Int]]) {
    var ranks = [Int](repeating: 0, count: reads.count)
    var readers = [Int?](repeating: nil, count: reads.count)
    for node in reads.indices {
      for source in reads[node] { ranks[node] = max(ranks[node], ranks[source] + 1) }
    }
    for node in reads.indices {
      for source in reads[node] {
        readers[source] = min(readers[source] ?? ranks[node], ranks[node])
      }
    }
    // What reads nothing stands right above its first reader.
    for node in reads.indices where reads[node].isEmpty {
      if let reader = readers[node] { ranks[node] = max(0, reader - 1) }
    }
    all = ranks.map { Place(rank: $0, isLane: false) }
  }

  /// Gives edges that pass ranks a place in each; those of one source share them.
  ///
  /// - Returns: For each node its lanes from the rank below it on.
  private mutating func addLanes(_ reads: [[Int]]) -> [[Int]] {
    var ends = all.map(\.rank)
    for node in reads.indices {
      for source in reads[node] { ends[source] = max(ends[source], all[node].rank - 1) }
    }
    var lanes = [[Int]](repeating: [], count: reads.count)
    for node in reads.indices where ends[node] > all[node].rank {
      guard all.count - reads.count + ends[node] - all[node].rank <= Self.laneLimit else {
        continue
      }
      var above = node
      for rank in (all[node].rank + 1)...ends[node] {
        let lane = all.count
        all.append(Place(rank: rank, isLane: true, above: [above]))
        all[above].below.append(lane)
        lanes[node].append(lane)
        above = lane
      }
    }
    for node in reads.indices {
      for source in reads[node] {
        let passed = all[node].rank - all[source].rank - 1
        let last = passed > 0 && passed <= lanes[source].count ? lanes[source][passed - 1] : source
        guard all[last].rank == all[node].rank - 1 else { continue }
        all[last].below.append(node)
        all[node].above.append(last)
      }
    }
    rows = [[Int]](repeating: [], count: (all.map(\.rank).max() ?? 0) + 1)
    for place in all.indices { rows[all[place].rank].append(place) }
    return lanes
  }

  /// Orders each rank by the mean position of its neighbours, down and up a few times.
  private mutating func order() {
    var position = [Double](repeating: 0, count: all.count)
    func number(_ row: [Int]) {
      for (index, place) in row.enumerated() {
        position[place] = Double(index) - Double(row.count - 1) / 2
      }
    }
    for row in rows { number(row) }
    for sweep in 0..<6 {
      let isDown = sweep % 2 == 0
      for index in isDown ? Array(rows.indices) : rows.indices.reversed() {
        let means = rows[index].map { place -> (mean: Double, place: Int) in
          let near = isDown ? all[place].above : all[place].below
          guard !near.isEmpty else { return (position[place], place) }
          return (near.reduce(0) { $0 + position[$1] } / Double(near.count), place)
        }
        rows[index] = means.sorted { ($0.mean, $0.place) < ($1.mean, $1.place) }.map(\.place)
        number(rows[index])
      }
    }
  }

  /// Moves each rank's places towards their neighbours, in their order and apart.
  private mutating func place() {
    for index in rows.indices { spread(index, towards: rows[index].map { _ in 0 }) }
    for sweep in 0..<8 {
      let isDown = sweep % 2 == 0
      for index in isDown ? Array(rows.indices) : rows.indices.reversed() {
        let wanted = rows[index].map { place -> Double in
          let near = isDown ? all[place].above : all[place].below
          guard !near.isEmpty else { return all[place].x }
          // A straight line through ops is worth more than one beside them.
          let solid = near.filter { !all[$0].isLane }
          let counted = all[place].isLane || solid.isEmpty ? near : solid
          return counted.reduce(0) { $0 + all[$1].x } / Double(counted.count)
        }
        spread(index, towards: wanted)
      }
    }
  }

  /// The places closest to what is wanted that keep a rank's nodes apart: isotonic regression by pooling neighbours.
  private mutating func spread(_ row: Int, towards wanted: [Double]) {
    var offsets: [Double] = []
    for (index, place) in rows[row].enumerated() {
      let before = index == 0 ? nil : rows[row][index - 1]
      let step = before.map { (all[$0].width + all[place].width) / 2 + Self.gap } ?? 0
      offsets.append((offsets.last ?? 0) + step)
    }
    var pools: [(sum: Double, weight: Double, count: Int)] = []
    for (index, place) in rows[row].enumerated() {
      // Lanes give way, so that chains of ops stay straight.
      let weight = all[place].isLane ? 0.001 : 1.0
      pools.append(((wanted[index] - offsets[index]) * weight, weight, 1))
      while pools.count > 1 {
        let (first, second) = (pools[pools.count - 2], pools[pools.count - 1])
        guard first.sum / first.weight > second.sum / second.weight else { break }
        pools.removeLast(2)
        pools.append(
          (first.sum + second.sum, first.weight + second.weight, first.count + second.count))
      }
    }
    var index = 0
    for pool in pools {
      for _ in 0..<pool.count {
        all[rows[row][index]].x = pool.sum / pool.weight + offsets[index]
        index += 1
      }
    }
  }

  private mutating func finish(_ reads: [[Int]], lanes: [[Int]]) {
    let left = all.map { $0.x - $0.width / 2 }.min() ?? 0
    let right = all.map { $0.x + $0.width / 2 }.max() ?? 0
    width = (right - left + 2 * Self.margin).rounded(.up)
    height = Double(rows.count - 1) * Self.pitch + Self.nodeHeight + 2 * Self.margin
    func point(_ place: Int) -> (x: Double, y: Double) {
      (
        (all[place].x - left + Self.margin).rounded(),
        Self.margin + Self.nodeHeight / 2 + Double(all[place].rank) * Self.pitch
      )
    }
    places = reads.indices.map(point)
    for node in reads.indices {
      for source in reads[node] {
        let passed = all[node].rank - all[source].rank - 1
        let path = passed <= lanes[source].count ? Array(lanes[source].prefix(passed)) : []
        edges.append(
          Edge(points: [places[source]] + path.map(point) + [places[node]], isSkip: passed > 0))
      }
    }
    all = []
    rows = []
  }
}
