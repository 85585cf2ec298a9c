/// How a text becomes a model's token ids: one value a stage, in the order in which stages run.
///
/// Lower case → tokens → order → vocabulary, unknown → start, end → truncation → padding → shift → element.
/// Semantics and JSON are documented in `Documentation/text-recipes.md`.
public struct TextRecipe: Sendable, Hashable {
  /// The version of the JSON that this code reads and writes, its key `exrayTextRecipe`.
  public static let version = 1
  /// The longest array of tokens.
  public static let lengthLimit = 1 << 16
  /// The ids that a recipe may name, and that a vocabulary may give.
  public static let idLimit = 100_000_000

  /// What the recipe is for, in words.
  public var name: String?
  /// Which capitals become small.
  public var lowercase = Lowercase.unicode
  /// How characters become words.
  public var tokens = Tokens()
  /// The order of words.
  public var order = Order.forward
  /// Which ids words have.
  public var vocabulary: WordList
  /// What stands for a word without an id.
  public var unknown = Unknown.dropped
  /// The id before the first word, if any.
  public var start: Int?
  /// The id after the last word, if any.
  public var end: Int?
  /// What is left of a long text.
  public var truncation = Truncation()
  /// What fills up a short one.
  public var padding = Padding()
  /// How many ids reach the model.
  public var length: Int
  /// What is added to every id at last, whatever it stands for.
  public var shift = 0
  /// How ids are stored; nil for in any way.
  public var element: Element?

  /// Creates a recipe: words of letters and digits in lower case, unknown ones dropped, padded with 0 at the end.
  public init(name: String? = nil, vocabulary: WordList, length: Int) {
    self.name = name
    self.vocabulary = vocabulary
    self.length = length
  }

  /// Which capitals become small.
  public enum Lowercase: String, Sendable, Hashable, CaseIterable {
    /// All of Unicode, as Python's `str.lower` does it.
    case unicode
    /// A to Z.
    case ascii
    /// None.
    case none
  }

  /// How characters become words.
  ///
  /// White space always separates.
  public struct Tokens: Sendable, Hashable {
    /// What happens to characters that are neither of words nor marks.
    public enum Others: String, Sendable, Hashable, CaseIterable {
      /// They separate words.
      case space
      /// They vanish, and what is on both sides is one word.
      case removed
    }

    /// What happens to an apostrophe, before anything else does.
    public enum Contractions: String, Sendable, Hashable, CaseIterable {
      /// Nothing.
      case kept
      /// `'s 've n't 're 'd 'll` become words of their own.
      case split
      /// Apostrophes vanish: `don't` becomes `dont`.
      case joined
    }

    /// Characters of which words are made.
    public var words: CharacterClass
    /// Characters that are a token each; they win over ``words``.
    public var marks: CharacterClass
    /// All other characters.
    public var others: Others
    /// Apostrophes.
    public var contractions: Contractions

    /// Creates the stage; without arguments, words are what Python's `\w+` matches.
    public init(
      words: CharacterClass? = nil, marks: CharacterClass = .nothing, others: Others = .space,
      contractions: Contractions = .kept
    ) {
      self.words = words ?? CharacterClass("\\w") ?? .everything
      self.marks = marks
      self.others = others
      self.contractions = contractions
    }
  }

  /// The order of words.
  public enum Order: String, Sendable, Hashable, CaseIterable {
    /// As in the text.
    case forward
    /// The last word first.
    case reversed
  }

  /// Which ids words have.
  public struct WordList: Sendable, Hashable {
    /// What a line of the file holds.
    public enum Format: String, Sendable, Hashable, CaseIterable {
      /// A word; its id is the line's number, counted from 0.
      case words
      /// A word and its id, with a space or a tab between.
      case pairs
    }

    /// How ids are handed out.
    public enum Order: String, Sendable, Hashable, CaseIterable {
      /// As the file says.
      case file
      /// The same ids, but given to the words in the order of their code points; words in `<>` or `[]` keep theirs.
      case sorted
    }

    /// The file, relative to the recipe's folder.
    public var file: String
    /// What a line of it holds.
    public var format: Format
    /// How ids are handed out.
    public var order = Order.file
    /// What is added to the ids of words, and of words only.
    public var offset = 0
    /// Words whose id, with the offset, is not below this are unknown; nil for no limit.
    public var size: Int?

    /// Creates the stage.
    public init(file: String, format: Format = .words) {
      self.file = file
      self.format = format
    }
  }

  /// What stands for a word without an id.
  public enum Unknown: Sendable, Hashable {
    /// This id.
    case id(Int)
    /// Nothing: the word is left out.
    case dropped
  }

  /// What is left of a long text.
  public struct Truncation: Sendable, Hashable {
    /// Which part stays.
    public enum Keep: String, Sendable, Hashable, CaseIterable {
      /// The beginning; Keras calls it `truncating="post"`.
      case head
      /// The end; Keras calls it `truncating="pre"`, its default.
      case tail
    }

    /// What may be cut off.
    public enum Specials: String, Sendable, Hashable, CaseIterable {
      /// Start and end too.
      case cut
      /// Only words: there is always room for start and end.
      case kept
    }

    /// Which part stays.
    public var keep = Keep.head
    /// How many ids stay, start and end among them; nil for as many as the model takes.
    public var limit: Int?
    /// What may be cut off.
    public var specials = Specials.cut

    /// Creates the stage.
    public init() {}
  }

  /// What fills up a short text.
  public struct Padding: Sendable, Hashable {
    /// Where it goes.
    public enum Side: String, Sendable, Hashable, CaseIterable {
      /// After the text; Keras calls it `padding="post"`.
      case end
      /// Before the text; Keras calls it `padding="pre"`, its default.
      case start
    }

    /// The id.
    public var id = 0
    /// Where it goes.
    public var side = Side.end

    /// Creates the stage.
    public init() {}
  }

  /// How ids are stored.
  public enum Element: String, Sendable, Hashable, CaseIterable {
    case uint8, int8, uint16, int16, uint32, int32, uint64, int64, float16, float32, float64
    /// The bits of float32 numbers, read as int32.
    case float32AsInt32 = "float32-as-int32"
    /// The bytes of int64 numbers, read as int32: every other id is 0, and the second half of all is lost.
    case int64AsInt32 = "int64-as-int32"
  }
}
