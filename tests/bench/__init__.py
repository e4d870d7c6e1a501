"""Speed as ratios: each job beside a floor of the same run on the same machine. `make bench` runs all and prints one JSON line last."""
