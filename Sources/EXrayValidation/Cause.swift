/// A named reason why a candidate differs from its reference, with a stable identifier.
///
/// Identifiers are part of the report's public schema: they are never renamed and never reused.
public struct Cause: Sendable, Hashable, Codable, CustomStringConvertible {
  /// The identifier (`preprocess.channel-order`).
  public let identifier: String

  private init(_ identifier: String) { self.identifier = identifier }

  /// The cause with an identifier that this version knows, or nil.
  public init?(known identifier: String) {
    guard Self.all.contains(where: { $0.identifier == identifier }) else { return nil }
    self.init(identifier)
  }

  /// Reads an identifier, known or not, so that newer reports can still be read.
  public init(from decoder: any Decoder) throws {
    identifier = try decoder.singleValueContainer().decode(String.self)
  }

  /// Writes the identifier as a plain string.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(identifier)
  }

  /// The identifier.
  public var description: String { identifier }

  /// Whether the cause lies before the model: between the raw input and the model's input.
  public var isPreprocessing: Bool { identifier.hasPrefix("preprocess.") }

  /// Channels in another order: BGR for RGB.
  public static let channelOrder = Cause("preprocess.channel-order")
  /// Another scale or offset of the pixel values.
  public static let normalization = Cause("preprocess.normalization")
  /// The picture turned by a quarter or a half, or its axes swapped.
  public static let rotation = Cause("preprocess.rotation")
  /// The picture mirrored.
  public static let flip = Cause("preprocess.flip")
  /// Another part of the picture.
  public static let crop = Cause("preprocess.crop")
  /// Another interpolation.
  public static let resize = Cause("preprocess.resize")
  /// Values in another memory order: the bytes of CHW read as HWC.
  public static let layout = Cause("preprocess.layout")
  /// Colours lost.
  public static let grayscale = Cause("preprocess.grayscale")
  /// Another decoder or decoder setting: a few levels of difference everywhere.
  public static let decode = Cause("preprocess.decode")
  /// Levels bent by a transfer curve: sRGB taken for light, or the other way round.
  public static let transfer = Cause("preprocess.transfer")
  /// Input values stored with another scale or zero point than the model's.
  public static let inputQuantization = Cause("preprocess.quantization")

  /// Samples taken for another number a second, or resampled otherwise.
  public static let soundSampleRate = Cause("preprocess.sound.sample-rate")
  /// Another channel, or channels mixed otherwise.
  public static let soundChannelMix = Cause("preprocess.sound.channel-mix")
  /// The bytes of each sample swapped.
  public static let soundByteOrder = Cause("preprocess.sound.byte-order")
  /// Samples in another unit: int16 steps for −1 to 1, or divided by another maximum.
  public static let soundScaling = Cause("preprocess.sound.scaling")
  /// High frequencies raised, or not, before framing.
  public static let soundPreEmphasis = Cause("preprocess.sound.pre-emphasis")
  /// Frames of another length or hop, or padded otherwise.
  public static let soundFraming = Cause("preprocess.sound.framing")
  /// Another window function.
  public static let soundWindow = Cause("preprocess.sound.window")
  /// Another size of the Fourier transform.
  public static let soundFftSize = Cause("preprocess.sound.fft-size")
  /// Magnitude for power, or the other way round.
  public static let soundSpectrum = Cause("preprocess.sound.spectrum")
  /// Bands between other frequencies.
  public static let soundMelRange = Cause("preprocess.sound.mel-range")
  /// Bands of another number, scale, shape or height.
  public static let soundMelFilters = Cause("preprocess.sound.mel-filters")
  /// Another logarithm, floor or offset.
  public static let soundLogarithm = Cause("preprocess.sound.log")
  /// Other coefficients of the cosine transform, or scaled otherwise.
  public static let soundMfcc = Cause("preprocess.sound.mfcc")
  /// Features with another scale or offset.
  public static let soundNormalization = Cause("preprocess.sound.normalization")
  /// Time and bands in the other memory order.
  public static let soundLayout = Cause("preprocess.sound.layout")

  /// Capitals kept, or made small where they should stay.
  public static let textLowerCase = Cause("preprocess.text.lower-case")
  /// Text cut into words otherwise.
  public static let textTokens = Cause("preprocess.text.tokens")
  /// Words in the other order.
  public static let textOrder = Cause("preprocess.text.order")
  /// Other ids for words: off by one, another order, another limit.
  public static let textVocabulary = Cause("preprocess.text.vocabulary")
  /// Another id for unknown words, or none.
  public static let textUnknown = Cause("preprocess.text.unknown")
  /// A start id forgotten, added or another one.
  public static let textStart = Cause("preprocess.text.start")
  /// An end id forgotten, added or another one.
  public static let textEnd = Cause("preprocess.text.end")
  /// Long texts cut at the other end, or at another length.
  public static let textTruncation = Cause("preprocess.text.truncation")
  /// Short texts filled up with another id, or on the other side.
  public static let textPadding = Cause("preprocess.text.padding")
  /// Ids stored as another type.
  public static let textElementType = Cause("preprocess.text.element-type")

  /// Input values outside the range that the quantized input can hold.
  public static let inputRange = Cause("quantization.input-range")
  /// A bias whose scale is not input scale × weight scale.
  public static let biasScale = Cause("quantization.bias-scale")
  /// Weights that stand for other real values than the reference's, all by one factor.
  public static let weightScale = Cause("quantization.weight-scale")
  /// A result shifted by the same number of steps everywhere.
  public static let zeroPoint = Cause("quantization.zero-point")
  /// A result whose values pass the range that its tensor can hold.
  public static let rangeTooNarrow = Cause("quantization.range-too-narrow")
  /// A result that uses a small part of the range that its tensor can hold.
  public static let rangeTooWide = Cause("quantization.range-too-wide")
  /// Weights with one scale where channels differ so much that the small ones vanish.
  public static let perTensorWeights = Cause("quantization.per-tensor-weights")
  /// Ranges throughout the model that do not fit the inputs: calibrated on other ones.
  public static let calibration = Cause("quantization.calibration")
  /// Values of very different size that share one scale because they are joined.
  public static let concatScale = Cause("quantization.concat-scale")
  /// A layer that departs from the reference far more than rounding explains.
  public static let quantizationDrift = Cause("quantization.drift")
  /// Answers lost although no single layer stands out.
  public static let accuracyLoss = Cause("quantization.accuracy-loss")

  /// The same model and inputs give other values under other kernels.
  public static let kernelMismatch = Cause("kernel.mismatch")
  /// An op that is right alone and wrong in its graph.
  public static let kernelContext = Cause("kernel.context")
  /// An op whose kernel is far slower than it need be.
  public static let kernelSlow = Cause("kernel.slow")
  /// An activation that is missing, added, or another one.
  public static let activation = Cause("layer.activation")
  /// The input channels of a layer in another order.
  public static let layerChannelOrder = Cause("layer.channel-order")
  /// Weights or values of a layer in another memory order.
  public static let layerLayout = Cause("layer.layout")
  /// Each channel scaled and shifted by numbers of its own: batch normalisation folded with other statistics.
  public static let batchNorm = Cause("layer.batch-norm")
  /// Channels that give nothing where the reference's do.
  public static let deadChannels = Cause("layer.dead-channels")
  /// A bias that is missing or another one.
  public static let bias = Cause("layer.bias")
  /// Other weights.
  public static let weights = Cause("layer.weights")
  /// Normalisation inside the graph with other numbers.
  public static let inputNormalization = Cause("layer.input-normalization")
  /// Further from the reference than healthy runs of the model were.
  public static let beyondBaseline = Cause("layer.beyond-baseline")
  /// Values, or sums on the way to them, that float16 has no number for.
  public static let halfOverflow = Cause("numeric.fp16-overflow")
  /// Constants that guard a division and are zero in float16.
  public static let halfUnderflow = Cause("numeric.fp16-underflow")
  /// NaN or infinite values where the reference is finite.
  public static let notFinite = Cause("model.not-finite")
  /// The same output whatever the input.
  public static let constantOutput = Cause("model.constant-output")
  /// Outputs that cannot be compared: other shapes or another count.
  public static let outputMismatch = Cause("model.output-mismatch")
  /// Another model: same inputs, other answers, neither quantization nor kernels to blame.
  public static let modelMismatch = Cause("model.mismatch")

  /// The runtime died while loading or running the model.
  public static let runtimeCrash = Cause("runtime.crash")
  /// The runtime did not answer within the time limit.
  public static let runtimeTimeout = Cause("runtime.timeout")
  /// The inputs differ in a way that no hypothesis explains.
  public static let unexplained = Cause("unexplained")

  /// Every cause this version can name, in the order of the documentation.
  public static let all: [Cause] = [
    channelOrder, normalization, rotation, flip, crop, resize, layout, grayscale, decode,
    transfer, inputQuantization, soundSampleRate, soundChannelMix, soundByteOrder, soundScaling,
    soundPreEmphasis, soundFraming, soundWindow, soundFftSize, soundSpectrum, soundMelRange,
    soundMelFilters, soundLogarithm, soundMfcc, soundNormalization, soundLayout, textLowerCase,
    textTokens, textOrder, textVocabulary, textUnknown, textStart, textEnd, textTruncation,
    textPadding, textElementType, inputRange, weightScale, biasScale, zeroPoint,
    rangeTooNarrow, rangeTooWide, perTensorWeights, calibration, concatScale, quantizationDrift,
    accuracyLoss, kernelMismatch, kernelContext, kernelSlow, activation, layerChannelOrder,
    layerLayout, batchNorm, deadChannels, bias, weights, inputNormalization, beyondBaseline,
    halfOverflow, halfUnderflow, notFinite, constantOutput, outputMismatch, modelMismatch,
    runtimeCrash,
    runtimeTimeout, unexplained,
  ]
}
