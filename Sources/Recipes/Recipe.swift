internal import EtcdMessages
internal import Node
internal import Primitives

/// One call that the recipes are carrying out.
struct Recipe {
    let caller: RequestToken
    var progress: Progress

    enum Progress {
        /// Unlock: the key is being deleted.
        case unlocking
        /// Leader: the candidates are being looked at.
        case findingLeader
        /// Resign: the key is being deleted.
        case resigning
        /// Proclaim.
        case proclaiming(Proclamation)
        /// Lock, Campaign.
        case waiting(Turn)
        /// Observe.
        case observing(Observation)
    }
}

/// A leader's new value, on its way.
struct Proclamation {
    var request: ProclaimRequest
    /// Whether a lease is being granted for it; else the value is being put.
    var isGranting: Bool
}

/// One who waits for its turn to hold a lock or to lead.
///
/// ```
/// granting -> entering -> (proclaiming) -> looking <-> watching
///                                             |
///                                         answered
/// ```
struct Turn {
    enum Purpose: Equatable {
        case lock
        /// With the value that the election's followers will see.
        case campaign(name: Bytes, value: Bytes)
    }

    enum Step {
        /// A lease is being granted.
        case granting
        /// The key is being put, or read if it is there already.
        case entering
        /// The key was there with another value: the new one is being put.
        case proclaiming
        /// The key before ours, and ours, are being read.
        case looking
        /// The key before ours is being watched until it is deleted.
        case watching
    }

    let purpose: Purpose
    /// The name and a slash: what the keys of all who wait begin with.
    let prefix: Bytes
    var lease: LeaseID
    var step = Step.granting
    /// When our key was made: who waits longest has the least.
    var createRevision: Int64 = 0
    /// The revision at which we entered, for the header of an answer that needed no waiting.
    var entryRevision: Int64 = 0
    /// Whether somebody was before us.
    var hasWaited = false
    /// The caller has gone away while our key was on its way: it is deleted as soon as it is there.
    var isAbandoned = false

    /// The lease in hexadecimal, with its sign, makes the key of its own.
    var key: Bytes { prefix + Bytes(text: String(lease.rawValue, radix: 16)) }
}

/// One who is told who leads, and with which value.
struct Observation {
    enum Step {
        /// The candidates are being looked at.
        case looking
        /// Nobody leads: the first key is waited for.
        case waitingForFirst
        /// The leader's key is being watched.
        case following
    }

    let prefix: Bytes
    var step = Step.looking
    /// Whether the watch may have something.
    var isWatchReady = false
    /// What the stream has not taken yet: encoded answers.
    var pending: [StreamMessage] = []
}
