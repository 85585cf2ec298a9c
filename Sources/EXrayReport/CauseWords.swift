import EXrayValidation

extension Cause {
  /// What the cause means and what to do about it, as `Documentation/causes.md` says; nil for one that this version
  /// does not know.
  var words: (means: String, remedy: String)? { Self.words[identifier] }

  private static let words: [String: (means: String, remedy: String)] = [
    "preprocess.channel-order": (
      "The candidate's model gets its colour channels in another order, usually BGR where RGB was meant (OpenCV decodes to BGR, camera buffers are often BGRA).",
      "Set the colour step of the candidate's recipe, or of the app's own code, to the order the model was trained on."
    ),
    "preprocess.normalization": (
      "Pixel values reach the model with another scale or offset: 0…255 for 0…1, 0…1 for −1…1, a mean or a standard deviation forgotten, applied twice or applied to the wrong channel.",
      "Use the scale and offset printed with the finding in the normalize step; in code, normalise exactly once."
    ),
    "preprocess.rotation": (
      "The picture is turned by a quarter or a half turn, or its axes are swapped. Typical sources are camera sensors mounted sideways and the EXIF orientation ignored.",
      "Apply the orientation before resizing; honour EXIF in the orient step."
    ),
    "preprocess.flip": (
      "The picture is mirrored, left to right or top to bottom. Front cameras and bottom-up bitmaps do that.",
      "Remove the mirroring, or mirror the app's display and not the model's input."
    ),
    "preprocess.crop": (
      "The model sees another part of the picture: the whole picture squeezed to a square instead of its centre, another margin, letter boxes.",
      "Set the crop step (which part, which fraction) to the reference's."
    ),
    "preprocess.resize": (
      "The picture is scaled with another interpolation. Libraries call different computations by the same name: bilinear in Pillow averages when it shrinks, in OpenCV it does not, and pixel centres differ too.",
      "Use the kernel that the model was trained with; the recipe names it with its library (`bilinear/pillow`)."
    ),
    "preprocess.layout": (
      "The values are right but their order in memory is not: planes (CHW) where the model reads interleaved pixels (HWC), or the other way round.",
      "Transpose before handing over the tensor; set the layout step of the recipe."
    ),
    "preprocess.grayscale": (
      "Colours are lost: the three channels hold the same values, because a grey camera plane or a luminance conversion is fed three times.",
      "Feed the colour picture; where the camera has none, use a model trained on grey pictures."
    ),
    "preprocess.decode": (
      "Another decoder, or another setting of the same: chroma upsampling, a fast inverse transform, a colour profile. Differences are a few levels of 255, everywhere.",
      "Decode with the setting of the reference. Where the device's decoder cannot be changed, accept it knowingly."
    ),
    "preprocess.transfer": (
      "Levels went through a transfer curve that was not intended, or not through one that was: sRGB made proportional to light (a linear colour space, a texture read as sRGB), or light taken for sRGB.",
      "Turn off colour management for the model's input, or choose a texture format and a colour space without a curve, as in training."
    ),
    "preprocess.quantization": (
      "Input values are stored with another scale or zero point than the model declares: uint8 bytes for an int8 input, a shift by 128, a scale typed in by hand.",
      "Take scale and zero point from the model file at run time; leave the quantise step to the model."
    ),
    "preprocess.sound.sample-rate": (
      "Samples are taken for another number a second than they have, so that bands lie at other frequencies; or they are resampled otherwise than intended, or not at all.",
      "Ask the recorder for the rate that the model was trained on and check what it really gives; resample before framing."
    ),
    "preprocess.sound.channel-mix": (
      "Another channel than the intended one reaches the features, or channels are mixed otherwise: the first one for the mean, or interleaved samples read as if there were one channel.",
      "Record one channel, or mix the channels as the recipe says before framing."
    ),
    "preprocess.sound.byte-order": (
      "The two bytes of each sample are swapped, so that speech becomes noise.",
      "Read PCM as little-endian, as WAV files have it."
    ),
    "preprocess.sound.scaling": (
      "Samples have another unit: whole numbers of int16 where −1 to 1 was meant, or another maximum that they are divided by.",
      "Divide by the number that the recipe's `signal.scale` names."
    ),
    "preprocess.sound.pre-emphasis": (
      "High frequencies were raised before framing and should not have been, or the other way round, or with another factor.",
      "Set `preEmphasis`, or the argument of the library, to the recipe's."
    ),
    "preprocess.sound.framing": (
      "Frames have another length or hop, or begin elsewhere because the signal's ends are padded otherwise.",
      "Set length, hop and padding in samples, not in rounded milliseconds; librosa centres its frames, `tf.signal` does not."
    ),
    "preprocess.sound.window": (
      "Frames are weighed by another window: Hamming for Hann, symmetric for periodic, or none.",
      "Use the recipe's window; `scipy.signal.get_window` gives periodic ones, `numpy.hanning` symmetric ones."
    ),
    "preprocess.sound.fft-size": (
      "The Fourier transform has another size, so that bands get their values from other frequencies.",
      "Set the size to the recipe's `frames.fft`; libraries choose different ones when it is left out."
    ),
    "preprocess.sound.spectrum": (
      "Magnitudes are used where powers were meant, or the other way round, or powers are divided by the transform's size.",
      "Square the magnitude, or do not, as the recipe says."
    ),
    "preprocess.sound.mel-range": (
      "The bands begin or end at another frequency.",
      "Pass both ends explicitly; the defaults of libraries differ."
    ),
    "preprocess.sound.mel-filters": (
      "The bands have another number, mel formula, shape or height: Slaney's for HTK's, areas of one for peaks of one.",
      "Take number, formula, shape and norm from the recipe; librosa's default is Slaney's with areas of one, `tf.signal` has HTK's with peaks of one."
    ),
    "preprocess.sound.log": (
      "Another logarithm, or another number that keeps it from zero: a larger offset, a floor in place of an offset, no logarithm at all.",
      "Use the recipe's kind, offset and floor."
    ),
    "preprocess.sound.mfcc": (
      "The cosine transform is scaled otherwise, begins at another coefficient, is liftered, or is left out.",
      "Use the recipe's `mfcc` stage; dropping coefficient 0 shifts all others by one place."
    ),
    "preprocess.sound.normalization": (
      "Features have another scale or offset: a mean and deviation forgotten, of other data, or of each clip.",
      "Store mean and deviation of the training data with the model and apply them once."
    ),
    "preprocess.sound.layout": (
      "Time and bands are in the other order in memory.",
      "Transpose before handing over the tensor."
    ),
    "preprocess.text.lower-case": (
      "Capitals stay where training made them small, or the other way round, or only those of ASCII are made small. Words with capitals become unknown, or lose their first letter where words are made of a to z.",
      "Lower-case the text before cutting it, without the device's locale: in Turkish, I does not become i."
    ),
    "preprocess.text.tokens": (
      "Text is cut into words otherwise: at white space only, with punctuation kept, apostrophes cut or removed, other characters.",
      "Use the expression that the finding prints; name `\\w` with care, it knows other letters in other languages."
    ),
    "preprocess.text.order": (
      "Words are in the reverse order.",
      "Remove the reversal, which models of sequences used to want."
    ),
    "preprocess.text.vocabulary": (
      "Words have other ids: off by one or more because special words are missing from the app's file or are counted twice, all ids moved, handed out in alphabetical order, or only below a limit.",
      "Ship the vocabulary file that training wrote, with its special words, and index it from the line that training did."
    ),
    "preprocess.text.unknown": (
      "Unknown words get another id than in training, that of padding for instance, or are left out.",
      "Use the id of `<UNK>` or `<UNKNOWN>`, where training did."
    ),
    "preprocess.text.start": (
      "The id before the first word is missing, is another one, or is there where training had none.",
      "Put the start id before the words, before cutting and filling up."
    ),
    "preprocess.text.end": (
      "The same after the last word.",
      "Append the end id where training did."
    ),
    "preprocess.text.truncation": (
      "Long texts are cut at the other end, to fewer ids than the model takes, or with start and end cut off.",
      "Keep the side that training kept: Keras' `pad_sequences` keeps the end by default."
    ),
    "preprocess.text.padding": (
      "Short texts are filled up with another id, or on the other side.",
      "Fill up as training did: Keras' `pad_sequences` fills up before the text by default."
    ),
    "preprocess.text.element-type": (
      "Ids are stored as another type than the model takes; at worst the bytes of one are read as the other.",
      "Convert values, not bytes, to the type of the model's input tensor."
    ),
    "quantization.input-range": (
      "Real input values lie outside what the quantized input can hold, so that they are clipped.",
      "Calibrate with the range that real inputs have, or correct the normalisation."
    ),
    "quantization.weight-scale": (
      "The stored weights of a layer stand for the right numbers times one factor: a scale was written wrong, or applied twice.",
      "Divide the layer's weight scales (and the bias scales that follow from them) by the factor, or convert again."
    ),
    "quantization.bias-scale": (
      "A bias is stored with a scale other than input scale × weight scale, so that a constant is added to the layer's outputs.",
      "Convert the model anew with the current converter; files edited by hand need their bias written again."
    ),
    "quantization.zero-point": (
      "The result of a layer is off by the same number of steps everywhere: a zero point was folded in wrong or forgotten.",
      "Check the zero points of the op's input and result where the bias was computed."
    ),
    "quantization.range-too-narrow": (
      "Values that an op computes pass the range that its result can hold, and are cut off.",
      "Calibrate that tensor again with inputs as the app makes them."
    ),
    "quantization.range-too-wide": (
      "A result uses a small part of the range that it can hold, so that its steps are too coarse. One outlier in the calibration set is enough.",
      "Look for outliers in the calibration inputs, or calibrate by percentiles."
    ),
    "quantization.per-tensor-weights": (
      "One scale serves channels whose weights differ so much in size that the small ones keep few steps.",
      "Quantize the layer's weights per channel, or keep the layer in float."
    ),
    "quantization.calibration": (
      "Ranges throughout the model fit other inputs than these: the calibration set was prepared otherwise.",
      "Calibrate again with inputs that are prepared as the app prepares them."
    ),
    "quantization.concat-scale": (
      "Values of very different size are joined into one tensor and share its scale, so that the small ones lose their steps: boxes of 0…640 beside scores of 0…1.",
      "Give them outputs of their own, or bring them to one size before they are joined."
    ),
    "quantization.drift": (
      "One layer departs from the reference far more than the rounding of its type explains, and later layers inherit the error. One scale for channels of very different ranges is the usual source.",
      "Quantize the layer's weights per channel, calibrate with representative pictures, or leave that layer in float."
    ),
    "quantization.accuracy-loss": (
      "Answers are lost although no layer stands out: small errors everywhere add up.",
      "Use more calibration pictures, quantization-aware training, or 16-bit activations."
    ),
    "kernel.mismatch": (
      "The same model gives other values on the same inputs under other kernels. A few units in the last place are normal; this is more.",
      "Run the named op with the reference kernels, update the runtime, and report the op to its makers with the trace."
    ),
    "kernel.context": (
      "An op is right alone and wrong inside its graph: a delegate or a fused kernel is at fault.",
      "Keep the op out of the delegate or use other kernels, and report it to the runtime's makers."
    ),
    "layer.activation": (
      "An activation is missing, added, or another one.",
      "Convert again with the activation that the reference has."
    ),
    "layer.channel-order": (
      "A layer's input channels stand in another order: a first convolution that expects BGR.",
      "Rearrange the weights' input channels, or feed the model in the order that it expects."
    ),
    "layer.layout": (
      "Weights stand in another memory order: height and width swapped, mirrored, depth first, rows in another order.",
      "Convert the layer's weights again in the order that the op reads."
    ),
    "layer.batch-norm": (
      "Every channel is scaled and shifted by numbers of its own, as when batch normalisation is folded with other statistics than the trained ones.",
      "Convert in inference mode, with the moving averages of the trained model."
    ),
    "layer.dead-channels": (
      "Channels give nothing where the reference's do.",
      "Look for a scale that rounded them to 0, or for pruning."
    ),
    "layer.bias": (
      "A layer's bias is missing or another one.",
      "Convert the layer again with its bias."
    ),
    "layer.weights": (
      "A layer has other weights.",
      "Check that both files come from the same training run."
    ),
    "kernel.slow": (
      "An op takes far longer than it needs: its kernel does not use what the machine can do, or a delegate left the op to a plain one.",
      "Run the op with other kernels, or replace it by ops that have fast ones. Where a delegate left it out, find out why: an element type, a shape only known in a run, an op version."
    ),
    "numeric.fp16-overflow": (
      "Computed in float16, as GPUs and neural engines do unasked, this op's values become infinite: they, or the sum on the way to a mean, pass 65,504; or a constant does.",
      "Keep the op in float32, or scale its inputs down by a power of two and its result up again."
    ),
    "numeric.fp16-underflow": (
      "A constant that guards a division, a root or a logarithm, such as an epsilon of 1e-12, is zero in float16: numbers up to 2⁻²⁵ are.",
      "Use an epsilon of 1e-4 or more, and train or calibrate with it."
    ),
    "layer.input-normalization": (
      "An op without weights scales and shifts its input by other numbers: normalisation inside the graph.",
      "Compare the op's constants with the reference's."
    ),
    "layer.beyond-baseline": (
      "A layer is further from the reference than it was in healthy runs of the model that a baseline was learnt from.",
      "Compare the op with that of the healthy model: weights, scales, kernels. Where the change is meant, learn the baseline again."
    ),
    "model.not-finite": (
      "The candidate computes NaN or infinity where the reference is finite, in half precision usually because a sum exceeds 65,504.",
      "Compute the named op in float32, or scale its inputs down."
    ),
    "model.constant-output": (
      "The candidate gives the same output whatever goes in.",
      "Look at the first layer whose values do not change; check the input's normalisation and the conversion."
    ),
    "model.output-mismatch": (
      "Outputs cannot be compared: they have other shapes, or there is another number of them.",
      "Compare models of the same task, or export both with the same signature."
    ),
    "model.mismatch": (
      "The candidate is another model: on the same inputs it answers otherwise, and neither quantization nor kernels are to blame.",
      "Check which file was shipped (the SHA-256 of both is in the report) and convert from the reference's checkpoint."
    ),
    "runtime.crash": (
      "The runtime died while loading or running the model. It ran in a process of its own, so the tool survived.",
      "Try other kernels or another runtime version, and report the model to the runtime's makers."
    ),
    "runtime.timeout": (
      "The runtime did not answer within the time limit.",
      "Raise the limit on slow devices; otherwise treat it like a crash."
    ),
    "unexplained": (
      "The inputs differ, and no hypothesis above explains how.",
      "Look at both input pictures in the HTML report; compare the pipelines step by step by capturing the raw picture as well."
    ),
  ]
}
