"""What others make of the same job; each a small program that `bench.serving.competitors` starts."""
