"""How often the check judges rightly: a labelled suite of windows, synthetic and real, beside Evidently and NannyML."""
