import EXrayPreprocess
import EXrayValidation

/// One correction of a candidate's recipe: a field that is set as the reference has it.
enum RecipeFix: String, CaseIterable {
  case decode, orient, crop, resize, color, layout, normalize, quantize

  /// The correction of a stage that an explanation or a finding names; nil where no field can be set.
  init?(stage: String) {
    // How grey is computed is set with the colours.
    self.init(rawValue: stage == "luma" ? "color" : stage)
  }

  /// The corrections that findings ask for and that change something, in the order of the findings.
  static func all(
    for explanation: Explanation, candidate: Recipe, reference: Recipe
  ) -> [RecipeFix] {
    var fixes: [RecipeFix] = []
    for difference in explanation.differences {
      if let fix = RecipeFix(stage: difference.stage), !fixes.contains(fix),
        fix.applied(to: candidate, as: reference) != candidate
      {
        fixes.append(fix)
      }
    }
    return fixes
  }

  /// The recipe with this field as the reference has it.
  func applied(to recipe: Recipe, as reference: Recipe) -> Recipe {
    var corrected = recipe
    switch self {
    case .decode: corrected.decode = reference.decode
    case .orient: corrected.orient = reference.orient
    case .crop:
      corrected.crop = reference.crop
      // Without an interpolation, no other crop would fit the model.
      if corrected.resize.method == .none { corrected.resize = reference.resize }
    case .resize: corrected.resize = reference.resize
    case .color:
      corrected.color = reference.color
      corrected.luma = reference.luma
    case .layout: corrected.layout = reference.layout
    case .normalize: corrected.normalize = reference.normalize
    case .quantize where corrected.quantize != reference.quantize:
      corrected.quantize = reference.quantize
    // Stored with another scale, although both recipes quantize alike: the levels are at fault.
    case .quantize: corrected.normalize = reference.normalize
    }
    return corrected
  }
}
