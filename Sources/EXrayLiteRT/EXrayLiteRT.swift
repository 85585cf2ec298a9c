// EXrayLiteRT
