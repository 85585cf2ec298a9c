import Foundation

/// Computes features before normalisation, keeping the stages that many recipes share.
struct FeatureComputer {
  private struct SpectrumKey: Hashable {
    var clip: Int
    var signal: SoundRecipe.Signal
    var preEmphasis: Double
    var frames: SoundRecipe.Frames
  }
  private struct BankKey: Hashable {
    var mel: SoundRecipe.Mel
    var sampleRate: Int
    var fft: Int
  }
  private var spectra: [SpectrumKey: [Double]] = [:]
  private var banks: [BankKey: MelFilterBank] = [:]
  private var transforms: [Int: FourierTransform] = [:]
  /// Values that went through transforms and bands so far: what a search costs.
  private(set) var work = 0
  /// Values that the kept spectra have.
  private var keptCount = 0

  /// (frame, feature) values before normalisation.
  ///
  /// - Parameter clip: A number that tells sounds apart where stages are kept; nil keeps nothing.
  mutating func base(
    _ recipe: SoundRecipe, _ sound: WAVFile, clip: Int? = nil
  ) throws(SoundError) -> SoundFeatures {
    try recipe.check(sound.file)
    var frames = recipe.frames
    frames.count = nil
    var signal = recipe.signal
    // The rate matters for the signal only where it is resampled.
    if signal.resample == .none || signal.sampleRate == sound.sampleRate {
      (signal.sampleRate, signal.resample) = (sound.sampleRate, .none)
    }
    let key = SpectrumKey(
      clip: clip ?? 0, signal: signal, preEmphasis: recipe.preEmphasis, frames: frames)
    let power: [Double]
    if let kept = spectra[key], clip != nil {
      power = kept
    } else {
      power = try self.power(recipe, sound)
      if clip != nil { keep(power, key) }
    }
    work += power.count
    let fft = recipe.frames.fft
    let binCount = fft / 2 + 1
    let frameCount = power.count / binCount
    var values: [Double]
    switch recipe.spectrum {
    case .magnitude: values = power.map { $0.squareRoot() }
    case .power: values = power
    case .powerPerBin: values = power.map { $0 / Double(fft) }
    }
    if let mel = recipe.mel {
      let bank = bank(mel, recipe.signal.sampleRate, fft)
      var bands: [Double] = []
      bands.reserveCapacity(frameCount * mel.bands)
      for frame in 0..<frameCount {
        bank.apply(to: values[(frame * binCount)..<((frame + 1) * binCount)], into: &bands)
      }
      values = bands
    }
    Self.takeLogarithm(&values, recipe)
    if let mfcc = recipe.mfcc, let mel = recipe.mel {
      values = Self.cosineTransform(values, mfcc, bands: mel.bands)
    }
    return SoundFeatures(
      frameCount: frameCount, featureCount: recipe.featureCount, values: values)
  }

  private mutating func keep(_ power: [Double], _ key: SpectrumKey) {
    if keptCount + power.count > 1 << 23 { (spectra, keptCount) = ([:], 0) }
    spectra[key] = power
    keptCount += power.count
  }

  private mutating func bank(_ mel: SoundRecipe.Mel, _ rate: Int, _ fft: Int) -> MelFilterBank {
    let key = BankKey(mel: mel, sampleRate: rate, fft: fft)
    if let bank = banks[key] { return bank }
    if banks.count > 256 { banks = [:] }
    let bank = MelFilterBank(mel, sampleRate: rate, fft: fft)
    banks[key] = bank
    return bank
  }

  private mutating func power(_ recipe: SoundRecipe, _ sound: WAVFile) throws(SoundError)
    -> [Double]
  {
    // Frames of a signal that is padded to a length can be counted, and refused, before it is.
    if let length = recipe.signal.length { try checkFrames(recipe.frames, length, sound) }
    let signal = try SoundSignal.values(recipe, sound)
    try checkFrames(recipe.frames, signal.count, sound)
    let (starts, frames) = (FrameStarts(recipe.frames, count: signal.count), recipe.frames)
    let binCount = frames.fft / 2 + 1
    let window = frames.window.weights(count: frames.length)
    var transform = transforms[frames.fft] ?? FourierTransform(size: frames.fft)
    var result: [Double] = []
    result.reserveCapacity(starts.count * binCount)
    // Two frames go through one transform.
    var pair = (
      [Double](repeating: 0, count: frames.length), [Double](repeating: 0, count: frames.length)
    )
    func fill(_ frame: inout [Double], _ start: Int) {
      for index in 0..<frames.length {
        frame[index] =
          window[index] * SoundSignal.value(signal, at: start + index, pad: frames.pad)
      }
    }
    let all = Array(starts.values)
    for first in stride(from: 0, to: all.count, by: 2) {
      let second = first + 1 < all.count ? all[first + 1] : nil
      fill(&pair.0, all[first])
      if let second { fill(&pair.1, second) }
      transform.appendPowers(of: pair.0, and: second == nil ? nil : pair.1, to: &result)
    }
    transforms[frames.fft] = transform
    work += all.count * frames.fft
    return result
  }

  private func checkFrames(
    _ frames: SoundRecipe.Frames, _ sampleCount: Int, _ sound: WAVFile
  ) throws(SoundError) {
    let starts = FrameStarts(frames, count: sampleCount)
    guard starts.count > 0 else {
      throw SoundError(
        .unsuitableSound, file: sound.file,
        "has \(sampleCount) samples, less than one frame of \(frames.length); set signal.length "
          + "to pad it")
    }
    let binCount = frames.fft / 2 + 1
    guard starts.count <= soundValueLimit / binCount else {
      throw SoundError(
        .tooLarge, file: sound.file,
        "makes \(starts.count) frames of \(binCount) frequencies; cut the clip or take a larger hop"
      )
    }
  }

  private static func takeLogarithm(_ values: inout [Double], _ recipe: SoundRecipe) {
    let log = recipe.log
    let factor: Double
    switch log.kind {
    case .none: return
    case .ln: factor = 1
    case .log10: factor = 1 / Foundation.log(10)
    case .decibel: factor = (recipe.spectrum == .magnitude ? 20 : 10) / Foundation.log(10)
    }
    for index in values.indices {
      // The least normal number keeps silence finite where code sets neither offset nor floor.
      let value = max(max(values[index], log.floor) + log.offset, .leastNormalMagnitude)
      values[index] = factor * Foundation.log(value)
    }
    if let range = log.range, let top = values.max() {
      for index in values.indices { values[index] = max(values[index], top - range) }
    }
  }

  private static func cosineTransform(
    _ values: [Double], _ mfcc: SoundRecipe.MFCC, bands: Int
  ) -> [Double] {
    let table = (mfcc.first..<(mfcc.first + mfcc.count)).map { k -> [Double] in
      let n = Double(bands)
      var factor: Double
      switch mfcc.scaling {
      case .none: factor = 2
      case .ortho: factor = 2 * (1 / ((k == 0 ? 4 : 2) * n)).squareRoot()
      case .tensorflow: factor = 2 * (1 / (2 * n)).squareRoot()
      }
      if mfcc.lifter > 0 {
        let length = Double(mfcc.lifter)
        factor *= 1 + length / 2 * sin(.pi * Double(k) / length)
      }
      return (0..<bands).map { factor * cos(.pi * Double(k * (2 * $0 + 1)) / (2 * n)) }
    }
    var result: [Double] = []
    result.reserveCapacity(values.count / bands * mfcc.count)
    for frame in stride(from: 0, to: values.count, by: bands) {
      for row in table {
        var sum = 0.0
        for band in 0..<bands { sum += row[band] * values[frame + band] }
        result.append(sum)
      }
    }
    return result
  }
}
