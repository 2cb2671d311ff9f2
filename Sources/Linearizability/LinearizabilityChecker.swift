package import EtcdMessages
package import Primitives

/// What `LinearizabilityChecker` found.
package enum LinearizabilityVerdict: Equatable, Sendable {
    /// A correct etcd can have answered so; this is one way to.
    case linearizable(Linearization)
    /// No order of the operations explains the answers. The text says how far one comes, and what stands against it there.
    case violated(String)
    /// The bounds were reached before there was an answer.
    case gaveUp(String)
}

/// An order of operations that explains a history: for each revision what made it.
package struct Linearization: Equatable, Sendable {
    /// A change of one key.
    package struct Change: Equatable, Sendable {
        package var revision: Int64
        package var key: Bytes
        /// What the key became; nil if it was deleted.
        package var record: KeyValue?
    }

    /// The last revision that anyone saw.
    package var revision: Int64
    /// In the order of revisions, and of operations within one.
    package var changes: [Change]
    /// The operations of unknown outcome that were done, by their places in the history, in the order in which they were.
    package var doneUnknown: [Int]
    /// Operations tried on the way.
    package var stepCount: Int
}

/// Decides whether a history is linearizable: whether there is one order of all operations that agrees with time and in which every
/// answer is the one that etcd gives (Herlihy and Wing 1990).
///
/// The usual search (Wing and Gong 1993, with Lowe's memory of states, 2017) goes through orders of operations. Here every answer names
/// the revision that it saw or made, so the order of all that were answered is known, and whether it agrees with time is a matter
/// of one sweep (`RevisionFloors`). What is left is which write of unknown outcome made each revision that no acknowledged
/// write did: that is searched for, revision by revision, and states from which there is no way on are remembered.
///
/// Keys are not partitioned: the revision joins them. The answer is exact, or that it gave up.
package struct LinearizabilityChecker {
    /// Operations tried before it gives up.
    package var maxStepCount = 20_000_000
    /// States remembered before it gives up; 24 bytes each.
    package var maxRememberedCount = 2_000_000

    package init() {}

    /// Judges the operations of a history; what watches were told counts as evidence of what happened.
    package func check(_ history: History) -> LinearizabilityVerdict {
        do throws(Mismatch) {
            let index = try HistoryIndex(history)
            var search = LinearizationSearch(history, index, self)
            return search.run()
        } catch {
            return .violated(error.text)
        }
    }
}
