/// How far the member has come in telling the cluster of itself, which it does at each start before it serves clients.
enum Publication {
    /// Not yet the leader: nothing can be proposed.
    case start
    /// Its name and client URLs are on their way through the log.
    case publishing
    /// The cluster knows them, and a cluster version is decided.
    case done
}
