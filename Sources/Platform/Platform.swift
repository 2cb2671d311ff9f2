// The real disk, clock and entropy.
