/// A tensor as a check sees it: valid for the time of one call.
public struct TensorView: ~Escapable {
  /// What part the tensor plays, its position and its description.
  public let stream: TensorStream
  /// The packed little-endian values, in row-major order.
  public let bytes: RawSpan
  /// The frame, or nil for a tensor outside of frames.
  public let frameIndex: UInt32?

  @_lifetime(copy bytes)
  init(stream: TensorStream, bytes: RawSpan, frameIndex: UInt32?) {
    self.stream = stream
    self.bytes = bytes
    self.frameIndex = frameIndex
  }

  /// The values as real numbers, or nil where the element type has none.
  public func realValues() -> [Float]? { stream.description.realValues(in: bytes) }
}

/// How a check went.
public enum CheckOutcome: Sendable, Hashable {
  /// Nothing is wrong.
  case pass
  /// Something is wrong, in words.
  case fail(String)
  /// The check could not be made, and why.
  case inconclusive(String)
}

/// The tensors that a check looks at.
public struct TensorSelector: Sendable, Hashable {
  var role: TensorRole?
  var index: Int?
  var name: String?

  /// Every tensor of a role.
  public static func all(_ role: TensorRole) -> Self { .init(role: role) }
  /// An input of the model.
  public static func input(_ index: Int = 0) -> Self { .init(role: .input, index: index) }
  /// An output of the model.
  public static func output(_ index: Int = 0) -> Self { .init(role: .output, index: index) }
  /// A layer of the model.
  public static func layer(_ index: Int) -> Self { .init(role: .layer, index: index) }
  /// An embedding.
  public static func embedding(_ index: Int = 0) -> Self { .init(role: .embedding, index: index) }
  /// Every tensor of a name, whatever its role.
  public static func named(_ name: String) -> Self { .init(name: name) }

  func selects(_ stream: TensorStream) -> Bool {
    (role ?? stream.role) == stream.role && (index ?? stream.index) == stream.index
      && (name ?? stream.description.name) == stream.description.name
  }
}

/// An assertion about tensors that is checked on the device, on the writing thread.
public struct Check: Sendable {
  enum Kind: Sendable {
    case range(ClosedRange<Double>)
    case shape(Shape)
    case finite
    case channelOrder(ChannelOrder)
    case custom(@Sendable (TensorView) -> CheckOutcome)
  }

  /// The name under which findings are reported.
  public let name: String
  let kind: Kind

  /// Every real value lies in a range; not-a-number does not.
  public static func range(_ range: ClosedRange<Double>) -> Self {
    .init(name: "range", kind: .range(range))
  }

  /// The tensor has this shape; −1 stands for any extent.
  public static func shape(_ shape: Shape) -> Self { .init(name: "shape", kind: .shape(shape)) }

  /// No value is infinite or not-a-number.
  public static var finite: Self { .init(name: "finite", kind: .finite) }

  /// The colour channels come in the expected order, and not in the reversed one.
  ///
  /// Compares the mean difference between the first and the last channel over the frames with the expected
  /// one: over enough pictures, reversed channels turn its sign. Fails or passes only where the observed
  /// difference exceeds four of its standard errors and a quarter of the expected difference; otherwise,
  /// as where the expected means are alike, the check is inconclusive.
  ///
  /// - Parameters:
  ///   - expectedMeans: The mean of each of the three channels over inputs known to be right, in the
  ///     tensor's real values and in the right order; for pictures of everyday scenes in RGB, scaled to
  ///     0…1, about 0.485, 0.456, 0.406.
  ///   - minimumFrames: Tensors to see before the first judgement.
  public static func channelOrder(expectedMeans: [Double], minimumFrames: Int = 32) -> Self {
    .init(
      name: "channel-order",
      kind: .channelOrder(
        ChannelOrder(expectedMeans: expectedMeans, minimumCount: max(2, minimumFrames))))
  }

  /// A check of the app's own.
  ///
  /// - Parameter body: Runs on the writing thread, for each tensor; it must not call the monitor.
  public static func custom(
    _ name: String, _ body: @escaping @Sendable (TensorView) -> CheckOutcome
  ) -> Self {
    .init(name: name.cut(toByteCount: NameTable.byteLimit), kind: .custom(body))
  }
}
