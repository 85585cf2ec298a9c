import MCAP

/// Which channel of a container carries what, checked.
struct TraceChannels {
  private(set) var tensors: [TensorStream] = []
  private(set) var tensorChannels: [UInt16] = []
  private(set) var streams: [TraceLayout.Stream: UInt16] = [:]

  /// Reads the channels in the order of their numbers; topics that this version does not know are left alone.
  init(_ container: MCAP.Reader) throws(TraceError) {
    let profile = container.header.profile
    guard profile == TraceLayout.profile else {
      throw TraceError(
        .notATrace, path: container.path,
        "an MCAP file of profile \"\(profile.prefix(40))\", not \"\(TraceLayout.profile)\";"
          + " give a file that exray run wrote")
    }
    var topics: Set<String> = []
    for channel in container.channels {
      let stream = TraceLayout.Stream.allCases.first { $0.topic == channel.topic }
      let isTensor = channel.messageEncoding == TraceLayout.tensorEncoding
      guard isTensor || stream != nil else { continue }
      do throws(Fault) {
        guard topics.insert(channel.topic).inserted else {
          throw Fault("has a topic that another channel has")
        }
        if isTensor {
          let tensor = try TensorStream(entries: channel.metadata)
          guard tensor.topic == channel.topic else {
            throw Fault("says it is \(tensor.topic)")
          }
          tensors.append(tensor)
          tensorChannels.append(channel.id)
        } else if let stream {
          guard channel.messageEncoding == stream.encoding else {
            throw Fault(
              "is encoded as \(channel.messageEncoding.prefix(40)), not as \(stream.encoding)")
          }
          streams[stream] = channel.id
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

  /// Reads the run description, of which there must be one.
  static func run(_ container: MCAP.Reader) throws(TraceError) -> RunDescription {
    let places = container.metadataIndexes.filter { $0.name == TraceLayout.runMetadata }
    guard let place = places.first, places.count == 1 else {
      throw TraceError(
        .invalidRun, path: container.path, at: places.last?.offset,
        "\(places.count) descriptions of the run (metadata \(TraceLayout.runMetadata)), one is needed;"
          + " record the trace anew")
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
