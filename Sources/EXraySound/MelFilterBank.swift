import Foundation

/// Triangular bands over the bins of a spectrum, stored as the bins where a band is not zero.
struct MelFilterBank {
  private var firstBins: [Int] = []
  private var weights: [[Double]] = []

  /// Creates the bands of a recipe's stage.
  init(_ mel: SoundRecipe.Mel, sampleRate: Int, fft: Int) {
    let binCount = fft / 2 + 1
    let low = Self.mel(of: mel.low, mel.formula)
    let high = Self.mel(of: mel.high, mel.formula)
    let edges = (0..<(mel.bands + 2)).map {
      low + (high - low) * Double($0) / Double(mel.bands + 1)
    }
    let frequencies = edges.map { Self.hertz(of: $0, mel.formula) }
    let bins = frequencies.map { (Double(fft + 1) * $0 / Double(sampleRate)).rounded(.down) }
    for band in 0..<mel.bands {
      let range = band...(band + 2)
      var row = (0..<binCount).map { bin -> Double in
        let frequency = Double(bin) * Double(sampleRate) / Double(fft)
        switch mel.triangles {
        case .mel:
          return bin == 0 ? 0 : Self.triangle(edges[range], Self.mel(of: frequency, mel.formula))
        case .hertz: return Self.triangle(frequencies[range], frequency)
        case .bins: return Self.steps(bins[range], Double(bin))
        }
      }
      if mel.norm == .slaney {
        let factor = 2 / (frequencies[band + 2] - frequencies[band])
        row = row.map { $0 * factor }
      }
      let first = row.firstIndex { $0 != 0 } ?? 0
      let last = row.lastIndex { $0 != 0 } ?? -1
      firstBins.append(first)
      weights.append(last < first ? [] : Array(row[first...last]))
    }
  }

  /// The bands of one frame, appended.
  func apply(to spectrum: ArraySlice<Double>, into bands: inout [Double]) {
    for (first, row) in zip(firstBins, weights) {
      var sum = 0.0
      for (index, weight) in row.enumerated() {
        sum += weight * spectrum[spectrum.startIndex + first + index]
      }
      bands.append(sum)
    }
  }

  private static func triangle(_ edges: ArraySlice<Double>, _ x: Double) -> Double {
    let at = edges.startIndex
    let up = (x - edges[at]) / (edges[at + 1] - edges[at])
    let down = (edges[at + 2] - x) / (edges[at + 2] - edges[at + 1])
    return max(0, min(up, down))
  }

  /// Up from the first edge, the peak at the middle one, which belongs to the falling side.
  private static func steps(_ edges: ArraySlice<Double>, _ x: Double) -> Double {
    let at = edges.startIndex
    if x >= edges[at], x < edges[at + 1] { return (x - edges[at]) / (edges[at + 1] - edges[at]) }
    if x >= edges[at + 1], x < edges[at + 2] {
      return (edges[at + 2] - x) / (edges[at + 2] - edges[at + 1])
    }
    return 0
  }

  static func mel(of hertz: Double, _ formula: SoundRecipe.Mel.Formula) -> Double {
    switch formula {
    case .htk: 2595 * Foundation.log10(1 + hertz / 700)
    case .slaney:
      hertz < 1000 ? hertz * 3 / 200 : 15 + 27 * Foundation.log(hertz / 1000) / Foundation.log(6.4)
    }
  }

  static func hertz(of mel: Double, _ formula: SoundRecipe.Mel.Formula) -> Double {
    switch formula {
    case .htk: 700 * (pow(10, mel / 2595) - 1)
    case .slaney: mel < 15 ? mel * 200 / 3 : 1000 * exp((mel - 15) * Foundation.log(6.4) / 27)
    }
  }
}
