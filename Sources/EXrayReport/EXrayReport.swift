// EXrayReport
