"""The mathematics: noise schedules, the training objective, guidance and samplers. Takes callables and tensors."""
