// The write-ahead log in etcd's format: segments, frames, the chained checksum, repair.
