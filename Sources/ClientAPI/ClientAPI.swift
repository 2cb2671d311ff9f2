// etcd's gRPC services.
