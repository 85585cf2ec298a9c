/// How a sound becomes a model's input: one value a stage, in the order in which stages run.
///
/// Signal → preEmphasis → frames → spectrum → mel → log → mfcc → normalize → layout; quantising is taken from
/// the model. Formulas and JSON are documented in `Documentation/sound-recipes.md`.
public struct SoundRecipe: Sendable, Hashable {
  /// The version of the JSON that this code reads and writes, its key `exraySoundRecipe`.
  public static let version = 1

  /// What the recipe is for, in words.
  public var name: String?
  /// Which samples are used and in which unit.
  public var signal = Signal()
  /// y[n] = x[n] − a·x[n−1] with y[0] = x[0]; 0 leaves the signal alone.
  public var preEmphasis = 0.0
  /// How the signal is cut.
  public var frames = Frames()
  /// What is taken of each frequency.
  public var spectrum = Spectrum.magnitude
  /// The bands, or nil where every frequency is a feature.
  public var mel: Mel?
  /// The logarithm.
  public var log = Log()
  /// The cosine transform, or nil where bands are the features.
  public var mfcc: MFCC?
  /// How features become the model's real numbers.
  public var normalize = Normalize.none
  /// The order of values in memory.
  public var layout = Layout.timeBand

  /// Creates a recipe: magnitudes of frames of 480 samples; set the stages that do more.
  public init(name: String? = nil) { self.name = name }

  /// Which samples are used and in which unit.
  public struct Signal: Sendable, Hashable {
    /// What happens where the file's rate is not ``sampleRate``.
    public enum Resample: String, Sendable, Hashable, CaseIterable {
      /// Samples are used as they are, as if they had the wanted rate.
      case none
      /// The sample at ⌊n·from/to⌋.
      case nearest
      /// Linear interpolation at n·from/to.
      case linear
    }

    /// How channels become one.
    public enum Channels: String, Sendable, Hashable, CaseIterable {
      case mean
      case first
      case last
      /// Interleaved channels read as if there were one.
      case interleaved
    }

    /// The order of the bytes of each sample.
    public enum ByteOrder: String, Sendable, Hashable, CaseIterable {
      /// As WAV files have them.
      case little
      /// Swapped: little-endian samples read as big-endian.
      case big
    }

    /// The unit of samples; x is in steps of int16.
    public enum Scale: String, Sendable, Hashable, CaseIterable {
      /// x.
      case int16
      /// x / 32768.
      case by32768 = "/32768"
      /// x / 32767.
      case by32767 = "/32767"
      /// x / max(x), as MLPerf Tiny's keyword spotting does.
      case max
      /// x / max(|x|).
      case absoluteMax = "abs-max"
    }

    /// Samples a second that formulas reckon with.
    public var sampleRate = 16_000
    /// What happens where the file has another rate.
    public var resample = Resample.none
    /// How channels become one.
    public var channels = Channels.mean
    /// The order of the bytes of each sample.
    public var byteOrder = ByteOrder.little
    /// The unit of samples.
    public var scale = Scale.by32768
    /// Samples to which the signal is cut or padded with zeros, after scaling; nil for as they are.
    public var length: Int?

    /// Creates the stage.
    public init() {}
  }

  /// How the signal is cut.
  public struct Frames: Sendable, Hashable {
    /// The weights of a frame's samples; N is the frame's length.
    public enum Window: String, Sendable, Hashable, CaseIterable {
      /// ½ − ½·cos(2πn/N), as `tf.signal` and librosa have it.
      case hannPeriodic = "hann/periodic"
      /// ½ − ½·cos(2πn/(N−1)), as `numpy.hanning` has it.
      case hannSymmetric = "hann/symmetric"
      /// 0.54 − 0.46·cos(2πn/N).
      case hammingPeriodic = "hamming/periodic"
      /// 0.54 − 0.46·cos(2πn/(N−1)), as `numpy.hamming` has it.
      case hammingSymmetric = "hamming/symmetric"
      /// 1.
      case rectangular
    }

    /// What lies around the signal.
    public enum Pad: String, Sendable, Hashable, CaseIterable {
      /// Only whole frames: 1 + ⌊(n − length)/hop⌋.
      case none
      /// Zeros at the end: 1 + ⌈(n − length)/hop⌉, as python_speech_features does.
      case end
      /// Frames centred on t·hop: 1 + ⌊n/hop⌋ for even FFT sizes, zeros outside, as librosa ≥ 0.10 does.
      case centerZero = "center/zero"
      /// The same, the signal mirrored at its ends.
      case centerReflect = "center/reflect"
    }

    /// Samples of a frame.
    public var length = 480
    /// Samples from one frame to the next.
    public var hop = 320
    /// The weights.
    public var window = Window.hannPeriodic
    /// Values of the Fourier transform; shorter frames are padded with zeros.
    public var fft = 512
    /// What lies around the signal.
    public var pad = Pad.none
    /// Frames that the model takes: more are cut, missing ones are zeros; nil for as they come.
    public var count: Int?

    /// Creates the stage.
    public init() {}
  }

  /// What is taken of each frequency.
  public enum Spectrum: String, Sendable, Hashable, CaseIterable {
    /// |X|.
    case magnitude
    /// |X|².
    case power
    /// |X|² / FFT size, as python_speech_features has it.
    case powerPerBin = "power/fft"
  }

  /// Triangular bands.
  public struct Mel: Sendable, Hashable {
    /// The mel scale.
    public enum Formula: String, Sendable, Hashable, CaseIterable {
      /// 2595·log10(1 + f/700).
      case htk
      /// Linear below 1000 Hz, logarithmic above (Slaney's Auditory Toolbox).
      case slaney
    }

    /// In which unit the sides of a triangle are straight.
    public enum Triangles: String, Sendable, Hashable, CaseIterable {
      /// Mel, without the bin at 0 Hz: `tf.signal.linear_to_mel_weight_matrix`.
      case mel
      /// Hertz: librosa.
      case hertz
      /// Whole bins ⌊(FFT + 1)·f/rate⌋: python_speech_features.
      case bins
    }

    /// The height of a triangle.
    public enum Norm: String, Sendable, Hashable, CaseIterable {
      /// 1.
      case none
      /// 2 / width in hertz, so that areas are equal.
      case slaney
    }

    /// Bands.
    public var bands = 40
    /// Lower end of the first band, hertz.
    public var low = 20.0
    /// Upper end of the last band, hertz.
    public var high = 4_000.0
    /// The mel scale.
    public var formula = Formula.htk
    /// In which unit sides are straight.
    public var triangles = Triangles.mel
    /// The height of a triangle.
    public var norm = Norm.none

    /// Creates the stage.
    public init(
      bands: Int = 40, low: Double = 20, high: Double = 4_000, formula: Formula = .htk,
      triangles: Triangles = .mel, norm: Norm = .none
    ) {
      self.bands = bands
      self.low = low
      self.high = high
      self.formula = formula
      self.triangles = triangles
      self.norm = norm
    }
  }

  /// The logarithm of max(x, floor) + offset.
  public struct Log: Sendable, Hashable {
    /// Which logarithm.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
      /// No logarithm; floor and offset are not used.
      case none
      case ln
      case log10
      /// 10·log10 of a power, 20·log10 of a magnitude.
      case decibel = "dB"
    }

    /// Which logarithm.
    public var kind = Kind.none
    /// Added before the logarithm.
    public var offset = 0.0
    /// The least value before the offset.
    public var floor = 0.0
    /// Results are at least the clip's largest minus this, as librosa's `top_db`; nil for no limit.
    public var range: Double?

    /// Creates the stage.
    public init(_ kind: Kind = .none, offset: Double = 0, floor: Double = 0, range: Double? = nil) {
      self.kind = kind
      self.offset = offset
      self.floor = floor
      self.range = range
    }
  }

  /// The cosine transform DCT-II over bands: y[k] = 2·Σ x[n]·cos(πk(2n + 1)/(2N)), times a factor.
  public struct MFCC: Sendable, Hashable {
    /// The factor.
    public enum Scaling: String, Sendable, Hashable, CaseIterable {
      /// 1, as SciPy's default.
      case none
      /// √(1/(4N)) for k = 0, √(1/(2N)) for others.
      case ortho
      /// √(1/(2N)), as `tf.signal.mfccs_from_log_mel_spectrograms`.
      case tensorflow
    }

    /// Coefficients kept.
    public var count = 10
    /// The first coefficient kept; 1 drops the one that holds the loudness.
    public var first = 0
    /// The factor.
    public var scaling = Scaling.tensorflow
    /// Coefficient k is multiplied by 1 + L/2·sin(πk/L); 0 for no lifter.
    public var lifter = 0

    /// Creates the stage.
    public init(count: Int = 10, first: Int = 0, scaling: Scaling = .tensorflow, lifter: Int = 0) {
      self.count = count
      self.first = first
      self.scaling = scaling
      self.lifter = lifter
    }
  }

  /// How features become the model's real numbers.
  public enum Normalize: Sendable, Hashable {
    case none
    /// (x − mean) / std with one number, or one a feature.
    case affine(mean: [Double], std: [Double])
    /// (x − m) / s with m and s (of the population) over the whole clip.
    case perClip
    /// The same, over time for each feature.
    case perFeature
  }

  /// The order of values in memory.
  public enum Layout: String, Sendable, Hashable, CaseIterable {
    /// All features of a frame together.
    case timeBand = "time-band"
    /// All frames of a feature together.
    case bandTime = "band-time"
  }

  /// Features of one frame.
  public var featureCount: Int {
    mfcc?.count ?? mel?.bands ?? (frames.fft / 2 + 1)
  }
}
