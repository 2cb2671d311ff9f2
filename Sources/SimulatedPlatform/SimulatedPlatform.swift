// A disk and clock that a seed controls, with the faults of real ones.
