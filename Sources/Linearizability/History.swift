package import EtcdMessages

/// What clients asked of a cluster and were told: what `LinearizabilityChecker` judges. docs/internals/histories.md has the file
/// that one is recorded in.
package struct History: Equatable, Sendable {
    /// The revision before the first of the operations. A new store is at 1.
    package var startRevision: Int64 = 1
    /// The keys there were then, sorted.
    package var startRecords: [KeyValue] = []
    /// In any order. All writes of keys there were must be among them.
    package var operations: [HistoryOperation] = []
    package var watches: [RecordedWatch] = []

    package init() {}
}

/// What one watch was told, in order.
package struct RecordedWatch: Equatable, Sendable {
    /// A response, and when it was received if that is known.
    package struct Response: Equatable, Sendable {
        package var response: WatchResponse
        package var time: UInt64?

        package init(_ response: WatchResponse, at time: UInt64? = nil) {
            self.response = response
            self.time = time
        }
    }

    /// Its own number, for messages.
    package var number: Int
    package var request: WatchCreateRequest
    package var responses: [Response] = []
    /// Everything up to this revision must have come.
    package var completeRevision: Int64?

    package init(number: Int, request: WatchCreateRequest) {
        self.number = number
        self.request = request
    }
}
