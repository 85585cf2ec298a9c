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
    let perBin = Double(sampleRate) / Double(fft)
    let mels = (0..<binCount).map { Self.mel(of: Double($0) * perBin, mel.formula) }
    let bins = frequencies.map { (Double(fft + 1) * $0 / Double(sampleRate)).rounded(.down) }
    for band in 0..<mel.bands {
      let range = band...(band + 2)
      // One bin more on each side, as whole bins lie below their frequencies.
      let start = min(max(0, Int(frequencies[band] / perBin) - 1), binCount - 1)
      let end = min(max(start, Int(frequencies[band + 2] / perBin) + 2), binCount - 1)
      var row = (start...end).map { bin -> Double in
        switch mel.triangles {
        case .mel: return bin == 0 ? 0 : Self.triangle(edges[range], mels[bin])
        case .hertz: return Self.triangle(frequencies[range], Double(bin) * perBin)
        case .bins: return Self.steps(bins[range], Double(bin))
        }
      }
      if mel.norm == .slaney {
        let factor = 2 / (frequencies[band + 2] - frequencies[band])
        row = row.map { $0 * factor }
      }
      let first = row.firstIndex { $0 != 0 } ?? 0
      let last = row.lastIndex { $0 != 0 } ?? -1
      firstBins.append(start + first)
      weights.append(last < first ? [] : Array(row[first...last]))
    }
  }

  /// The bands of all frames: (frame, bin) → (frame, band).
  func apply(to spectra: [Double], binCount: Int) -> [Double] {
    var bands: [Double] = []
    bands.reserveCapacity(spectra.count / binCount * weights.count)
    for frame in stride(from: 0, to: spectra.count, by: binCount) {
      for (first, row) in zip(firstBins, weights) {
        var sum = 0.0
        for index in row.indices { sum += row[index] * spectra[frame + first + index] }
        bands.append(sum)
      }
    }
    return bands
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
