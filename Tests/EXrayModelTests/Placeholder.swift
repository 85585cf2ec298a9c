// EXrayModel
