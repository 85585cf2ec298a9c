import Foundation

/// A sound's samples as a recipe's first stages make them, before scaling.
struct SoundSignal {
  /// In steps of int16.
  let values: [Double]
  /// The largest sample, and the largest of their magnitudes, before the signal is cut or padded.
  private let largest: Double
  private let largestMagnitude: Double

  /// Mixes, resamples, cuts or pads, and emphasises, in this order.
  init(_ recipe: SoundRecipe, _ sound: WAVFile) throws(SoundError) {
    let stage = recipe.signal
    var values = Self.mixed(stage, sound)
    guard values.allSatisfy(\.isFinite) else {
      throw SoundError(
        .unsuitableSound, file: sound.file, "has samples that are not numbers; record it again")
    }
    if stage.resample != .none, stage.sampleRate != sound.sampleRate, !values.isEmpty {
      values = try Self.resampled(values, stage, sound)
    }
    largest = values.max() ?? 0
    largestMagnitude = values.reduce(0) { max($0, abs($1)) }
    if let length = stage.length { SoundRecipe.resize(&values, to: length) }
    if recipe.preEmphasis != 0 {
      for index in values.indices.dropFirst().reversed() {
        values[index] -= recipe.preEmphasis * values[index - 1]
      }
    }
    self.values = values
  }

  /// What samples are divided by.
  func divisor(_ scale: SoundRecipe.Signal.Scale) -> Double {
    let divisor: Double =
      switch scale {
      case .int16: 1
      case .by32768: 32_768
      case .by32767: 32_767
      case .max: largest
      case .absoluteMax: largestMagnitude
      }
    // Silence has no maximum to divide by; a sign is lost in spectra.
    return divisor == 0 ? 1 : abs(divisor)
  }

  private static func mixed(_ stage: SoundRecipe.Signal, _ sound: WAVFile) -> [Double] {
    let isSwapped = stage.byteOrder == .big
    let channels = { (range: Range<Int>) in
      range.map { sound.samples(channel: $0, isSwapped: isSwapped) }
    }
    switch stage.channels {
    case .first: return channels(0..<1)[0]
    case .last: return channels((sound.channelCount - 1)..<sound.channelCount)[0]
    case .mean, .interleaved:
      let all = channels(0..<sound.channelCount)
      if all.count == 1 { return all[0] }
      return (0..<sound.sampleCount).flatMap { index -> [Double] in
        let moment = all.map { $0[index] }
        return stage.channels == .interleaved
          ? moment : [moment.reduce(0, +) / Double(moment.count)]
      }
    }
  }

  private static func resampled(
    _ values: [Double], _ stage: SoundRecipe.Signal, _ sound: WAVFile
  ) throws(SoundError) -> [Double] {
    let (product, overflow) = values.count.multipliedReportingOverflow(by: stage.sampleRate)
    let count = product / sound.sampleRate
    guard !overflow, count <= soundValueLimit else {
      throw SoundError(
        .tooLarge, file: sound.file,
        "resampled from \(sound.sampleRate) to \(stage.sampleRate) Hz "
          + "has more than \(soundValueLimit) values; cut the clip")
    }
    return (0..<count).map { index in
      let lower = index * sound.sampleRate / stage.sampleRate
      guard stage.resample == .linear, lower + 1 < values.count else { return values[lower] }
      let rest = index * sound.sampleRate % stage.sampleRate
      let weight = Double(rest) / Double(stage.sampleRate)
      return values[lower] + (values[lower + 1] - values[lower]) * weight
    }
  }

  /// The samples of a frame, weighted; it may lie outside of the signal.
  func fill(
    _ frame: inout [Double], from start: Int, _ window: [Double], pad: SoundRecipe.Frames.Pad
  ) {
    guard start < 0 || start + window.count > values.count else {
      for index in window.indices { frame[index] = window[index] * values[start + index] }
      return
    }
    for index in window.indices { frame[index] = window[index] * value(at: start + index, pad) }
  }

  private func value(at index: Int, _ pad: SoundRecipe.Frames.Pad) -> Double {
    if index >= 0, index < values.count { return values[index] }
    guard pad == .centerReflect, values.count > 1 else { return 0 }
    let period = 2 * (values.count - 1)
    let place = ((index % period) + period) % period
    return values[min(place, period - place)]
  }
}

/// Where frames start.
struct FrameStarts {
  private let first: Int
  private let hop: Int
  /// Frames.
  let count: Int

  init(_ frames: SoundRecipe.Frames, count: Int) {
    hop = frames.hop
    let over = count - frames.length
    switch frames.pad {
    case .none:
      first = 0
      self.count = over < 0 ? 0 : 1 + over / hop
    case .end:
      first = 0
      self.count = count == 0 ? 0 : 1 + (over > 0 ? (over - 1) / hop + 1 : 0)
    case .centerZero, .centerReflect:
      // The window lies in the middle of the transform's frame, which is centred on t·hop.
      first = (frames.fft - frames.length) / 2 - frames.fft / 2
      self.count = count == 0 ? 0 : 1 + (count - frames.fft % 2) / hop
    }
  }

  subscript(index: Int) -> Int { first + index * hop }
}

extension SoundRecipe.Frames.Window {
  /// The weights of a frame.
  func weights(count: Int) -> [Double] {
    let isSymmetric = self == .hannSymmetric || self == .hammingSymmetric
    let period = Double(isSymmetric ? count - 1 : count)
    return (0..<count).map { index in
      let wave = period > 0 ? cos(2 * .pi * Double(index) / period) : 0
      return switch self {
      case .hannPeriodic, .hannSymmetric: 0.5 - 0.5 * wave
      case .hammingPeriodic, .hammingSymmetric: 0.54 - 0.46 * wave
      case .rectangular: 1
      }
    }
  }
}
