"""What safety data mean: grades, episodes, windows and clocks, as pure functions of recorded findings."""
