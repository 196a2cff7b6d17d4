"""Model A (set attention, ListMLE), models B and C (trees), the stacker and calibration."""
