import Foundation

/// Computes features before normalisation, keeping the stages that many recipes share.
///
/// Scaling and the division of powers are factors, so that recipes that differ in them share all earlier stages.
struct FeatureComputer {
  private struct SignalKey: Hashable {
    var clip: Int
    var signal: SoundRecipe.Signal
    var preEmphasis: Double
  }
  private struct SpectrumKey: Hashable {
    var signal: SignalKey
    var frames: SoundRecipe.Frames
  }
  private struct BandKey: Hashable {
    var spectrum: SpectrumKey
    var isMagnitude: Bool
    var bank: BankKey
  }
  private struct BankKey: Hashable {
    var mel: SoundRecipe.Mel
    var sampleRate: Int
    var fft: Int
  }
  private struct CosineKey: Hashable {
    var mfcc: SoundRecipe.MFCC
    var bands: Int
  }
  /// Frames that are computed, in order; nil for all.
  private let rows: [Int]?
  private var signals: [SignalKey: SoundSignal] = [:]
  private var spectra: [SpectrumKey: [Double]] = [:]
  private var bands: [BandKey: [Double]] = [:]
  private var banks: [BankKey: MelFilterBank] = [:]
  private var cosines: [CosineKey: [Double]] = [:]
  private var transforms: [Int: FourierTransform] = [:]
  /// Values that went through transforms and bands so far: what a search costs.
  private(set) var work = 0
  /// Values that are kept.
  private var keptCount = 0

  init(rows: [Int]? = nil) { self.rows = rows }

  /// (frame, feature) values before normalisation.
  ///
  /// - Parameter clip: A number that tells sounds apart where stages are kept; nil keeps nothing.
  mutating func base(
    _ recipe: SoundRecipe, _ sound: WAVFile, clip: Int? = nil
  ) throws(SoundError) -> SoundFeatures {
    try recipe.check(sound.file)
    let key = Self.key(recipe, sound, clip ?? 0)
    let keeps = clip != nil
    let signal = try signal(key.signal, recipe, sound, keeps: keeps)
    let divisor = signal.divisor(recipe.signal.scale)
    var values: [Double]
    let factor: Double
    switch recipe.spectrum {
    case .magnitude: factor = 1 / divisor
    case .power: factor = 1 / (divisor * divisor)
    case .powerPerBin: factor = 1 / (divisor * divisor * Double(recipe.frames.fft))
    }
    values = try spectrum(key, recipe, sound, signal, keeps: keeps)
    for index in values.indices { values[index] *= factor }
    Self.takeLogarithm(&values, recipe)
    if let mfcc = recipe.mfcc, let mel = recipe.mel {
      values = cosineTransform(values, mfcc, bands: mel.bands)
    }
    work += values.count
    return SoundFeatures(
      frameCount: values.count / recipe.featureCount, featureCount: recipe.featureCount,
      values: values)
  }

  private static func key(_ recipe: SoundRecipe, _ sound: WAVFile, _ clip: Int) -> SpectrumKey {
    var (frames, signal) = (recipe.frames, recipe.signal)
    frames.count = nil
    signal.scale = .int16
    // The rate matters for the signal only where it is resampled.
    if signal.resample == .none || signal.sampleRate == sound.sampleRate {
      (signal.sampleRate, signal.resample) = (sound.sampleRate, .none)
    }
    return SpectrumKey(
      signal: SignalKey(clip: clip, signal: signal, preEmphasis: recipe.preEmphasis),
      frames: frames)
  }

  private mutating func makeRoom(for count: Int) {
    if keptCount + count > 1 << 23 { (signals, spectra, bands, keptCount) = ([:], [:], [:], 0) }
    keptCount += count
  }

  private mutating func signal(
    _ key: SignalKey, _ recipe: SoundRecipe, _ sound: WAVFile, keeps: Bool
  ) throws(SoundError) -> SoundSignal {
    if keeps, let kept = signals[key] { return kept }
    // Frames of a signal that is padded to a length can be counted, and refused, before it is.
    if let length = recipe.signal.length { try checkFrames(recipe.frames, length, sound) }
    let made = try SoundSignal(recipe, sound)
    work += made.values.count
    if keeps {
      makeRoom(for: made.values.count)
      signals[key] = made
    }
    return made
  }

  /// Bands, or all frequencies, of samples in steps of int16: magnitudes or powers.
  private mutating func spectrum(
    _ key: SpectrumKey, _ recipe: SoundRecipe, _ sound: WAVFile, _ signal: SoundSignal, keeps: Bool
  ) throws(SoundError) -> [Double] {
    let (fft, isMagnitude) = (recipe.frames.fft, recipe.spectrum == .magnitude)
    let bandKey = recipe.mel.map {
      BandKey(
        spectrum: key, isMagnitude: isMagnitude,
        bank: BankKey(mel: $0, sampleRate: recipe.signal.sampleRate, fft: fft))
    }
    if keeps, let bandKey, let kept = bands[bandKey] { return kept }
    var values = try power(key, recipe, sound, signal, keeps: keeps)
    if isMagnitude { for index in values.indices { values[index] = values[index].squareRoot() } }
    work += values.count
    guard let bandKey else { return values }
    values = bank(bandKey.bank).apply(to: values, binCount: fft / 2 + 1)
    if keeps {
      makeRoom(for: values.count)
      bands[bandKey] = values
    }
    return values
  }

  private mutating func bank(_ key: BankKey) -> MelFilterBank {
    if let bank = banks[key] { return bank }
    if banks.count > 256 { banks = [:] }
    let bank = MelFilterBank(key.mel, sampleRate: key.sampleRate, fft: key.fft)
    banks[key] = bank
    return bank
  }

  private mutating func power(
    _ key: SpectrumKey, _ recipe: SoundRecipe, _ sound: WAVFile, _ signal: SoundSignal, keeps: Bool
  ) throws(SoundError) -> [Double] {
    if keeps, let kept = spectra[key] { return kept }
    let frames = recipe.frames
    try checkFrames(frames, signal.values.count, sound)
    let starts = FrameStarts(frames, count: signal.values.count)
    let all = (rows ?? Array(0..<starts.count)).prefix { $0 < starts.count }.map { starts[$0] }
    let window = frames.window.weights(count: frames.length)
    var transform = transforms[frames.fft] ?? FourierTransform(size: frames.fft)
    var result: [Double] = []
    result.reserveCapacity(all.count * (frames.fft / 2 + 1))
    // Two frames go through one transform.
    var pair = (window, window)
    for first in stride(from: 0, to: all.count, by: 2) {
      let second = first + 1 < all.count ? all[first + 1] : nil
      signal.fill(&pair.0, from: all[first], window, pad: frames.pad)
      if let second { signal.fill(&pair.1, from: second, window, pad: frames.pad) }
      transform.appendPowers(of: pair.0, and: second == nil ? nil : pair.1, to: &result)
    }
    transforms[frames.fft] = transform
    work += all.count * frames.fft
    if keeps {
      makeRoom(for: result.count)
      spectra[key] = result
    }
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

  private mutating func cosineTransform(
    _ values: [Double], _ mfcc: SoundRecipe.MFCC, bands: Int
  ) -> [Double] {
    let key = CosineKey(mfcc: mfcc, bands: bands)
    let table = cosines[key] ?? Self.cosineTable(mfcc, bands: bands)
    cosines[key] = table
    let count = mfcc.count
    var result = [Double](repeating: 0, count: values.count / bands * count)
    for frame in 0..<(values.count / bands) {
      for band in 0..<bands {
        let value = values[frame * bands + band]
        for k in 0..<count { result[frame * count + k] += table[band * count + k] * value }
      }
    }
    return result
  }

  /// The transform's factors, (band, coefficient).
  private static func cosineTable(_ mfcc: SoundRecipe.MFCC, bands: Int) -> [Double] {
    let n = Double(bands)
    let factors = (mfcc.first..<(mfcc.first + mfcc.count)).map { k -> Double in
      var factor: Double
      switch mfcc.scaling {
      case .none: factor = 2
      case .ortho: factor = 2 * (1 / ((k == 0 ? 4 : 2) * n)).squareRoot()
      case .tensorflow: factor = 2 * (1 / (2 * n)).squareRoot()
      }
      guard mfcc.lifter > 0 else { return factor }
      let length = Double(mfcc.lifter)
      return factor * (1 + length / 2 * sin(.pi * Double(k) / length))
    }
    return (0..<bands).flatMap { band in
      factors.enumerated().map { index, factor in
        factor * cos(.pi * Double((mfcc.first + index) * (2 * band + 1)) / (2 * n))
      }
    }
  }
}
