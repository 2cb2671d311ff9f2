// `.snap` files in etcd's format, and the v2-store JSON within them.
