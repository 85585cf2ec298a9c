public import EXrayCore
public import EXrayValidation

/// What one layer came to.
public struct LayerSummary: Sendable, Hashable {
  /// The candidate's op.
  public var op: OpReference
  /// Name of the tensor that it makes.
  public var tensor: String
  /// Own and inherited error.
  public var errors: LayerErrors
  /// The root mean squared own error, in real units.
  public var rootMeanSquare: Double

  init(_ suspect: Suspect) {
    let layer = suspect.layer
    let signal = max(layer.signal.rootMeanSquare, .leastNormalMagnitude)
    op = layer.op
    tensor = layer.description.name
    rootMeanSquare = suspect.own
    errors = LayerErrors(
      own: suspect.own / signal, inherited: layer.inherited.rootMeanSquare / signal,
      share: layer.share, ownInSteps: layer.step > 0 ? suspect.own / layer.step : nil,
      excess: suspect.excess)
  }
}
