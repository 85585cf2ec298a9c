/// Recipes that libraries and published models have; where a search without an intended recipe starts.
extension SoundRecipe {
  /// Common recipes, each with its source in its name.
  public static let common: [SoundRecipe] = [
    keywordSpotting, spectrogram, logMel, pythonSpeechFeatures, pythonSpeechFilterBanks,
    librosaMel, librosaMFCC, torchaudioMFCC,
  ]

  private static var keywordSpotting: SoundRecipe {
    var recipe = SoundRecipe(name: "MLPerf Tiny keyword spotting")
    recipe.signal.scale = .max
    recipe.signal.length = 16_000
    recipe.mel = .init()
    recipe.log = .init(.ln, offset: 1e-6)
    recipe.mfcc = .init(count: 10)
    return recipe
  }

  private static var spectrogram: SoundRecipe {
    var recipe = SoundRecipe(name: "tf.signal.stft, as TensorFlow's tutorial of speech commands")
    recipe.signal.length = 16_000
    (recipe.frames.length, recipe.frames.hop, recipe.frames.fft) = (255, 128, 256)
    return recipe
  }

  private static var logMel: SoundRecipe {
    var recipe = SoundRecipe(name: "tf.signal log-mel, as YAMNet")
    (recipe.frames.length, recipe.frames.hop, recipe.frames.fft) = (400, 160, 512)
    recipe.mel = .init(bands: 64, low: 125, high: 7_500)
    recipe.log = .init(.ln, offset: 1e-3)
    return recipe
  }

  private static var pythonSpeechFilterBanks: SoundRecipe {
    var recipe = SoundRecipe(name: "python_speech_features.logfbank")
    recipe.signal.scale = .int16
    recipe.preEmphasis = 0.97
    (recipe.frames.length, recipe.frames.hop, recipe.frames.fft) = (400, 160, 512)
    (recipe.frames.window, recipe.frames.pad) = (.rectangular, .end)
    recipe.spectrum = .powerPerBin
    recipe.mel = .init(bands: 26, low: 0, high: 8_000, triangles: .bins)
    recipe.log = .init(.ln, floor: 0x1p-52)
    return recipe
  }

  private static var pythonSpeechFeatures: SoundRecipe {
    var recipe = pythonSpeechFilterBanks
    recipe.name = "python_speech_features.mfcc"
    recipe.mfcc = .init(count: 13, scaling: .ortho, lifter: 22)
    return recipe
  }

  private static var librosaMel: SoundRecipe {
    var recipe = SoundRecipe(name: "librosa.power_to_db(librosa.feature.melspectrogram)")
    recipe.signal.sampleRate = 22_050
    (recipe.frames.length, recipe.frames.hop, recipe.frames.fft) = (2_048, 512, 2_048)
    recipe.frames.pad = .centerZero
    recipe.spectrum = .power
    recipe.mel = .init(
      bands: 128, low: 0, high: 11_025, formula: .slaney, triangles: .hertz, norm: .slaney)
    recipe.log = .init(.decibel, floor: 1e-10, range: 80)
    return recipe
  }

  private static var librosaMFCC: SoundRecipe {
    var recipe = librosaMel
    recipe.name = "librosa.feature.mfcc"
    recipe.mfcc = .init(count: 20, scaling: .ortho)
    return recipe
  }

  private static var torchaudioMFCC: SoundRecipe {
    var recipe = SoundRecipe(name: "torchaudio.transforms.MFCC")
    (recipe.frames.length, recipe.frames.hop, recipe.frames.fft) = (400, 200, 400)
    recipe.frames.pad = .centerReflect
    recipe.spectrum = .power
    recipe.mel = .init(bands: 128, low: 0, high: 8_000, triangles: .hertz)
    recipe.log = .init(.decibel, floor: 1e-10, range: 80)
    recipe.mfcc = .init(count: 40, scaling: .ortho)
    return recipe
  }
}
