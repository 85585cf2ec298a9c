// EXrayTrace
