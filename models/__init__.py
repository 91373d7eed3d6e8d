"""Networks: integers and tensors in, tensors out. Knows nothing of data sets, noise schedules or files."""
