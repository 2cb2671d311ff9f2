/// How far the member has come in telling the cluster of itself, which it does at each start before it serves clients.
enum Publication {
    /// Its name and client URLs are to be proposed, once there is a leader to take them.
    case start
    /// They are on their way through the log.
    case publishing
    /// The cluster knows them.
    case published
    /// Clients are served.
    case done
}
