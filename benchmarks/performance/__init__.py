"""How near estimates without labels come to what the labels say, beside NannyML's."""
