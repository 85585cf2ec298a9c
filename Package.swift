// swift-tools-version: 6.3
import PackageDescription

/// The settings that every Swift target shares; applied in the loop at the end, so that no target drifts.
let house: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .enableUpcomingFeature("InferIsolatedConformances"),
  .enableExperimentalFeature("Lifetimes"),
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
]

let package = Package(
  name: "exray",
  platforms: [.macOS(.v15), .iOS(.v18)],
  products: [
    .library(name: "EXrayCore", targets: ["EXrayCore"]),
    .library(name: "MCAP", targets: ["MCAP"]),
    .library(name: "EXrayPipeline", targets: ["EXrayPipeline"]),
    .executable(name: "exray", targets: ["exray"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
  ],
  targets: [
    // What an app links.
    .target(name: "EXrayCore"),
    // JSON with byte offsets.
    .target(name: "EXrayJSON"),
    // The container, and EXray's trace on it.
    .target(name: "MCAP"),
    .target(name: "EXrayTrace", dependencies: ["EXrayCore", "EXrayJSON", "MCAP"]),
    // Models, recipes, runtimes.
    .target(name: "EXrayModel", dependencies: ["EXrayCore"]),
    .target(
      name: "CImageCodecs",
      linkerSettings: [.linkedLibrary("turbojpeg"), .linkedLibrary("png16")]),
    .target(name: "EXrayPreprocess", dependencies: ["EXrayCore", "EXrayJSON", "CImageCodecs"]),
    .target(
      name: "CHost", linkerSettings: [.linkedLibrary("dl", .when(platforms: [.linux]))]),
    .target(name: "EXrayRuntime", dependencies: ["EXrayCore", "CHost"]),
    .target(
      name: "CLiteRT", linkerSettings: [.linkedLibrary("dl", .when(platforms: [.linux]))]),
    .target(name: "EXrayLiteRT", dependencies: ["EXrayCore", "EXrayRuntime", "EXrayModel", "CLiteRT"]),
    // Comparison, causes, reports.
    .target(name: "EXrayValidation", dependencies: ["EXrayCore", "EXrayModel", "EXrayPreprocess"]),
    .target(
      name: "EXrayPipeline",
      dependencies: [
        "EXrayCore", "EXrayTrace", "EXrayModel", "EXrayPreprocess", "EXrayRuntime", "EXrayValidation",
      ]),
    .target(name: "EXrayReport", dependencies: ["EXrayCore", "EXrayJSON", "EXrayValidation"]),
    .target(name: "EXrayTestKit", dependencies: ["EXrayCore", "EXrayRuntime"]),
    .executableTarget(
      name: "exray",
      dependencies: [
        "EXrayCore", "MCAP", "EXrayTrace", "EXrayModel", "EXrayPreprocess", "EXrayRuntime",
        "EXrayLiteRT", "EXrayValidation", "EXrayPipeline", "EXrayReport",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    .testTarget(name: "EXrayCoreTests", dependencies: ["EXrayCore", "EXrayTestKit"]),
    .testTarget(name: "EXrayJSONTests", dependencies: ["EXrayJSON", "EXrayTestKit"]),
    .testTarget(name: "MCAPTests", dependencies: ["MCAP", "EXrayTestKit"]),
    .testTarget(name: "EXrayTraceTests", dependencies: ["EXrayTrace", "EXrayTestKit"]),
    .testTarget(name: "EXrayModelTests", dependencies: ["EXrayModel", "EXrayTestKit"]),
    .testTarget(name: "EXrayPreprocessTests", dependencies: ["EXrayPreprocess", "EXrayTestKit"]),
    .testTarget(
      name: "EXrayLiteRTTests",
      dependencies: ["EXrayLiteRT", "EXrayRuntime", "EXrayModel", "EXrayTestKit", "exray"]),
    .testTarget(
      name: "EXrayValidationTests",
      dependencies: ["EXrayCore", "EXrayPreprocess", "EXrayValidation", "EXrayTestKit"]),
    .testTarget(
      name: "EXrayReportTests",
      dependencies: ["EXrayCore", "EXrayReport", "EXrayValidation", "EXrayTestKit"],
      exclude: ["Fixtures"]),
    .testTarget(
      name: "ExrayCommandTests",
      dependencies: ["EXrayCore", "exray", "EXrayTrace", "EXrayModel", "EXrayTestKit"]),
  ],
  swiftLanguageModes: [.v6]
)

for target in package.targets where !target.name.hasPrefix("C") {
  target.swiftSettings = (target.swiftSettings ?? []) + house
}
