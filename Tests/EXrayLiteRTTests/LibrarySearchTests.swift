import EXrayLiteRT
import EXrayRuntime
import Foundation
import Testing

/// The search in folders made for the purpose.
struct LibrarySearchTests {
  private let folder: URL
  private let search = LibrarySearch(
    stem: "Example", environmentVariable: "EXRAY_EXAMPLE_LIBRARY", dependencyFolder: "example",
    pythonPackage: "example_package", advice: "run make setup")

  init() throws { folder = try Setup.temporaryFolder() }

  private func put(_ path: String) throws -> String {
    let file = folder.appending(path: path)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data("x".utf8).write(to: file)
    return file.path
  }

  private func surroundings(_ environment: [String: String] = [:]) -> LibrarySearch.Surroundings {
    LibrarySearch.Surroundings(
      environment: environment, folders: [folder.appending(path: "a/b/c").path],
      includesSystem: false)
  }

  @Test("The flag comes before the variable, the dependencies and Python")
  func order() throws {
    let name = search.fileName
    let flag = try put("flag/\(name)")
    let variable = try put("variable/\(name)")
    let dependency = try put("a/.deps/example/\(name)")
    let python = try put("venv/lib/python3.13/site-packages/example_package/\(name)")
    let environment = ["VIRTUAL_ENV": folder.appending(path: "venv").path]
    let both = environment.merging(["EXRAY_EXAMPLE_LIBRARY": variable]) { $1 }
    #expect(search.run(explicit: flag, in: surroundings(both)).path == flag)
    #expect(search.run(in: surroundings(both)).path == variable)
    #expect(search.run(in: surroundings(environment)).path == dependency)
    try FileManager.default.removeItem(atPath: dependency)
    let found = search.run(in: surroundings(environment))
    #expect(found.path == python)
    #expect(found.places.last?.isFound == true)
    #expect(found.places.dropLast().allSatisfy { !$0.isFound })
    try FileManager.default.removeItem(at: folder)
  }

  @Test("Python packages are found through PATH and the home folder")
  func python() throws {
    let name = search.fileName
    _ = try put("prefix/bin/python3")
    let system = try put("prefix/lib/python3.11/dist-packages/example_package/\(name)")
    let path = folder.appending(path: "prefix/bin").path
    #expect(search.run(in: surroundings(["PATH": "/nowhere/bin:\(path)"])).path == system)
    let home = try put("home/.local/lib/python3.12/site-packages/example_package/\(name)")
    let environment = ["HOME": folder.appending(path: "home").path]
    #expect(search.run(in: surroundings(environment)).path == home)
    try FileManager.default.removeItem(at: folder)
  }

  @Test("A wrong choice of the user's is not replaced by another library")
  func explicitIsFinal() throws {
    _ = try put("a/.deps/example/\(search.fileName)")
    for result in [
      search.run(explicit: "/nowhere/x.so", in: surroundings()),
      search.run(in: surroundings(["EXRAY_EXAMPLE_LIBRARY": "/nowhere/x.so"])),
    ] {
      #expect(result.path == nil)
      #expect(result.places.count == 1)
      let error = result.unavailable(library: "Example")
      #expect(error.code == .libraryUnavailable)
      #expect(error.message.contains("/nowhere/x.so"))
      #expect(error.message.hasSuffix("run make setup"))
    }
    try FileManager.default.removeItem(at: folder)
  }

  @Test("Where nothing is found, every place is named once, and folders do not count as libraries")
  func nothing() throws {
    let trap = folder.appending(path: "a/.deps/example/\(search.fileName)")
    try FileManager.default.createDirectory(at: trap, withIntermediateDirectories: true)
    let result = search.run(in: surroundings(["VIRTUAL_ENV": "", "HOME": "", "PATH": ""]))
    #expect(result.path == nil)
    #expect(Set(result.places).count == result.places.count)
    #expect(result.places.contains { $0.path == trap.path && !$0.isFound })
    for place in result.places {
      #expect(result.unavailable(library: "x").message.contains(place.path))
    }
    let system = LibrarySearch.Surroundings(environment: [:], folders: [])
    #expect(search.run(in: system).places.last?.origin == "loader")
    try FileManager.default.removeItem(at: folder)
  }
}
