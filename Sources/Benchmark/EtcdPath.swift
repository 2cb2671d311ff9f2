/// The methods that workloads call.
enum EtcdPath {
    static let range = "/etcdserverpb.KV/Range"
    static let put = "/etcdserverpb.KV/Put"
    static let txn = "/etcdserverpb.KV/Txn"
    static let watch = "/etcdserverpb.Watch/Watch"
    static let leaseGrant = "/etcdserverpb.Lease/LeaseGrant"
    static let leaseRevoke = "/etcdserverpb.Lease/LeaseRevoke"
    static let leaseTimeToLive = "/etcdserverpb.Lease/LeaseTimeToLive"
    static let leaseKeepAlive = "/etcdserverpb.Lease/LeaseKeepAlive"
}
