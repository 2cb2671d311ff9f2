// The members of the cluster, its version, and their records.
