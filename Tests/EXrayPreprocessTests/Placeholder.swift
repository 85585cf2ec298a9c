// EXrayPreprocess
