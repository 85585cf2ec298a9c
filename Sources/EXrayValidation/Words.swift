import EXrayCore

/// Numbers as findings spell them.
package enum Words {
  package static func percent(_ fraction: Double) -> String { short(fraction * 100) + " %" }
  package static func short(_ value: Double) -> String { decimal(Float(value), significant: 3) }
}

extension Judge {
  func frames(_ count: Int) -> String { count == 1 ? "1 frame" : "\(count) frames" }
  func percent(_ fraction: Double) -> String { Words.percent(fraction) }
  func levels(_ value: Double) -> String { "\(short(value)) levels" }
  func short(_ value: Double) -> String { Words.short(value) }
  func round(_ value: Double) -> Double { (value * 100).rounded() / 100 }
}
