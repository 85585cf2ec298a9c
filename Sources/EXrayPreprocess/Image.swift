import CImageCodecs

extension Image {
  /// The picture as a PNG file; equal pictures give equal files.
  ///
  /// - Throws: ``PreprocessError`` `.unsuitablePicture` for other than 1 or 3 channels.
  public func png() throws(PreprocessError) -> [UInt8] {
    guard channels == 1 || channels == 3 else {
      throw PreprocessError(
        .unsuitablePicture, "a PNG has 1 or 3 channels here, the picture \(channels); select some")
    }
    return try Codecs.encodePNG(self)
  }

  /// A rectangle of the picture; what lies outside it has the levels `pad`, or 0.
  ///
  /// - Throws: ``PreprocessError`` `.tooLarge` for an empty rectangle or one above ``pixelLimit``.
  public func cropped(
    x: Int, y: Int, width: Int, height: Int, pad: [UInt8] = []
  ) throws(PreprocessError) -> Image {
    let fill = (0..<channels).map { $0 < pad.count ? pad[$0] : pad.last ?? 0 }
    return try cropped(x: x, y: y, width: width, height: height, fill: fill)
  }

  /// The picture at another size.
  ///
  /// - Throws: ``PreprocessError`` `.tooLarge` for a size of 0 or above ``pixelLimit``, and
  ///   `.unsuitablePicture` where `method` is `.none` and the size differs.
  public func resized(
    width: Int, height: Int, method: Recipe.Resize.Method
  ) throws(PreprocessError) -> Image {
    try checkResize(width: width, height: height)
    if width == self.width, height == self.height { return self }
    switch method {
    case .none:
      throw noResize(width: width, height: height)
    case .nearestPillow: return nearest(PillowResampler.nearest, width, height)
    case .bilinearPillow: return PillowResampler.resize(self, width, height, .bilinear)
    case .bicubicPillow: return PillowResampler.resize(self, width, height, .bicubic)
    case .boxPillow: return PillowResampler.resize(self, width, height, .box)
    case .lanczosPillow: return PillowResampler.resize(self, width, height, .lanczos)
    case .nearestOpenCV: return nearest(OpenCVResampler.nearest, width, height)
    case .bilinearOpenCV: return OpenCVResampler.bilinear(self, width, height)
    case .areaOpenCV: return OpenCVResampler.area(self, width, height)
    case .nearestTFHalfPixel: return nearest(TensorFlowResampler.nearest, width, height)
    // OpenCV 5 chooses the same pixels as Pillow.
    case .nearestExactOpenCV: return nearest(PillowResampler.nearest, width, height)
    case .bilinearExactOpenCV: return OpenCVResampler.bilinearExact(self, width, height)
    case .bicubicOpenCV: return OpenCVResampler.resize(self, width, height, .cubic)
    case .lanczos4OpenCV: return OpenCVResampler.resize(self, width, height, .lanczos4)
    case .bilinearPyTorch, .bicubicPyTorch, .bilinearPyTorchAlignCorners,
      .bicubicPyTorchAlignCorners, .bilinearPyTorchAntialias, .bicubicPyTorchAntialias:
      guard let (filter, centers) = method.pyTorch else { return self }
      return PyTorchResampler.resize(self, width, height, filter, centers)
    case .bilinearTFHalfPixel, .bilinearTFAlignCorners, .bilinearTFLegacy, .bicubicTFHalfPixel,
      .bilinearTFAntialias, .bicubicTFAntialias, .lanczos3TFAntialias, .areaTF:
      return try resizedToFloats(width: width, height: height, method: method).rounded
    }
  }
}

extension Image {
  /// Refuses sizes that take too much memory.
  func checkResize(width: Int, height: Int) throws(PreprocessError) {
    // Rows are resized first, so the picture between the two passes must be within bounds as well.
    guard isWithinPixelLimit(width: width, height: height),
      isWithinPixelLimit(width: width, height: self.height)
    else {
      throw PreprocessError(
        .tooLarge, key: "resize",
        "would take \(self.width)×\(self.height) pixels to \(width)×\(height), with more than "
          + "\(pixelLimit) on the way; choose a smaller size")
    }
  }

  /// The refusal of a resize where the recipe allows none.
  func noResize(width: Int, height: Int) -> PreprocessError {
    PreprocessError(
      .unsuitablePicture, key: "resize.method",
      "is \"none\", and the picture is \(self.width)×\(self.height) where \(width)×\(height) is "
        + "wanted; name an interpolation, or crop to the size")
  }
}

// MARK: Colour

extension Image {
  /// The luma of a colour picture, one channel, with a library's arithmetic.
  ///
  /// The weights are those of ITU-R BT.601; see ``Recipe/Luma``. A picture without three channels is
  /// returned as it is.
  public func luma(_ formula: Recipe.Luma = .pillow) -> Image {
    guard channels == 3 else { return self }
    var result = [UInt8](repeating: 0, count: width * height)
    for index in result.indices {
      let (r, g, b) = (pixels[3 * index], pixels[3 * index + 1], pixels[3 * index + 2])
      switch formula {
      case .pillow:
        let sum = UInt32(r) &* 19595 &+ UInt32(g) &* 38470 &+ UInt32(b) &* 7471 &+ 0x8000
        result[index] = UInt8(truncatingIfNeeded: sum >> 16)
      case .openCV:
        let sum = UInt32(r) &* 9798 &+ UInt32(g) &* 19235 &+ UInt32(b) &* 3735 &+ 0x4000
        result[index] = UInt8(truncatingIfNeeded: sum >> 15)
      case .tensorFlow:
        let unit: Float = 1 / 255
        let sum =
          Float(r) * unit * 0.2989 + Float(g) * unit * 0.5870 + Float(b) * unit * 0.1140
        result[index] = UInt8(max(0, min(255, (sum * 255.5).rounded(.towardZero))))
      }
    }
    return Image(width, height, 1, result)
  }
}

extension FloatImage {
  /// The luma of a colour picture, one channel, in float32; see ``Recipe/Luma``.
  public func luma(_ formula: Recipe.Luma = .pillow) -> FloatImage {
    guard channels == 3 else { return self }
    let red: Float = formula == .tensorFlow ? 0.2989 : 0.299
    return FloatImage(
      width, height, 1,
      (0..<(width * height)).map { index in
        pixels[3 * index] * red + pixels[3 * index + 1] * 0.587 + pixels[3 * index + 2] * 0.114
      })
  }
}
