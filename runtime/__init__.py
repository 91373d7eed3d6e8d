"""What training and inference share: objects from a configuration, checkpoint files, devices, processes, plots."""
