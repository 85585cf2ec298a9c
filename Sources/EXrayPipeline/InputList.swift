import EXrayCore
import EXrayPreprocess
import EXrayTrace
import Foundation
import MCAPCompression

/// The frames that a job runs over, found from the paths a user gave.
public struct InputList: Sendable {
  /// One frame, not yet read.
  public struct Item: Sendable {
    enum Source: Sendable {
      case picture(path: String)
      case sample(file: Int, index: Int)
      case traceFrame(file: Int, index: Int)
    }

    /// The frame's name: a file name, `array.npy[3]`, or the name in the trace.
    public var name: String
    var source: Source
  }

  /// The frames, folders in the order of their file names.
  public private(set) var items: [Item] = []
  private var arrays: [(path: String, file: NPYFile)] = []
  private var traces: [TraceReader] = []

  private static let pictureExtensions: Set<String> = ["jpg", "jpeg", "png"]
  /// Samples of one array; a sparse file of no size on disk can claim billions.
  static let sampleLimit = 1_000_000

  /// Bytes of one picture's file: more than ``pixelLimit`` pixels of 16-bit colour with alpha take.
  static let pictureByteLimit = 1 << 30

  /// Where the user named the paths, for messages.
  private let option: String

  /// Finds the frames.
  ///
  /// - Parameters:
  ///   - paths: Pictures, folders of pictures, `.npy` arrays `[N, …]`, or traces with raw inputs.
  ///   - option: Where the user named them, for messages.
  public init(paths: [String], option: String = "--input") throws {
    self.option = option
    for path in paths {
      var isFolder: ObjCBool = false
      guard unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
        throw PipelineError(.unreadable, "\(path): no such file or folder; check \(option)")
      }
      if isFolder.boolValue {
        try addFolder(path)
      } else {
        try addFile(path)
      }
    }
    guard !items.isEmpty else {
      throw PipelineError(
        .unsuitableInput,
        "\(paths.joined(separator: ", ")): no frames in there; give pictures, .npy arrays or a trace with frames"
      )
    }
  }

  private mutating func addFolder(_ path: String) throws {
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else {
      throw PipelineError(.unreadable, "\(path): cannot be listed; check its permissions")
    }
    let pictures = names.filter {
      Self.pictureExtensions.contains(Self.fileExtension($0)) && !$0.hasPrefix(".")
    }
    guard !pictures.isEmpty else {
      throw PipelineError(
        .unsuitableInput, "\(path): no .jpg, .jpeg or .png in this folder; check \(option)")
    }
    let folder = path.hasSuffix("/") ? path : path + "/"
    for name in pictures.sorted() {
      items.append(Item(name: name, source: .picture(path: folder + name)))
    }
  }

  private mutating func addFile(_ path: String) throws {
    let name = URL(filePath: path).lastPathComponent
    switch Self.fileExtension(path) {
    case "npy":
      let file = try NPYFile(bytes: FileAccess.bytes(path), file: path)
      // Without this, a few bytes could claim 10¹⁸ samples of no values each.
      guard !file.bytes.isEmpty else {
        throw PipelineError(
          .unsuitableInput,
          "\(path): an array of shape \(file.shape) holds no values; save the array as [N, …] with one sample a row"
        )
      }
      guard file.sampleCount <= Self.sampleLimit else {
        throw PipelineError(
          .unsuitableInput,
          "\(path): an array of shape \(file.shape) holds more than \(Self.sampleLimit) samples; save it as [N, …] with one sample a row, or in parts"
        )
      }
      for index in 0..<file.sampleCount {
        items.append(
          Item(name: "\(name)[\(index)]", source: .sample(file: arrays.count, index: index)))
      }
      arrays.append((path, file))
    case "mcap":
      let trace = try TraceReader(path: path, codecs: .standard)
      for (index, frame) in trace.frames.enumerated() {
        items.append(Item(name: frame.name, source: .traceFrame(file: traces.count, index: index)))
      }
      traces.append(trace)
    default: items.append(Item(name: name, source: .picture(path: path)))
    }
  }

  /// What follows the last dot of a file name, in lower case; URL would take 50 µs a name.
  private static func fileExtension(_ path: String) -> String {
    let name = path.split(separator: "/").last ?? ""
    guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return "" }
    return name[name.index(after: dot)...].lowercased()
  }

  /// Where a frame comes from, for messages.
  func place(of item: Item) -> String {
    switch item.source {
    case .picture(let path): path
    case .sample(let file, let index): "\(arrays[file].path)[\(index)]"
    case .traceFrame(let file, _): "\(traces[file].path): \(item.name)"
    }
  }

  /// Reads the raw input of one frame.
  func raw(_ item: Item) throws -> RawInput {
    switch item.source {
    case .picture(let path):
      return RawInput(
        mediaType: Self.fileExtension(path) == "png" ? "image/png" : "image/jpeg",
        name: item.name, bytes: try FileAccess.bytes(path, limit: Self.pictureByteLimit))
    case .sample(let file, let index):
      return RawInput(
        mediaType: Self.arrayType, name: item.name,
        bytes: try arrays[file].file.encodedSample(index))
    case .traceFrame(let file, let index):
      guard let raw = try traces[file].rawInput(frame: index) else {
        throw PipelineError(
          .unsuitableInput,
          "\(traces[file].path): frame \(item.name) has no raw input; log it with --capture io or layers"
        )
      }
      return raw
    }
  }

  /// The class that a trace recorded with the frame, if the frame comes from one.
  func recordedLabel(_ item: Item) -> Int? {
    guard case .traceFrame(let file, let index) = item.source else { return nil }
    return traces[file].frames[index].label.flatMap { Labels.number($0) }
  }

  /// Media type of one sample of a NumPy array.
  static let arrayType = "application/x-npy"
}
