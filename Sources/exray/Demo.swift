import ArgumentParser
import EXrayLiteRT
import EXrayPipeline
import EXrayPreprocess
import EXrayRuntime
import EXrayValidation
import Foundation

/// `exray demo`: the main job on a real model and a real photo, with a planted fault.
struct Demo: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Plant a fault in a real pipeline, and watch it being found and fixed.",
    discussion: """
      Cuts a person out of a photo with MediaPipe's selfie segmentation. The app's pipeline forgets to
      scale pixels to [0,1]; the reference does not. 'make demo' fetches the model and the photo.
      """)

  @Option(help: ArgumentHelp("The folder for the report.", valueName: "folder"))
  var report = "report/demo"

  @OptionGroup var runtime: RuntimeOptions

  func run() throws {
    let files = try DemoFiles()
    let model = try ModelFile(path: files.model)
    let engine = try runtime.make()
    let options = SessionOptions(threads: runtime.threads)
    let trained = Recipe(name: "as trained: [0,1]", normalize: .zeroToOne)
    let app = Recipe(name: "in the app: scaling forgotten", normalize: .none)
    func pipeline(_ recipe: Recipe) -> PipelineSpecification {
      PipelineSpecification(
        model: model, recipe: recipe, recipeName: recipe.name, runtime: engine, options: options)
    }
    Leftovers.watch(files: [], folders: try FileAccess.makeFolder(report))
    let output = ReportOutput.folder(report)
    try output.check()
    let job = ValidateJob(
      candidate: pipeline(app), reference: pipeline(trained),
      inputs: try InputList(paths: [files.picture]), labels: LabelSpecification(),
      traceFolder: nil, tool: Tool.identity)
    print("Planted fault: the app gives the model pixels from 0 to 255 instead of 0 to 1.\n")
    let (result, pictures) = try job.run(observer: ProgressBar())
    try output.write(result, pictures)
    guard result.findings.contains(where: { $0.cause == .normalization }) else {
      throw PipelineError(.unsuitableInput, "the planted fault was not named; please report this")
    }
  }
}

/// The demo's model and photo, which `make demo` puts into the dependency folder.
struct DemoFiles {
  let model: String
  let picture: String

  /// Looks for the files in `.deps/demo`, from here and from the program upward.
  init() throws {
    let starts = [FileManager.default.currentDirectoryPath, ProcessFiles.executable ?? "/"]
    for start in starts {
      var folder = URL(filePath: start)
      while folder.path != "/" {
        let demo = folder.appending(path: ".deps/demo")
        let model = demo.appending(path: "selfie_segmentation.tflite").path
        let picture = demo.appending(path: "astronaut.png").path
        if FileManager.default.fileExists(atPath: model),
          FileManager.default.fileExists(atPath: picture)
        {
          self.model = model
          self.picture = picture
          return
        }
        folder.deleteLastPathComponent()
      }
    }
    throw PipelineError(
      .unreadable,
      ".deps/demo: the demo's model and photo are not here; run make demo in the checkout")
  }
}
