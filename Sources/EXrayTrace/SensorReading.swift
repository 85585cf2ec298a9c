/// What a sensor of the device said.
public enum SensorReading: Hashable, Sendable {
  /// How the device is held, as a unit quaternion.
  case orientation(x: Double, y: Double, z: Double, w: Double)
  /// Acceleration with gravity, in m/s².
  case accelerometer(x: Double, y: Double, z: Double)
  /// Turning rate, in rad/s.
  case gyroscope(x: Double, y: Double, z: Double)
  /// Illuminance, in lux.
  case light(Double)
  /// Temperature, in °C.
  case temperature(Double)

  /// Makes a reading from its components, in the order of ``components``.
  ///
  /// - Returns: Nil where no sensor is of this kind or it has another number of components.
  public init?(kind: String, components: [Double]) {
    guard let kind = SensorKind(rawValue: kind), components.count == kind.componentNames.count
    else { return nil }
    self =
      switch kind {
      case .orientation:
        .orientation(x: components[0], y: components[1], z: components[2], w: components[3])
      case .accelerometer: .accelerometer(x: components[0], y: components[1], z: components[2])
      case .gyroscope: .gyroscope(x: components[0], y: components[1], z: components[2])
      case .light: .light(components[0])
      case .temperature: .temperature(components[0])
      }
  }

  /// The kinds of sensors, as ``kind`` spells them.
  public static var kinds: [String] { SensorKind.allCases.map(\.rawValue) }

  /// The sensor's kind, as the last part of its topic: `orientation`, `accelerometer`, `gyroscope`, `light` or
  /// `temperature`.
  public var kind: String { sensor.rawValue }

  /// The unit of all components; empty for a quaternion's.
  public var unit: String { sensor.unit }

  /// The components by their names.
  public var components: [(name: String, value: Double)] {
    let values: [Double] =
      switch self {
      case .orientation(let x, let y, let z, let w): [x, y, z, w]
      case .accelerometer(let x, let y, let z), .gyroscope(let x, let y, let z): [x, y, z]
      case .light(let value), .temperature(let value): [value]
      }
    return zip(sensor.componentNames, values).map { (name: $0, value: $1) }
  }

  var sensor: SensorKind {
    switch self {
    case .orientation: .orientation
    case .accelerometer: .accelerometer
    case .gyroscope: .gyroscope
    case .light: .light
    case .temperature: .temperature
    }
  }
}

/// A kind of sensor, as its topic names it.
enum SensorKind: String, CaseIterable {
  case orientation, accelerometer, gyroscope, light, temperature

  var unit: String {
    switch self {
    case .orientation: ""
    case .accelerometer: "m/s²"
    case .gyroscope: "rad/s"
    case .light: "lx"
    case .temperature: "°C"
    }
  }

  var componentNames: [String] {
    switch self {
    case .orientation: ["x", "y", "z", "w"]
    case .accelerometer, .gyroscope: ["x", "y", "z"]
    case .light: ["lux"]
    case .temperature: ["celsius"]
    }
  }
}
