// MCAP
