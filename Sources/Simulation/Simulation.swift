// A whole member in one thread on a simulated platform, from one seed, with workload and checkers.
