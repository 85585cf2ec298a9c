// EXrayValidation
