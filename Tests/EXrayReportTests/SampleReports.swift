import EXrayCore
import EXrayMatching
import EXrayTestKit
import EXrayValidation

/// Reports as real comparisons give them, made from a seed.
enum SampleReports {
  static let names = [
    "failing", "healthy", "tiny", "long", "hostile", "inconclusive", "empty", "not-finite",
  ]

  static func report(_ name: String) -> ValidationReport {
    switch name {
    case "failing": failing
    case "healthy": healthy
    case "tiny": tiny
    case "long": long
    case "hostile": hostile
    case "inconclusive": inconclusive
    case "not-finite": notFinite
    case "example": example
    default: empty
    }
  }

  static func run(
    _ model: String, digest: Character, kernels: String = "xnnpack", recipe: String? = nil
  ) -> RunSummary {
    RunSummary(
      model: model, modelSHA256: String(repeating: digest, count: 64), runtime: "litert 2.3.0",
      kernels: kernels, threads: 2, recipe: recipe, device: "x86_64 Linux, 2 cores")
  }

  // MARK: Layers

  static let opTypes = [
    "CONV_2D", "DEPTHWISE_CONV_2D", "CONV_2D", "ADD", "CONV_2D", "DEPTHWISE_CONV_2D",
  ]

  /// Layers as a mobile network has them; drift grows and jumps after `faultAt`.
  static func layers(
    _ count: Int, seed: UInt64, faultAt: Int? = nil, quiet: Double = 0.004,
    prefix: String = "efficientnet-lite0/blocks_"
  ) -> [TensorComparison] {
    var random = SplitMix64(seed: seed)
    return (0..<count).map { index in
      let type = index == count - 1 ? "SOFTMAX" : opTypes[index % opTypes.count]
      let side = max(7, 112 >> (index * 4 / max(count, 1)))
      let shape: Shape =
        index == count - 1 ? [1, 1000] : [1, side, side, 16 + index / 4 * 8]
      let name = "\(prefix)\(index / 4)/\(type.lowercased())_\(index)/Relu6"
      let noise = Double.random(in: 0.7...1.6, using: &random)
      var drift = quiet * (1 + Double(index) / 30) * noise
      if let faultAt, index >= faultAt { drift = 0.09 * (1 + Double(index % 7) / 9) * noise }
      let failed = faultAt.map { index >= $0 } ?? false
      let candidate = TensorComparison.Side(
        tensor: name, op: OpReference(index: index, type: type), elementType: .int8, shape: shape)
      let reference = TensorComparison.Side(
        tensor: index % 9 == 4
          ? name + ";" + name.replacing("Relu6", with: "FusedBatchNormV3") : name,
        op: OpReference(index: index, type: type), elementType: .float32, shape: shape)
      if index % 17 == 11 {
        return TensorComparison(
          index: index, status: .notMapped, candidate: candidate, reference: nil)
      }
      return TensorComparison(
        index: index, status: failed ? .fail : .pass, candidate: candidate, reference: reference,
        metrics: metrics(drift: drift, elements: (shape.elementCount ?? 1) * 100),
        worstFrame: "ILSVRC2012_val_\(10_000_000 + index * 137).JPEG",
        errors: LayerErrors(
          own: drift / 4, inherited: drift, share: failed ? 0.8 : 0.01, ownInSteps: drift * 20,
          excess: failed ? 12 : 1),
        confidence: index % 9 == 4 ? 0.79 : 0.93,
        matchedBy: index % 9 == 4 ? [.name, .shape] : [.name, .shape, .order])
    }
  }

  static func metrics(drift: Double, elements: Int) -> DifferenceMetrics {
    DifferenceMetrics(
      count: elements, mse: drift * drift * 36, maxAbsDiff: drift * 31, nrmse: drift,
      cosineSimilarity: 1 - min(drift * drift * 12, 1.4), sqnrDB: 18 - drift * 90,
      psnrDB: 40 - drift * 100, rmseOverScale: drift * 61, candidateNotFinite: 0,
      referenceNotFinite: 0)
  }

  static func input(drift: Double, status: TensorComparison.Status) -> TensorComparison {
    let side = TensorComparison.Side(
      tensor: "images", op: nil, elementType: .int8, shape: [1, 224, 224, 3])
    var reference = side
    reference.elementType = .float32
    return TensorComparison(
      index: 0, status: status, candidate: side, reference: reference,
      metrics: metrics(drift: drift, elements: 15_052_800),
      worstFrame: "ILSVRC2012_val_00000293.JPEG")
  }

  static func output(drift: Double, status: TensorComparison.Status) -> TensorComparison {
    let side = TensorComparison.Side(
      tensor: "Softmax", op: OpReference(index: 59, type: "SOFTMAX"), elementType: .int8,
      shape: [1, 1000])
    var reference = side
    reference.elementType = .float32
    return TensorComparison(
      index: 0, status: status, candidate: side, reference: reference,
      metrics: metrics(drift: drift, elements: 100_000), worstFrame: "ILSVRC2012_val_00000293.JPEG")
  }

  // MARK: Whole reports

  static var failing: ValidationReport {
    ValidationReport(
      tool: "exray 0.1.0", verdict: .fail,
      summary: "The candidate feeds its model BGR where the reference feeds RGB.",
      candidate: run(
        "efficientnet-lite0-int8.tflite", digest: "a", recipe: "efficientnet-lite0-phone.json"),
      reference: run(
        "efficientnet-lite0-fp32.tflite", digest: "b", kernels: "reference",
        recipe: "efficientnet-lite0.json"),
      frames: 100,
      accuracy: AccuracyComparison(
        labelledFrames: 100,
        candidate: Accuracy(top1: 0.61, top5: 0.84, top1Interval: [0.5120, 0.6998]),
        reference: Accuracy(top1: 0.79, top5: 0.94, top1Interval: [0.7002, 0.8583]),
        pValue: 0.000_243),
      answers: AnswerComparison(
        top1Agreement: 0.66, classCount: 1000,
        confusion: [
          .init(reference: 207, candidate: 208, count: 4),
          .init(reference: 281, candidate: 282, count: 3),
          .init(reference: 948, candidate: 950, count: 3),
          .init(reference: 130, candidate: 134, count: 2),
          .init(reference: 9, candidate: 141, count: 1),
          .init(reference: 1, candidate: 1, count: 6),
        ]),
      inputs: [input(drift: 0.1873, status: .fail)],
      layers: layers(60, seed: 7, faultAt: 22),
      outputs: [output(drift: 0.0612, status: .fail)],
      latency: LatencyComparison(
        candidate: .init(medianNanoseconds: 12_340_000, p90Nanoseconds: 14_900_000),
        reference: .init(medianNanoseconds: 31_870_000, p90Nanoseconds: 35_020_000),
        caveat:
          "Layers were captured, which costs time: these are not the deployed model's figures."),
      findings: [
        Finding(
          cause: .channelOrder, title: "Colour channels are swapped: BGR instead of RGB",
          where: .init(stage: "color", tensor: "images"), confidence: 0.99,
          evidence: [
            "Swapping the candidate's first and third channel explains 99.7 % of the input's difference.",
            "Input nrmse 0.187 as fed, 0.0041 after the swap, on 100 frames.",
            "The other 5 channel orders leave at least 0.112.",
          ],
          fix: "In efficientnet-lite0-phone.json set `\"color\": \"rgb\"` where it says `\"bgr\"`.",
          gain: .init(
            metric: "accuracy.top1", before: 0.61, after: 0.78, frames: 100,
            interval: [0.0783, 0.2551], method: "agresti-min")),
        Finding(
          cause: .resize, title: "Resized with another kernel: nearest instead of bilinear/pillow",
          where: .init(stage: "resize", tensor: "images"), confidence: 0.82,
          evidence: ["After the swap, `nearest` explains 91 % of what is left."],
          fix: "Set `\"kernel\": \"bilinear/pillow\"` in the resize step.",
          gain: .init(metric: "top1_agreement", before: 0.95, after: 0.96, frames: 100)),
        Finding(
          cause: .quantizationDrift,
          title: "Depthwise convolution 23 departs far more than rounding explains",
          where: .init(
            stage: "layer", op: 23, tensor: "efficientnet-lite0/blocks_5/depthwise_conv_2d_23/Relu6"
          ),
          confidence: 0.55,
          evidence: [
            "rmse is 5.9 steps of the output's scale; rounding alone gives about 0.3.",
            "Its weights share one scale over 96 channels whose ranges differ 40-fold.",
          ],
          fix: "Quantize this layer's weights per channel, or leave it in float."),
      ],
      allFixes: .init(
        metric: "accuracy.top1", before: 0.61, after: 0.79, frames: 100,
        interval: [0.0871, 0.2659], method: "agresti-min"),
      checks: [
        .init(
          name: "python3 worst_class.py", outcome: .fail,
          message: "class 207 is answered right in 1 of 5 frames",
          evidence: ["class: 207", "recall: 0.2", "required: 0.5"]),
        .init(name: "no answer is empty", outcome: .pass, message: "100 frames looked at"),
      ],
      evidence: [
        EvidenceItem(.coverage, .sound, "61 of 61 layers and 1 of 1 outputs were compared"),
        EvidenceItem(
          .repeatability, .weak,
          "the candidate gives other outputs for the same inputs when it runs again"),
        EvidenceItem(.capture, .unknown, "the reference could not be run without captured layers"),
      ],
      notes: [
        "100 frames: top-1 accuracy is known to about ±9 points.",
        "3 layers of the candidate have no counterpart in the reference.",
      ],
      inputShare: 0.034, graph: graph(Array(layers(60, seed: 7, faultAt: 22)[20..<26])),
      histograms: [
        histogram(op: 23, tensor: "efficientnet-lite0/blocks_5/depthwise_conv_2d_23/Relu6")
      ],
      decisions: [
        .init(
          op: 63, type: "ARG_MAX", tensor: "efficientnet-lite0/model/head/ArgMax", decisions: 100,
          changed: 12, equal: 1, knifeEdges: 8, usualError: 0.031, largestLead: 0.42)
      ])
  }

  static var healthy: ValidationReport {
    ValidationReport(
      tool: "exray 0.1.0", verdict: .pass,
      summary: "The candidate does what the reference does; only quantization noise.",
      candidate: run(
        "mobilenet_v1_0.25_224_quant.tflite", digest: "c", recipe: "mobilenet-v1-0.25.json"),
      reference: run("mobilenet_v1_0.25_224.tflite", digest: "d", recipe: "mobilenet-v1-0.25.json"),
      frames: 100,
      accuracy: AccuracyComparison(
        labelledFrames: 100,
        candidate: Accuracy(top1: 0.48, top5: 0.73, top1Interval: [0.3846, 0.5768]),
        reference: Accuracy(top1: 0.5, top5: 0.74, top1Interval: [0.4038, 0.5962]), pValue: 0.7539),
      answers: AnswerComparison(
        top1Agreement: 0.9, classCount: 10,
        confusion: (0..<10).flatMap { index in
          [
            AnswerComparison.Pair(
              reference: index, candidate: (index * 7 + 3) % 10, count: index % 3),
            .init(reference: index, candidate: index, count: 7 + index % 4),
          ]
        }),
      inputs: [input(drift: 0.0008, status: .pass)],
      layers: layers(31, seed: 3, prefix: "MobilenetV1/MobilenetV1/Conv2d_"),
      outputs: [output(drift: 0.0021, status: .pass)],
      latency: LatencyComparison(
        candidate: .init(medianNanoseconds: 1_912_000, p90Nanoseconds: 2_204_000),
        reference: .init(medianNanoseconds: 3_420_000, p90Nanoseconds: 3_555_000), caveat: nil))
  }

  static var tiny: ValidationReport {
    ValidationReport(
      tool: "exray 0.1.0", verdict: .fail,
      summary: "The selfie mask is empty: the input is not normalised.",
      candidate: run("selfie_segmenter.tflite", digest: "e", recipe: "app.json"),
      reference: run("selfie_segmenter.tflite", digest: "e", recipe: "selfie.json"),
      frames: 1, inputs: [input(drift: 0.998, status: .fail)],
      findings: [
        Finding(
          cause: .normalization, title: "Pixels are fed as 0…255 instead of 0…1",
          where: .init(stage: "normalize"), confidence: 1,
          evidence: ["candidate = 255.0 × reference + 0.0 in all three channels, residual 0.0000"],
          fix: "Set `\"scale\": 0.00392157` in the normalize step.",
          gain: .init(metric: "cosine_similarity", before: 0.1204, after: 1, frames: 1))
      ],
      notes: ["Only 1 frame: nothing is known about other pictures."])
  }

  static var long: ValidationReport {
    var report = failing
    report.summary = "152 layers drift from layer 40 on, although the inputs are the same."
    let name = String(repeating: "a-very-long-scope-name/", count: 12)
    report.layers = layers(152, seed: 11, faultAt: 40, prefix: name)
    for index in report.layers.indices where index < 40 {
      // Early layers equal to the last bit and others near it, as float pairs have them.
      report.layers[index].metrics?.nrmse = index % 5 == 0 ? 0 : 1e-7 * Double(index + 1)
    }
    report.candidate.model = name + "model.tflite"
    report.findings[0].title = String(repeating: "a title that does not end ", count: 12)
    report.findings[0].evidence.append(String(repeating: "x", count: 400))
    return report
  }

  /// The example of Documentation/report-format.md.
  static var example: ValidationReport {
    var report = failing
    report.layers = Array(layers(60, seed: 7, faultAt: 22)[22...22])
    report.graph = graph(report.layers)
    report.histograms = []
    report.findings = [failing.findings[0]]
    report.findings[0].evidence = [failing.findings[0].evidence[1]]
    report.outputs = []
    report.answers?.confusion = [.init(reference: 207, candidate: 208, count: 4)]
    report.checks = [failing.checks[0]]
    report.notes = [failing.notes[0]]
    return report
  }

  static let attack = "<script>alert(1)</script>\"'&|`]]>--><b>\u{1b}[31m\u{0}\u{202e}\nüñ名"

  static var hostile: ValidationReport {
    var report = failing
    report.summary = "summary \(attack)"
    report.tool = "tool \(attack)"
    report.candidate = run("model \(attack)", digest: "f", kernels: attack, recipe: attack)
    report.reference.device = attack
    report.reference.modelSHA256 = attack
    report.layers = layers(12, seed: 5, faultAt: 3)
    for index in report.layers.indices {
      report.layers[index].candidate?.tensor = "layer \(index) \(attack)"
      report.layers[index].candidate?.op?.type = "OP\(attack)"
      report.layers[index].worstFrame = attack
    }
    report.inputs[0].candidate?.tensor = attack
    report.latency?.caveat = attack
    report.findings = report.findings.map { finding in
      var finding = finding
      finding.title = "title \(attack)"
      finding.where = .init(stage: attack, op: 3, tensor: attack)
      finding.evidence = ["evidence \(attack)"]
      finding.fix = "fix \(attack)"
      finding.gain = .init(
        metric: attack, before: 0.1, after: 0.2, frames: 2, interval: [-0.1, 0.3], method: attack)
      return finding
    }
    report.allFixes = report.findings[0].gain
    report.checks = [
      .init(name: attack, outcome: .fail, message: attack, evidence: [attack, "b: \(attack)"])
    ]
    report.notes = ["note \(attack)"]
    return report
  }

  static var inconclusive: ValidationReport {
    var report = tiny
    report.verdict = .inconclusive
    report.summary = "No layer could be compared: the models share no tensor names."
    report.findings = []
    report.checks = [
      .init(name: "sleepy", outcome: .inconclusive, message: "did not answer within 60 s")
    ]
    report.inputs = []
    report.layers = layers(4, seed: 1).map { layer in
      var layer = layer
      layer.status = .notMapped
      layer.metrics = nil
      layer.reference = nil
      layer.worstFrame = nil
      return layer
    }
    return report
  }

  static var empty: ValidationReport {
    ValidationReport(
      tool: "", verdict: .inconclusive, summary: "", candidate: run("", digest: "0"),
      reference: run("", digest: "0"), frames: 0)
  }

  /// Every number that can be something else than finite is.
  static var notFinite: ValidationReport {
    var report = failing
    report.layers = layers(8, seed: 2, faultAt: 4)
    let values: [Double] = [
      .nan, .infinity, -.infinity, .greatestFiniteMagnitude, .leastNonzeroMagnitude,
    ]
    for (index, value) in values.enumerated() {
      report.layers[index].metrics = DifferenceMetrics(
        count: 1, mse: value, maxAbsDiff: value, nrmse: value, cosineSimilarity: value,
        sqnrDB: value, psnrDB: value, rmseOverScale: value, candidateNotFinite: 1,
        referenceNotFinite: 2)
    }
    report.inputs[0].metrics?.mse = .nan
    report.findings[0].confidence = .nan
    report.findings[0].gain = .init(metric: "mse", before: .infinity, after: .nan, frames: 1)
    report.allFixes = .init(
      metric: "mse", before: 0, after: 1, frames: 2, interval: [.nan, .infinity], method: "x")
    report.accuracy?.pValue = .nan
    report.accuracy?.candidate = Accuracy(top1: .nan, top5: .infinity, top1Interval: [.nan, .nan])
    report.answers?.top1Agreement = -.infinity
    report.notes = ["not finite 0", "NaN"]
    return report
  }
}
