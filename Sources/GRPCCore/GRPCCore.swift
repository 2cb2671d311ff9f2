// A gRPC server and client over the gRPC C core.
