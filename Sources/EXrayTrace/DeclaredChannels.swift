import EXrayCore
import MCAP

/// The channels that a writer has declared so far.
struct DeclaredChannels {
  struct Tensor {
    var stream: TensorStream
    var isSketched: Bool
    var channelID: UInt16
    /// Which of the topics it has; several descriptions of one tensor share theirs.
    var topic: Int
    var byteCount: Int?
  }

  private(set) var tensors: [Tensor] = []
  private var topics: [String: Int] = [:]
  private var streams: [UInt16?]
  private let path: String

  init(path: String) {
    self.path = path
    streams = [UInt16?](repeating: nil, count: TraceLayout.Stream.allCases.count)
  }

  /// Declares a tensor and gives its position.
  mutating func add(
    _ stream: TensorStream, isSketched: Bool, to container: inout MCAP.Writer
  ) throws(TraceError) -> Int {
    let name = stream.topic
    do throws(Fault) {
      try stream.check()
    } catch {
      throw TraceError(
        .invalidArgument, path: path,
        "tensor \(name) \(stream.description.name) \(error.text); correct its description")
    }
    if topics[name] != nil,
      tensors.contains(where: { $0.stream == stream && $0.isSketched == isSketched })
    {
      throw TraceError(
        .invalidArgument, path: path,
        "two tensors are \(name); give each its own index within its role")
    }
    let channelID: UInt16
    do throws(MCAPError) {
      channelID = try container.addChannel(
        topic: name,
        messageEncoding: isSketched ? TraceLayout.sketchEncoding : TraceLayout.tensorEncoding,
        metadata: stream.entries)
    } catch {
      throw TraceError(error, path: path)
    }
    let topic = topics[name] ?? topics.count
    topics[name] = topic
    tensors.append(
      Tensor(
        stream: stream, isSketched: isSketched, channelID: channelID, topic: topic,
        byteCount: stream.description.byteCount))
    return tensors.count - 1
  }

  /// The number of a stream's channel, which is declared when it is first needed.
  mutating func channel(
    of stream: TraceLayout.Stream, in container: inout MCAP.Writer
  ) throws(TraceError) -> UInt16 {
    if let known = streams[stream.rawValue] { return known }
    do throws(MCAPError) {
      var schema: UInt16 = 0
      if let (name, encoding, data) = stream.schema {
        schema = try container.addSchema(name: name, encoding: encoding, data: data)
      }
      let channelID = try container.addChannel(
        topic: stream.topic, messageEncoding: stream.encoding, metadata: stream.metadata,
        schemaID: schema)
      streams[stream.rawValue] = channelID
      return channelID
    } catch {
      throw TraceError(error, path: path)
    }
  }
}
