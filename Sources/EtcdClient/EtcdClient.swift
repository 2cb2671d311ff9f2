// An etcd client over the gRPC C core, for benchmarks and tests.
