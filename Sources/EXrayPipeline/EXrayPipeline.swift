// EXrayPipeline
