/// Why a text's ids are not the intended ones, as `Documentation/causes.md` names it.
public enum TextCause: String, Sendable, Hashable, CaseIterable {
  case lowercase = "preprocess.text.lower-case"
  case tokens = "preprocess.text.tokens"
  case order = "preprocess.text.order"
  case vocabulary = "preprocess.text.vocabulary"
  case unknown = "preprocess.text.unknown"
  case start = "preprocess.text.start"
  case end = "preprocess.text.end"
  case truncation = "preprocess.text.truncation"
  case padding = "preprocess.text.padding"
  case element = "preprocess.text.element-type"
}

/// One line of a recipe that is not as intended.
public struct TextDifference: Sendable, Hashable {
  /// Which fault it is.
  public var cause: TextCause
  /// The recipe's key at its top level, as `padding`.
  public var stage: String
  /// What was found, in words.
  public var found: String
  /// What the intended recipe says, in words.
  public var intended: String
}

/// What the evidence cannot tell apart.
public struct TextAmbiguity: Sendable, Hashable {
  /// The recipe's key at its top level, or several.
  public var stage: String
  /// What explains the ids equally well, the reported one first.
  public var candidates: [String]
  /// Why they cannot be told apart.
  public var reason: String
}

/// What a detective found out about a model's token ids.
public struct TextExplanation: Sendable, Hashable {
  /// The recipe that explains the ids; nil where none does.
  public var recipe: TextRecipe?
  /// The share of token positions that the best recipe explains, 0 to 1: positions at which the text or the model's
  /// input has something else than padding.
  public var explainedShare: Double
  /// The same share for the intended recipe.
  public var intendedShare: Double
  /// How the recipe departs from the intended one, in the order of the stages.
  public var differences: [TextDifference]
  /// What the evidence cannot tell apart.
  public var ambiguous: [TextAmbiguity]
  /// What the search tried without success, where nothing explains.
  public var ruledOut: [String]
  /// Sentences that the search looked at.
  public var searchedCount: Int
}

/// One setting of a recipe that faults change.
enum TextKnob: String, CaseIterable {
  case lowercase, words, marks, others, contractions, order, listOrder, offset, size, unknown,
    start,
    end, keep, limit, specials, paddingID, paddingSide, length, shift, element

  var cause: TextCause {
    switch self {
    case .lowercase: .lowercase
    case .words, .marks, .others, .contractions: .tokens
    case .order: .order
    case .listOrder, .offset, .size, .shift: .vocabulary
    case .unknown: .unknown
    case .start: .start
    case .end: .end
    case .keep, .limit, .specials, .length: .truncation
    case .paddingID, .paddingSide: .padding
    case .element: .element
    }
  }

  /// The recipe's key at its top level.
  var stage: String {
    switch self {
    case .words, .marks, .others, .contractions: "tokens"
    case .listOrder, .offset, .size: "vocabulary"
    case .keep, .limit, .specials: "truncation"
    case .paddingID, .paddingSide: "padding"
    default: rawValue
    }
  }

  /// The setting in words.
  func words(_ recipe: TextRecipe) -> String {
    switch self {
    case .lowercase: "\(recipe.lowercase.rawValue) lower case"
    case .words: "words of [\(recipe.tokens.words.spelling)]"
    case .marks:
      recipe.tokens.marks == .nothing
        ? "no marks as tokens" : "[\(recipe.tokens.marks.spelling)] as tokens"
    case .others: "other characters \(recipe.tokens.others == .space ? "separate" : "vanish")"
    case .contractions: "contractions \(recipe.tokens.contractions.rawValue)"
    case .order: "words \(recipe.order.rawValue)"
    case .listOrder:
      "ids in the order of the \(recipe.vocabulary.order == .file ? "file" : "words")"
    case .offset: "ids of words + \(recipe.vocabulary.offset)"
    case .size: recipe.vocabulary.size.map { "only ids below \($0)" } ?? "all of the vocabulary"
    case .unknown: recipe.unknown.id.map { "unknown words are \($0)" } ?? "unknown words dropped"
    case .start: recipe.start.map { "start \($0)" } ?? "no start"
    case .end: recipe.end.map { "end \($0)" } ?? "no end"
    case .keep: "the \(recipe.truncation.keep.rawValue) of long texts kept"
    case .limit: "at most \(recipe.truncation.limit ?? recipe.length) tokens"
    case .specials: "start and end \(recipe.truncation.specials.rawValue) where texts are cut"
    case .paddingID: "padded with \(recipe.padding.id)"
    case .paddingSide: "padded at the \(recipe.padding.side.rawValue)"
    case .length: "\(recipe.length) ids"
    case .shift: "all ids + \(recipe.shift)"
    case .element: recipe.element.map { "stored as \($0.rawValue)" } ?? "stored in any way"
    }
  }

  /// Makes the setting that of another recipe.
  func copy(from source: TextRecipe, to target: inout TextRecipe) {
    switch self {
    case .lowercase: target.lowercase = source.lowercase
    case .words: target.tokens.words = source.tokens.words
    case .marks: target.tokens.marks = source.tokens.marks
    case .others: target.tokens.others = source.tokens.others
    case .contractions: target.tokens.contractions = source.tokens.contractions
    case .order: target.order = source.order
    case .listOrder: target.vocabulary.order = source.vocabulary.order
    case .offset: target.vocabulary.offset = source.vocabulary.offset
    case .size: target.vocabulary.size = source.vocabulary.size
    case .unknown: target.unknown = source.unknown
    case .start: target.start = source.start
    case .end: target.end = source.end
    case .keep: target.truncation.keep = source.truncation.keep
    case .limit: target.truncation.limit = source.truncation.limit
    case .specials: target.truncation.specials = source.truncation.specials
    case .paddingID: target.padding.id = source.padding.id
    case .paddingSide: target.padding.side = source.padding.side
    case .length: target.length = source.length
    case .shift: target.shift = source.shift
    case .element: target.element = source.element
    }
  }

  /// Whether two recipes have the same setting.
  func isEqual(_ left: TextRecipe, _ right: TextRecipe) -> Bool {
    var copy = left
    self.copy(from: right, to: &copy)
    return copy == left
  }
}

extension TextRecipe {
  /// How this recipe departs from an intended one: a difference a stage and cause, in the order of the stages.
  public func differences(from intended: TextRecipe) -> [TextDifference] {
    var list: [TextDifference] = []
    for knob in knobs(from: intended) {
      let (found, wanted) = (knob.words(self), knob.words(intended))
      if let last = list.last, last.cause == knob.cause, last.stage == knob.stage {
        list[list.count - 1].found += ", \(found)"
        list[list.count - 1].intended += ", \(wanted)"
      } else {
        list.append(
          TextDifference(cause: knob.cause, stage: knob.stage, found: found, intended: wanted))
      }
    }
    return list
  }

  /// The settings in which two recipes differ.
  func knobs(from intended: TextRecipe) -> [TextKnob] {
    TextKnob.allCases.filter { knob in
      if knob == .limit {
        return (truncation.limit ?? length) != (intended.truncation.limit ?? intended.length)
          && (truncation.limit != nil || length == intended.length)
      }
      return !knob.isEqual(self, intended)
    }
  }
}
