/// The single departures from a recipe that a detective tries, stage by stage.
struct SoundCandidates {
  /// A recipe and the stage in which it departs.
  struct Candidate {
    var knob: String
    var recipe: SoundRecipe
  }

  private var list: [Candidate] = []
  private let base: SoundRecipe

  /// All single departures of a recipe.
  ///
  /// - Parameters:
  ///   - intended: The recipe that rates and lengths in milliseconds are taken from.
  ///   - featureCount: Features of one frame that reached the model.
  static func around(
    _ base: SoundRecipe, intended: SoundRecipe, channels: Int, featureCount: Int
  ) -> [Candidate] {
    var candidates = SoundCandidates(base)
    candidates.addSignal(intended, channels: channels)
    candidates.addFrames()
    candidates.addBands(featureCount: featureCount)
    candidates.addLogarithms()
    candidates.addCoefficients(featureCount: featureCount)
    return candidates.list
  }

  /// A recipe with each of its departures undone alone.
  static func undone(_ recipe: SoundRecipe, intended: SoundRecipe) -> [SoundRecipe] {
    func undo<Value>(_ part: WritableKeyPath<SoundRecipe, Value>) -> SoundRecipe {
      var result = recipe
      result[keyPath: part] = intended[keyPath: part]
      return result
    }
    func undo<Stage, Value>(
      _ stage: WritableKeyPath<SoundRecipe, Stage?>, _ part: WritableKeyPath<Stage, Value>
    ) -> SoundRecipe {
      var result = recipe
      if let wanted = intended[keyPath: stage], var found = recipe[keyPath: stage] {
        found[keyPath: part] = wanted[keyPath: part]
        result[keyPath: stage] = found
      }
      return result
    }
    var list = [
      undo(\.signal.sampleRate), undo(\.signal.resample), undo(\.signal.channels),
      undo(\.signal.byteOrder), undo(\.signal.scale), undo(\.preEmphasis), undo(\.frames.length),
      undo(\.frames.hop), undo(\.frames.window), undo(\.frames.fft), undo(\.frames.pad),
      undo(\.spectrum), undo(\.mel), undo(\.mel, \.low), undo(\.mel, \.high),
      undo(\.mel, \.formula),
      undo(\.mel, \.triangles), undo(\.mel, \.norm), undo(\.mel, \.bands), undo(\.log),
      undo(\.log.kind),
      undo(\.log.range), undo(\.mfcc), undo(\.mfcc, \.first), undo(\.mfcc, \.scaling),
      undo(\.mfcc, \.lifter), undo(\.layout),
    ]
    list.removeAll { $0 == recipe }
    return list
  }

  private init(_ base: SoundRecipe) { self.base = base }

  private mutating func add(_ knob: String, _ change: (inout SoundRecipe) -> Void) {
    var recipe = base
    change(&recipe)
    if recipe != base { list.append(Candidate(knob: knob, recipe: recipe)) }
  }

  private mutating func addSignal(_ intended: SoundRecipe, channels: Int) {
    if channels > 1 {
      for mix in SoundRecipe.Signal.Channels.allCases {
        add("channels") { $0.signal.channels = mix }
      }
    }
    for order in SoundRecipe.Signal.ByteOrder.allCases {
      add("byteOrder") { $0.signal.byteOrder = order }
    }
    for scale in SoundRecipe.Signal.Scale.allCases { add("scale") { $0.signal.scale = scale } }
    for resample in SoundRecipe.Signal.Resample.allCases {
      add("resample") { $0.signal.resample = resample }
    }
    for factor in [0, 0.9, 0.95, 0.97, 0.98] { add("preEmphasis") { $0.preEmphasis = factor } }
    for layout in SoundRecipe.Layout.allCases { add("layout") { $0.layout = layout } }
    let rate = intended.signal.sampleRate
    for other in [rate, 8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000] {
      let change = { (recipe: inout SoundRecipe) in
        recipe.signal.sampleRate = other
        guard var mel = recipe.mel else { return }
        mel.high = min(intended.mel?.high ?? mel.high, Double(other) / 2)
        recipe.mel = mel
      }
      add("rate") { change(&$0) }
      add("rate in time") {
        change(&$0)
        let length = max(1, intended.frames.length * other / rate)
        $0.frames.fft = intended.frames.following(length)
        $0.frames.length = length
        $0.frames.hop = max(1, intended.frames.hop * other / rate)
      }
    }
  }

  private mutating func addFrames() {
    for window in SoundRecipe.Frames.Window.allCases { add("window") { $0.frames.window = window } }
    for length in [160, 200, 240, 256, 320, 400, 480, 512, 640, 800, 1024, 2048] {
      for keepsFFT in [true, false] {
        add("length") {
          let isEnclosing =
            $0.frames.fft == SoundRecipe.Frames.enclosingPower(of: $0.frames.length)
          $0.frames.length = length
          let enclosing = SoundRecipe.Frames.enclosingPower(of: length)
          if !keepsFFT && isEnclosing || $0.frames.fft < length { $0.frames.fft = enclosing }
        }
      }
    }
    for hop in [80, 128, 160, 200, 240, 256, 320, 400, 480, 512] {
      add("hop") { $0.frames.hop = hop }
    }
    for fft in [base.frames.length, 256, 512, 1024, 2048, 4096] where fft >= base.frames.length {
      add("fft") { $0.frames.fft = fft }
    }
    for pad in SoundRecipe.Frames.Pad.allCases { add("pad") { $0.frames.pad = pad } }
    for spectrum in SoundRecipe.Spectrum.allCases { add("spectrum") { $0.spectrum = spectrum } }
  }

  private mutating func addBands(featureCount: Int) {
    guard let mel = base.mel else { return }
    let half = Double(base.signal.sampleRate) / 2
    for low in [0, 20, 50, 60, 64, 80, 100, 125, 133.3333, 300] where low < mel.high {
      add("mel.low") { $0.mel?.low = low }
    }
    for high in [3_400, 3_700, 3_800, 4_000, 5_000, 6_000, 7_000, 7_500, 7_600, 7_800, 8_000, half]
    where high > mel.low && high <= half {
      add("mel.high") { $0.mel?.high = high }
    }
    for formula in SoundRecipe.Mel.Formula.allCases {
      add("mel.formula") { $0.mel?.formula = formula }
    }
    for triangles in SoundRecipe.Mel.Triangles.allCases {
      add("mel.triangles") { $0.mel?.triangles = triangles }
    }
    for norm in SoundRecipe.Mel.Norm.allCases { add("mel.norm") { $0.mel?.norm = norm } }
    guard base.mfcc != nil else { return }
    for bands in [20, 23, 24, 26, 32, 40, 64, 80, 128] where bands >= featureCount {
      add("mel.bands") {
        $0.mel?.bands = bands
        let first = $0.mfcc?.first ?? 0
        $0.mfcc?.count = min(featureCount, bands - first)
      }
    }
  }

  private mutating func addLogarithms() {
    for kind in SoundRecipe.Log.Kind.allCases { add("log.kind") { $0.log.kind = kind } }
    for value in [1, 1e-2, 1e-3, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12, 2.220446049250313e-16]
    {
      add("log.offset") { ($0.log.offset, $0.log.floor) = (value, 0) }
      add("log.floor") { ($0.log.offset, $0.log.floor) = (0, value) }
      // Where no logarithm was meant, one comes with what keeps it from zero.
      guard base.log.kind == .none else { continue }
      for kind in SoundRecipe.Log.Kind.allCases where kind != .none {
        add("log.kind") { $0.log = .init(kind, offset: value) }
        add("log.kind") { $0.log = .init(kind, floor: value) }
      }
    }
    guard base.log.kind != .none else { return }
    for range in [nil, 80.0] { add("log.range") { $0.log.range = range } }
  }

  private mutating func addCoefficients(featureCount: Int) {
    guard let mfcc = base.mfcc, let mel = base.mel else { return }
    for scaling in SoundRecipe.MFCC.Scaling.allCases {
      add("mfcc.scaling") { $0.mfcc?.scaling = scaling }
    }
    for first in 0...2 where first + mfcc.count <= mel.bands {
      add("mfcc.first") { $0.mfcc?.first = first }
    }
    for lifter in [0, 22] { add("mfcc.lifter") { $0.mfcc?.lifter = lifter } }
    // Bands that were never transformed.
    add("mfcc") {
      $0.mfcc = nil
      $0.mel?.bands = featureCount
    }
  }
}
