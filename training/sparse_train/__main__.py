"""`python -m sparse_train`, which is also what torchrun and `accelerate launch -m` start."""

from sparse_train.cli import main

main()
