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
    .library(name: "EXray", targets: ["EXray"]),
    .library(name: "MCAP", targets: ["MCAP"]),
    .library(name: "EXrayPipeline", targets: ["EXrayPipeline"]),
    .executable(name: "exray", targets: ["exray"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
  ],
  targets: [
    // What an app links.
    .target(name: "EXray"),
    // JSON with byte offsets.
    .target(name: "EXrayJSON"),
    // The container, and EXray's trace on it.
    .target(name: "MCAP"),
    .target(name: "EXrayTrace", dependencies: ["EXray", "EXrayJSON", "MCAP"]),
    // Models, recipes, runtimes.
    .target(name: "EXrayModel", dependencies: ["EXray"]),
    .target(
      name: "CImageCodecs",
      linkerSettings: [.linkedLibrary("turbojpeg"), .linkedLibrary("png16")]),
    .target(name: "EXrayPreprocess", dependencies: ["EXray", "EXrayJSON", "CImageCodecs"]),
    .target(
      name: "CHost", linkerSettings: [.linkedLibrary("dl", .when(platforms: [.linux]))]),
    .target(name: "EXrayRuntime", dependencies: ["EXray", "CHost"]),
    .target(
      name: "CLiteRT", linkerSettings: [.linkedLibrary("dl", .when(platforms: [.linux]))]),
    .target(name: "EXrayLiteRT", dependencies: ["EXray", "EXrayRuntime", "EXrayModel", "CLiteRT"]),
    // Comparison, causes, reports.
    .target(name: "EXrayValidation", dependencies: ["EXray", "EXrayModel", "EXrayPreprocess"]),
    .target(
      name: "EXrayPipeline",
      dependencies: [
        "EXray", "EXrayTrace", "EXrayModel", "EXrayPreprocess", "EXrayRuntime", "EXrayValidation",
      ]),
    .target(name: "EXrayReport", dependencies: ["EXray", "EXrayJSON", "EXrayValidation"]),
    .target(name: "EXrayTestKit", dependencies: ["EXray", "EXrayRuntime"]),
    .executableTarget(
      name: "exray",
      dependencies: [
        "EXray", "MCAP", "EXrayTrace", "EXrayModel", "EXrayPreprocess", "EXrayRuntime",
        "EXrayLiteRT", "EXrayValidation", "EXrayPipeline", "EXrayReport",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    .testTarget(name: "EXrayTests", dependencies: ["EXray", "EXrayTestKit"]),
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
      dependencies: ["EXray", "EXrayPreprocess", "EXrayValidation", "EXrayTestKit"]),
    .testTarget(
      name: "EXrayReportTests",
      dependencies: ["EXray", "EXrayReport", "EXrayValidation", "EXrayTestKit"],
      exclude: ["Fixtures"]),
    .testTarget(
      name: "ExrayCommandTests",
      dependencies: ["EXray", "exray", "EXrayTrace", "EXrayModel", "EXrayTestKit"]),
  ],
  swiftLanguageModes: [.v6]
)

for target in package.targets where !target.name.hasPrefix("C") {
  target.swiftSettings = (target.swiftSettings ?? []) + house
}
