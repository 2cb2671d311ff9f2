// Every message of etcd's API, log and files: pre-scanned, unpacked with protobuf-c, and given as Swift values.
