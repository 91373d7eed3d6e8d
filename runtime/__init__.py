"""What training and inference share: objects from a configuration, checkpoint files, devices, processes, plots."""

import os

# PyTorch's threads wait for each other by spinning, which takes the core from the one they wait for as soon as
# anything else runs: sampling beside a training is then five times slower. The variable is read when torch is loaded,
# so entry points import a package first.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
