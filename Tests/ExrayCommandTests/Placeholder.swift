// ExrayCommand
