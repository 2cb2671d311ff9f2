package import Alarms
package import Auth
package import EtcdMessages
package import Leases
package import MVCC
package import Membership
internal import Primitives
package import Store

/// Carries out committed entries, one after another: the state that all members share is what this makes of the log.
///
/// It looks at the log and at the stored state, and at nothing else: not at who asks, at clocks, caches or versions
/// (ordering rule 4). It is total: an entry that makes no sense is refused by every member alike, and the next one follows.
/// The index moves with every entry, and reaches the file together with the entry's effects (rule 3).
package final class Applier {
    package let settings: ApplySettings
    package let store: Store
    package let mvcc: MVCCStore
    package let cluster: Cluster
    package let leases: Lessor
    package let auth: AuthStore
    package let alarms: AlarmStore

    /// Reads what the store holds, and which leases the keys in `mvcc` have.
    package static func open(store: Store, mvcc: MVCCStore, settings: ApplySettings) throws(ApplyError) -> Applier {
        let applier: Applier
        do throws(StoreError) {
            applier = try Applier(store: store, mvcc: mvcc, settings: settings)
        } catch {
            throw .store(error)
        }
        do throws(MVCCError) {
            try mvcc.attachLeases(to: applier.leases)
        } catch {
            switch error {
            case .etcd(let error): throw .store(.corrupt("leases of keys: \(error)"))
            case .store(let error): throw .store(error)
            }
        }
        return applier
    }

    private init(store: Store, mvcc: MVCCStore, settings: ApplySettings) throws(StoreError) {
        self.settings = settings
        self.store = store
        self.mvcc = mvcc
        cluster = try Cluster(store: store, maxLearnerCount: settings.maxLearnerCount)
        leases = try Lessor(store: store, minTTLSeconds: settings.minLeaseTTLSeconds)
        auth = try AuthStore(store: store)
        alarms = try AlarmStore(store: store)
    }

    /// Takes the place of `old`, with a store that goes further: that of a snapshot.
    package func takePlace(of old: Applier) {
        mvcc.takePlace(of: old.mvcc)
        auth.takeTokens(of: old.auth)
    }

    /// Carries out the next committed entry. After an error the member must stop.
    ///
    /// An entry whose effects the store already holds changes nothing: the members in memory, too, are read from the store.
    package func apply(_ entry: RaftEntry) throws(ApplyError) -> ApplyOutcome {
        let index = LogIndex(entry.index)
        guard index > store.appliedIndex else { return ApplyOutcome() }
        let outcome =
            switch entry.type {
            case .normal: try applyNormal(entry.data ?? [], index: index)
            case .confChange: applyConfChange(entry.data ?? [])
            case .confChangeV2: applyConfChangeV2(entry.data ?? [])
            default: ApplyOutcome(result: .failure(.malformedEntry("an entry of unknown type")))
            }
        store.recordApplied(index: index, term: Term(entry.term))
        return outcome
    }
}
