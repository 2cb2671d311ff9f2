// The ten buckets of etcd: a memory table, immutable tables and the bolt file under one read and write interface.
