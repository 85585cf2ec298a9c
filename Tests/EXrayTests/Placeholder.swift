// EXray
