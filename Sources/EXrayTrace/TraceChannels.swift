import MCAP

/// Which channel of a container carries what, checked.
struct TraceChannels {
  struct Tensor: Hashable {
    var stream: TensorStream
    var isSketched: Bool
  }

  private(set) var tensors: [Tensor] = []
  private(set) var tensorChannels: [UInt16] = []
  private(set) var streams: [TraceLayout.Stream: UInt16] = [:]

  /// Reads the channels in the order of their numbers; topics that this version does not know are left alone.
  init(_ container: MCAP.Reader) throws(TraceError) {
    let profile = container.header.profile
    guard profile == TraceLayout.profile else {
      throw TraceError(
        .notATrace, path: container.path,
        "an MCAP file of profile \"\(profile.prefix(40))\", not \"\(TraceLayout.profile)\";"
          + " give a file that exray run or an app's monitor wrote")
    }
    var known: Set<Tensor> = []
    for channel in container.channels {
      do throws(Fault) {
        switch channel.messageEncoding {
        case TraceLayout.tensorEncoding, TraceLayout.sketchEncoding:
          let tensor = Tensor(
            stream: try TensorStream(entries: channel.metadata),
            isSketched: channel.messageEncoding == TraceLayout.sketchEncoding)
          guard tensor.stream.topic == channel.topic else {
            throw Fault("says it is \(tensor.stream.topic)")
          }
          guard known.insert(tensor).inserted else {
            throw Fault("has a topic and a description that another channel has")
          }
          tensors.append(tensor)
          tensorChannels.append(channel.id)
        default:
          guard let stream = try Self.stream(of: channel, container) else { continue }
          guard streams.updateValue(channel.id, forKey: stream) == nil else {
            throw Fault("has a topic that another channel has")
          }
        }
      } catch {
        throw TraceError(
          .invalidChannel, path: container.path,
          "channel \(channel.id) \(channel.topic.prefix(80)) \(error.text); record the trace anew")
      }
    }
    if container.isComplete, streams[.frames] == nil {
      throw TraceError(
        .invalidChannel, path: container.path,
        "there is no channel \(TraceLayout.Stream.frames.topic); record the trace anew")
    }
  }

  /// The stream that a channel carries, or nil where its topic is of another kind.
  private static func stream(
    of channel: Channel, _ container: MCAP.Reader
  ) throws(Fault) -> TraceLayout.Stream? {
    let candidates = TraceLayout.Stream.allCases.filter { $0.topic == channel.topic }
    guard !candidates.isEmpty else { return nil }
    guard let stream = candidates.first(where: { $0.encoding == channel.messageEncoding }) else {
      throw Fault(
        "is encoded as \(channel.messageEncoding.prefix(40)), not as "
          + candidates.map(\.encoding).joined(separator: " or "))
    }
    if let message = stream.message {
      let schema = container.schemas[channel.schemaID]?.name ?? ""
      guard schema == message.fullName else {
        throw Fault("has the schema \"\(schema.prefix(40))\", not \(message.fullName)")
      }
    }
    return stream
  }

  /// Reads the run description; the last of several counts.
  static func run(_ container: MCAP.Reader) throws(TraceError) -> RunDescription {
    let places = container.metadataIndexes.filter { $0.name == TraceLayout.runMetadata }
    guard let place = places.max(by: { $0.offset < $1.offset }) else {
      throw TraceError(
        .invalidRun, path: container.path,
        "no description of the run (metadata \(TraceLayout.runMetadata)); record the trace anew")
    }
    let metadata: Metadata
    do throws(MCAPError) {
      metadata = try container.metadata(at: place)
    } catch {
      throw TraceError(error, path: container.path)
    }
    do throws(Fault) {
      return try RunDescription(entries: metadata.entries)
    } catch {
      throw TraceError(
        .invalidRun, path: container.path, at: place.offset,
        "the description of the run \(error.text); record the trace anew")
    }
  }
}
