extension Image {
  /// The picture at another size as float32 levels that are not rounded back to 8 bits.
  ///
  /// What the libraries give for a float32 picture: TensorFlow always, PyTorch and OpenCV for such
  /// inputs, Pillow in its mode F.
  ///
  /// - Throws: As ``resized(width:height:method:)``.
  public func resizedToFloats(
    width: Int, height: Int, method: Recipe.Resize.Method
  ) throws(PreprocessError) -> FloatImage {
    try checkResize(width: width, height: height)
    if width == self.width, height == self.height { return floats }
    if let filter = method.pillow {
      return PillowResampler.resize(floats, width, height, filter)
    }
    /// Both passes with the weights that a function gives for (input size, output size).
    func separable(_ kernel: (Int, Int) -> FloatKernel?) -> FloatImage {
      FloatResampler.resize(floats, kernel(self.width, width), kernel(self.height, height))
    }
    if let (filter, centers) = method.pyTorch {
      return separable { PyTorchResampler.kernel(from: $0, to: $1, filter, centers) }
    }
    switch method {
    case .none: throw noResize(width: width, height: height)
    case .bilinearTFHalfPixel: return TensorFlowResampler.bilinear(self, width, height, .halfPixel)
    case .bilinearTFAlignCorners:
      return TensorFlowResampler.bilinear(self, width, height, .alignCorners)
    case .bilinearTFLegacy: return TensorFlowResampler.bilinear(self, width, height, .legacy)
    case .bicubicTFHalfPixel: return TensorFlowResampler.bicubic(self, width, height)
    case .bilinearTFAntialias:
      return separable { TensorFlowResampler.antialiased(from: $0, to: $1, .triangle) }
    case .bicubicTFAntialias:
      return separable { TensorFlowResampler.antialiased(from: $0, to: $1, .keysCubic) }
    case .lanczos3TFAntialias:
      return separable { TensorFlowResampler.antialiased(from: $0, to: $1, .lanczos3) }
    case .areaTF: return separable { TensorFlowResampler.area(from: $0, to: $1) }
    case .bilinearOpenCV, .bilinearExactOpenCV:
      return separable { OpenCVResampler.linearKernel(from: $0, to: $1) }
    case .bicubicOpenCV:
      return separable { OpenCVResampler.wideKernel(from: $0, to: $1, .cubic) }
    case .lanczos4OpenCV:
      return separable { OpenCVResampler.wideKernel(from: $0, to: $1, .lanczos4) }
    case .areaOpenCV:
      let isEnlarging = width > self.width || height > self.height
      return separable {
        OpenCVResampler.areaKernel(from: $0, to: $1, isEnlarging: isEnlarging)
      }
    // Whole pixels; the rest has been dealt with.
    default: return try resized(width: width, height: height, method: method).floats
    }
  }
}

extension Recipe.Resize.Method {
  /// The filter of a method of Pillow's; nil for whole pixels and other libraries.
  fileprivate var pillow: PillowResampler.Filter? {
    switch self {
    case .boxPillow: .box
    case .bilinearPillow: .bilinear
    case .bicubicPillow: .bicubic
    case .lanczosPillow: .lanczos
    default: nil
    }
  }

  /// The filter and the centres of a method of PyTorch's.
  var pyTorch: (PyTorchResampler.Filter, PyTorchResampler.Centers)? {
    switch self {
    case .bilinearPyTorch: (.bilinear, .halfPixel)
    case .bicubicPyTorch: (.bicubic, .halfPixel)
    case .bilinearPyTorchAlignCorners: (.bilinear, .alignCorners)
    case .bicubicPyTorchAlignCorners: (.bicubic, .alignCorners)
    case .bilinearPyTorchAntialias: (.bilinear, .antialias)
    case .bicubicPyTorchAntialias: (.bicubic, .antialias)
    default: nil
    }
  }
}
