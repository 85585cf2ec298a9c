/// A TensorFlow Lite model: its graphs, read and checked.
///
/// Reading proves the structure of the whole file and refuses what is known to kill or to hang
/// LiteRT; whatever a model holds, nothing traps later. `Documentation/models.md` lists the checks.
public struct Model: Sendable {
  /// The whole file.
  public let bytes: [UInt8]
  /// The schema version that the file claims; 3 for every current model.
  public let formatVersion: Int
  /// The exporter's own words about the model; may be empty.
  public let description: String
  /// All graphs; the first is the one that runs.
  public let subgraphs: [Subgraph]
  /// The named ways to call the model; often none.
  public let signatures: [Signature]
  /// Names of the metadata entries.
  public let metadataNames: [String]
  /// The graph that runs: subgraph 0.
  public let primary: Subgraph

  /// Whether constants lie outside the flatbuffer, as in models over 2 GB.
  let hasExternalBuffers: Bool

  /// Reads a model and checks everything.
  ///
  /// - Parameter bytes: The whole file.
  /// - Throws: ``ModelError`` with the byte offset of the first fault.
  /// - Complexity: O(*n*) in the size of the graphs; constants are not read.
  public init(_ bytes: [UInt8]) throws(ModelError) {
    var parser = try Parser(bytes)
    let contents = try parser.contents()
    var checker = Checker(contents, FlatBuffer(bytes))
    try checker.check()
    self.bytes = bytes
    formatVersion = contents.formatVersion
    description = contents.description
    subgraphs = contents.subgraphs
    signatures = contents.signatures
    metadataNames = contents.metadataNames
    primary = contents.primary
    hasExternalBuffers = contents.hasExternalBuffers
  }
}
