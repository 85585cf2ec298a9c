public import EXrayCore

/// A model's input made from one picture.
public struct PreparedInput: Sendable {
  /// The picture after orientation, crop, resize and colour.
  public var image: Image
  /// The normalised values in memory order, before they are quantised.
  public var realValues: [Float]
  /// Packed little-endian values in the model's type.
  public var bytes: [UInt8]
}

extension Recipe {
  /// The recipe with every open size taken from a model's input.
  ///
  /// - Throws: ``PreprocessError`` `.unsuitableRecipe` naming the stage that cannot fit.
  public func resolved(for input: TensorDescription) throws(PreprocessError) -> Recipe {
    func refusal(_ key: String, _ message: String) -> PreprocessError {
      PreprocessError(.unsuitableRecipe, key: key, message)
    }
    let tensor = "the model's input \"\(input.name)\" of shape \(input.shape)"
    var extents = input.shape.dimensions
    if extents.count == 4 || extents.count == 3 && extents.first == 1 && color.channels == 1 {
      let batch = extents.removeFirst()
      guard batch == 1 || batch == -1 else {
        throw refusal(
          "layout", "\(tensor) takes \(batch) pictures at once; resize the model's batch to 1")
      }
    }
    // A grey picture may come without a dimension for its one channel.
    if extents.count == 2, input.shape.rank == 3 {
      extents.insert(1, at: layout == .nchw ? 0 : 2)
    }
    guard extents.count == 3 else {
      throw refusal(
        "layout", "\(tensor) is no picture; give tensor inputs as .npy and leave the recipe out")
    }
    let (height, width, channels) =
      layout == .nchw
      ? (extents[1], extents[2], extents[0]) : (extents[0], extents[1], extents[2])
    let other = layout == .nchw ? extents[2] : extents[0]
    if channels != color.channels, channels != -1 {
      if other == color.channels {
        throw refusal(
          "layout",
          "is \"\(layout.rawValue)\", but \(tensor) has its channels elsewhere; set it to "
            + (layout == .nchw ? "\"NHWC\"" : "\"NCHW\""))
      }
      throw refusal(
        "color",
        "\"\(color.rawValue)\" gives \(color.channels) channels, \(tensor) takes \(channels); set "
          + (channels == 1 ? "\"GRAY\"" : channels == 3 ? "\"RGB\"" : "another model or recipe"))
    }
    var recipe = self
    recipe.resize.width = try fit("width", resize.width, width, tensor)
    recipe.resize.height = try fit("height", resize.height, height, tensor)
    if crop.mode == .centerPixels {
      recipe.crop.width = crop.width ?? recipe.sizeAfterResize?.width
      recipe.crop.height = crop.height ?? recipe.sizeAfterResize?.height
    }
    for (key, values) in [("mean", normalize.mean), ("std", normalize.std)] {
      guard values.count == 1 || values.count == color.channels else {
        throw refusal(
          "normalize.\(key)",
          "has \(values.count) values for \(color.channels) channels; give one, or one a channel")
      }
    }
    return recipe
  }

  private func fit(
    _ key: String, _ wanted: Int?, _ offered: Int, _ tensor: String
  ) throws(PreprocessError) -> Int {
    if offered < 1 {
      guard let wanted else {
        throw PreprocessError(
          .unsuitableRecipe, key: "resize.\(key)",
          "is open and so is \(tensor); write the \(key) into the recipe")
      }
      return wanted
    }
    guard wanted == nil || wanted == offered else {
      throw PreprocessError(
        .unsuitableRecipe, key: "resize.\(key)",
        "is \(wanted ?? 0), \(tensor) takes \(offered); correct it or leave it out")
    }
    return offered
  }

  /// The size that the resize gives: the model's, with sides exchanged where a quarter turn follows.
  private var sizeAfterResize: (width: Int, height: Int)? {
    guard let width = resize.width, let height = resize.height else { return nil }
    let isTurned =
      orient.when == .afterResize && (orient.rotate == .quarter || orient.rotate == .threeQuarters)
    return isTurned ? (height, width) : (width, height)
  }

  /// Runs the stages orient, crop, resize and color on a decoded picture.
  ///
  /// - Returns: 8-bit levels; where ``Resize/precision-swift.property`` is `.float` the levels of
  ///   ``floatImage(from:)``, rounded to be looked at.
  /// - Throws: ``PreprocessError`` where the recipe's sizes are open (see ``resolved(for:)``), where it
  ///   would make a picture above ``pixelLimit``, or where no resize is allowed and sizes differ.
  public func image(from picture: Picture) throws(PreprocessError) -> Image {
    if resize.precision == .float { return try floatImage(from: picture).rounded }
    return try processed(picture) { (image, width, height) throws(PreprocessError) in
      try image.resized(width: width, height: height, method: resize.method)
    } luma: {
      $0.luma(luma)
    }
  }

  /// The same with the resized levels left in float32, whatever ``Resize/precision-swift.property`` says.
  public func floatImage(from picture: Picture) throws(PreprocessError) -> FloatImage {
    try processed(picture) { (image, width, height) throws(PreprocessError) in
      try image.resizedToFloats(width: width, height: height, method: resize.method)
    } luma: {
      $0.luma(luma)
    }
  }

  private func processed<Level: ExpressibleByIntegerLiteral>(
    _ picture: Picture, resize: (Image, Int, Int) throws(PreprocessError) -> Raster<Level>,
    luma: (Raster<Level>) -> Raster<Level>
  ) throws(PreprocessError) -> Raster<Level> {
    guard let size = sizeAfterResize else {
      throw PreprocessError(
        .unsuitableRecipe, key: "resize",
        "width or height is open; write them into the recipe or give the model")
    }
    var image = orient.exif == .apply ? picture.upright : picture.image
    if color == .gray || color == .gray3 { image = image.luma(self.luma) }
    if orient.when == .beforeCrop { image = orient.turned(image) }
    image = try crop(image, for: size)
    var resized: Raster<Level>
    if crop.mode == .shortSide {
      let (width, height) = (image.width, image.height)
      let target = crop.shortSide ?? min(width, height)
      let stretched = target * max(width, height) / min(width, height)
      resized = try resize(
        image, width <= height ? target : stretched, width <= height ? stretched : target)
      resized = try centered(resized, size)
    } else {
      resized = try resize(image, size.width, size.height)
    }
    if orient.when == .afterResize { resized = orient.turned(resized) }
    if let order = color.order { return resized.channelsReordered(order) }
    if color == .grayAfterResize || color == .gray3AfterResize { resized = luma(resized) }
    return color.channels == 3 ? resized.tripled() : resized
  }

  /// The centre of a picture whose shorter side was resized, as torchvision's `CenterCrop`.
  private func centered<Level: ExpressibleByIntegerLiteral>(
    _ image: Raster<Level>, _ size: (width: Int, height: Int)
  ) throws(PreprocessError) -> Raster<Level> {
    func start(_ whole: Int, _ part: Int) -> Int {
      Int((Double(whole - part) / 2).rounded(.toNearestOrEven))
    }
    let fill = [Level](repeating: 0, count: image.channels)
    return try image.cropped(
      x: start(image.width, size.width), y: start(image.height, size.height),
      width: size.width, height: size.height, fill: fill)
  }

  /// The part that is resized; `short-side` crops afterwards.
  private func crop(
    _ image: Image, for size: (width: Int, height: Int)
  ) throws(PreprocessError) -> Image {
    let (width, height) = (image.width, image.height)
    let pad = image.channels == 1 ? [grayPad] : crop.pad ?? [0]
    func centered(_ w: Int, _ h: Int) throws(PreprocessError) -> Image {
      try image.cropped(
        x: (width - w) >> 1, y: (height - h) >> 1, width: w, height: h, pad: pad)
    }
    switch crop.mode {
    case .none: return image
    case .centerFraction:
      let side = ((crop.fraction ?? 1) * Double(min(width, height))).rounded(.toNearestOrEven)
      let pixels = max(1, min(min(width, height), Int(side)))
      return try centered(pixels, pixels)
    case .centerPixels: return try centered(crop.width ?? size.width, crop.height ?? size.height)
    case .letterbox:
      let aspect = Double(size.width) / Double(size.height)
      let canvasWidth = max(width, Int((Double(height) * aspect).rounded(.toNearestOrEven)))
      let canvasHeight = max(height, Int((Double(width) / aspect).rounded(.toNearestOrEven)))
      return try centered(canvasWidth, canvasHeight)
    case .shortSide: return image
    case .box:
      return try image.cropped(
        x: crop.x ?? 0, y: crop.y ?? 0, width: crop.width ?? width, height: crop.height ?? height,
        pad: pad)
    }
  }

  /// The luma of the pad colour.
  private var grayPad: UInt8 {
    guard let pad = crop.pad, pad.count == 3 else { return crop.pad?.first ?? 0 }
    return Image(1, 1, 3, pad).luma(luma).pixels[0]
  }

  /// Runs the stages layout and normalize.
  ///
  /// - Parameter image: What ``image(from:)`` gave.
  /// - Returns: One value a level, in the order of memory. Channels are normalised by what they are,
  ///   also where the layout then puts them in the wrong place.
  public func realValues(of image: Image) -> [Float] {
    let tables = (0..<image.channels).map { normalize.table(channel: $0) }
    return arranged(image, tables, 0)
  }

  /// The same of what ``floatImage(from:)`` gave.
  public func realValues(of image: FloatImage) -> [Float] {
    let reals = normalize.reals(of: image)
    guard layout != .nhwc else { return reals }
    let area = image.width * image.height
    return reals.indices.map { reals[$0 % area * image.channels + $0 / area] }
  }

  /// Every level looked up in its channel's table and put where the layout wants it.
  private func arranged<Value: BitwiseCopyable>(
    _ image: Image, _ tables: [[Value]], _ zero: Value
  ) -> [Value] {
    let channels = image.channels
    let area = image.width * image.height
    let table = Array(tables.joined())
    var result = [Value](repeating: zero, count: area * channels)
    let isInterleaved = layout == .nhwc
    // Indices are within bounds by construction: pixels has area × channels levels, each below 256.
    unsafe image.pixels.withUnsafeBufferPointer { pixels in
      unsafe table.withUnsafeBufferPointer { table in
        unsafe result.withUnsafeMutableBufferPointer { result in
          for channel in 0..<channels {
            var target = isInterleaved ? channel : channel * area
            let step = isInterleaved ? channels : 1
            var source = channel
            for _ in 0..<area {
              unsafe result[target] = table[channel &* 256 &+ Int(pixels[source])]
              target &+= step
              source &+= channels
            }
          }
        }
      }
    }
    return result
  }

  /// Runs the whole recipe: from a picture's bytes to the packed values of a model's input.
  ///
  /// - Parameters:
  ///   - encoded: The whole file.
  ///   - mediaType: What the bytes are, where known; a ``YUVFrame`` is recognised by it alone.
  ///   - file: What messages call it.
  ///   - input: The model's input; open sizes of the recipe are taken from it.
  public func prepare(
    _ encoded: RawSpan, mediaType: String? = nil, file: String, for input: TensorDescription
  ) throws(PreprocessError) -> PreparedInput {
    let recipe = try resolved(for: input)
    do {
      let picture = try Picture.decode(
        encoded, mediaType: mediaType, file: file, options: decode)
      if resize.precision == .float {
        let image = try recipe.floatImage(from: picture)
        let real = recipe.realValues(of: image)
        return PreparedInput(
          image: image.rounded, realValues: real,
          bytes: try input.storedBytes(for: real, quantize))
      }
      let image = try recipe.image(from: picture)
      let real = recipe.realValues(of: image)
      return PreparedInput(
        image: image, realValues: real, bytes: try recipe.bytes(of: image, real, for: input))
    } catch {
      var named = error
      named.file = error.file ?? file
      throw named
    }
  }

  /// The packed values; one-byte types are looked up by level instead of quantised value by value.
  private func bytes(
    of image: Image, _ real: [Float], for input: TensorDescription
  ) throws(PreprocessError) -> [UInt8] {
    guard input.elementType.bitWidth == 8, input.quantization?.isPerChannel != true,
      input.shape.elementCount == real.count
    else { return try input.storedBytes(for: real, quantize) }
    let levels = TensorDescription(
      name: input.name, elementType: input.elementType, shape: [256],
      quantization: input.quantization)
    var tables: [[UInt8]] = []
    for channel in 0..<image.channels {
      tables.append(try levels.storedBytes(for: normalize.table(channel: channel), quantize))
    }
    return arranged(image, tables, 0)
  }
}

extension Recipe.Orient {
  /// Turns and mirrors a picture; EXIF has been dealt with.
  fileprivate func turned<Level>(_ image: Raster<Level>) -> Raster<Level> {
    let turned = image.rotatedClockwise(quarterTurns: rotate.rawValue / 90)
    return switch flip {
    case .none: turned
    case .horizontal: turned.flippedHorizontally()
    case .vertical: turned.flippedVertically()
    }
  }
}
