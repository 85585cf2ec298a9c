import EXrayCore
import EXrayJSON
public import EXrayTrace
import Foundation

/// Writes parts of a trace in formats of other programs.
///
/// Values are read in place and written piece by piece; memory does not grow with the trace. Every file is
/// written under a temporary name and renamed.
public struct TraceExport {
  /// What an export came to.
  public struct Summary: Sendable, Hashable {
    /// The files written, or the one archive.
    public var files: [String] = []
    /// Arrays or events written.
    public var count = 0
    /// Tensors that the format cannot hold, and why.
    public var skipped: [String] = []
  }

  let trace: TraceReader
  let selection: TraceSelection
  /// The positions of the frames meant.
  let frames: [Int]
  /// Called with what is done and how much there is.
  let progress: (Int, Int) -> Void

  /// Chooses what to export.
  ///
  /// - Throws: ``ExchangeError`` `.nothingChosen` where no frame is meant.
  public init(
    _ trace: TraceReader, selection: TraceSelection = TraceSelection(),
    progress: @escaping (Int, Int) -> Void = { _, _ in }
  ) throws(ExchangeError) {
    self.trace = trace
    self.selection = selection
    self.progress = progress
    frames = selection.framePositions(trace)
    guard !frames.isEmpty || trace.frames.isEmpty else {
      throw ExchangeError(
        .nothingChosen, path: trace.path,
        "has none of the frames asked for; it has \(trace.frames.count) frames, from"
          + " \(trace.frames.first?.index ?? 0) to \(trace.frames.last?.index ?? 0)")
    }
  }

  /// Writes one `.npy` file a tensor into a folder, and `index.json`.
  public func writeNPY(toFolder folder: String) throws -> Summary {
    try Self.makeFolder(folder)
    var summary = Summary()
    var names = ExportNames()
    let arrays = try arrays(&summary, widensBFloat16: true) { $0.npyHeader != nil }
    let keys = arrays.map { names.file(trace.tensors[$0.stream]) + ".npy" }
    var steps = Steps(arrays, progress)
    for (array, key) in zip(arrays, keys) {
      var file = try OutputFile(path: folder + "/" + key)
      try file.write(array.npyHeader ?? [])
      try Self.write(array, of: trace, to: &file, &steps)
      try file.finish()
      summary.files.append(key)
    }
    var index = try OutputFile(path: folder + "/index.json")
    try index.write(self.index(arrays, keys) + "\n")
    try index.finish()
    summary.files.append("index.json")
    summary.count = arrays.count
    return summary
  }

  /// Writes one `.npz` archive, with `index.json` as a member.
  public func writeNPZ(to path: String) throws -> Summary {
    var summary = Summary(files: [path])
    var names = ExportNames(reserved: ["index.json"])
    let arrays = try arrays(&summary, widensBFloat16: true) { $0.npyHeader != nil }
    let keys = arrays.map { names.archived(trace.tensors[$0.stream]) }
    var steps = Steps(arrays, progress, passes: 2)
    var archive = try ZipFile(path: path)
    for (array, key) in zip(arrays, keys) {
      let header = array.npyHeader ?? []
      try archive.add(
        name: key + ".npy", byteCount: array.byteCount + UInt64(header.count)
      ) { body in
        unsafe try body(header.span.bytes)
        try array.forEachPiece(in: trace) { piece in
          try body(piece)
          steps.advance()
        }
      }
    }
    let index = Array(index(arrays, keys).utf8)
    try archive.add(name: "index.json", byteCount: UInt64(index.count)) { body in
      unsafe try body(index.span.bytes)
    }
    try archive.finish()
    summary.count = arrays.count
    return summary
  }

  /// Writes one `.safetensors` file; its metadata holds what `index.json` does elsewhere.
  ///
  /// Source: Hugging Face, safetensors, README.md, "Format".
  public func writeSafetensors(to path: String) throws -> Summary {
    var summary = Summary(files: [path])
    var names = ExportNames(reserved: ["__metadata__"])
    // Wide elements first: no tensor then needs padding, which the format does not allow.
    let arrays = try arrays(&summary, widensBFloat16: false) { $0.safetensorsType != nil }
      .enumerated().sorted {
        ($1.element.elementType.bitWidth ?? 0, $0.offset)
          < ($0.element.elementType.bitWidth ?? 0, $1.offset)
      }.map(\.element)
    let keys = arrays.map { names.plain(trace.tensors[$0.stream]) }
    var header = #"{"__metadata__":{"exray.index":\#(quoted(index(arrays, keys)))}"#
    var offset: UInt64 = 0
    for (array, key) in zip(arrays, keys) {
      let extents = array.dimensions.map(String.init).joined(separator: ",")
      header +=
        #",\#(quoted(key)):{"dtype":"\#(array.safetensorsType ?? "")","shape":[\#(extents)]"#
        + #","data_offsets":[\#(offset),\#(offset + array.byteCount)]}"#
      offset += array.byteCount
    }
    header += "}"
    header += String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
    let length = UInt64(header.utf8.count)
    var steps = Steps(arrays, progress)
    var file = try OutputFile(path: path)
    try file.write((0..<8).map { UInt8(truncatingIfNeeded: length >> ($0 * 8)) })
    try file.write(header)
    for array in arrays { try Self.write(array, of: trace, to: &file, &steps) }
    try file.finish()
    summary.count = arrays.count
    return summary
  }

  private static func write(
    _ array: ExportedArray, of trace: TraceReader, to file: inout OutputFile, _ steps: inout Steps
  ) throws {
    try array.forEachPiece(in: trace) { piece in
      try file.write(piece)
      steps.advance()
    }
  }

  /// The chosen tensors of which frames hold values, and that the format has a type for.
  private func arrays(
    _ summary: inout Summary, widensBFloat16: Bool, _ fits: (ExportedArray) -> Bool
  ) throws -> [ExportedArray] {
    var arrays: [ExportedArray] = []
    for stream in try selection.tensorPositions(trace) {
      let tensor = trace.tensors[stream]
      var places: [ExportedArray.Place] = []
      if !trace.isSketched(stream) {
        for frame in frames {
          for repetition in 0..<(try trace.count(ofTensor: stream, frame: frame)) {
            places.append(ExportedArray.Place(frame: frame, repetition: repetition))
          }
        }
      }
      if places.isEmpty {
        summary.skipped.append(
          "\(tensor.topic) \(tensor.description.name): "
            + (trace.isSketched(stream) ? "sketches only" : "no values in these frames"))
        continue
      }
      let array = ExportedArray(
        trace, stream: stream, places: places, widensBFloat16: widensBFloat16)
      if let array, fits(array) {
        arrays.append(array)
      } else {
        summary.skipped.append(
          "\(tensor.topic) \(tensor.description.name): the format has no type for"
            + " \(tensor.description.elementType.rawValue)")
      }
    }
    guard !arrays.isEmpty else {
      throw ExchangeError(
        .nothingChosen, path: trace.path,
        "nothing to write: \(summary.skipped.first ?? "the trace has no tensors"); choose other tensors"
          + " or frames, or record with --capture io or layers")
    }
    return arrays
  }

  /// What each array is, as JSON.
  private func index(_ arrays: [ExportedArray], _ keys: [String]) -> String {
    func list(_ positions: [Int]) -> String {
      "[" + positions.map { String(trace.frames[$0].index) }.joined(separator: ",") + "]"
    }
    let items = zip(arrays, keys).map { array, key in
      let tensor = trace.tensors[array.stream]
      let extents = tensor.description.shape.dimensions.map(String.init).joined(separator: ",")
      var text =
        #"{"key":\#(quoted(key)),"topic":"\#(tensor.topic)","name":\#(quoted(tensor.description.name))"#
        + #","elementType":"\#(tensor.description.elementType.rawValue)""#
        + #","storedAs":"\#(array.elementType.rawValue)","shape":[\#(extents)]"#
      let having = array.places.map(\.frame)
      if having != frames { text += #","frames":\#(list(having))"# }
      return text + "}"
    }
    return #"{"model":\#(quoted(trace.run.model)),"frames":\#(list(frames)),"tensors":["#
      + items.joined(separator: ",") + "]}"
  }

  func quoted(_ text: String) -> String { JSONTree.quoted(text) }

  static func makeFolder(_ folder: String) throws(ExchangeError) {
    do {
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw ExchangeError(
        .unwritable, path: folder,
        "the folder cannot be made: \(error.localizedDescription); check the path and its permissions"
      )
    }
  }

  /// Reports one value after another.
  struct Steps {
    private var done = 0
    private let total: Int
    private let progress: (Int, Int) -> Void

    init(_ arrays: [ExportedArray], _ progress: @escaping (Int, Int) -> Void, passes: Int = 1) {
      total = arrays.reduce(0) { $0 + $1.places.count * passes }
      self.progress = progress
    }

    mutating func advance() {
      done += 1
      progress(done, total)
    }
  }
}
