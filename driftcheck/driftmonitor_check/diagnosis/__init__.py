"""What kind of change a window shows: named by rules over the evidence that the check has gathered."""
