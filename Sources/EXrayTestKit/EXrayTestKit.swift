// EXrayTestKit
