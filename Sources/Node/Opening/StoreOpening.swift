internal import Alarms
internal import Apply
internal import Environment
internal import MVCC
internal import Primitives
internal import Store

/// Opens a store's file with all that a member keeps in memory of it: its own file at the start, one that a leader sent later.
struct StoreOpening {
    let disk: any Disk
    let settings: NodeSettings

    /// The file at a path, which is made if there is none.
    func openStore(_ path: String) throws(NodeError) -> Store {
        do throws(StoreError) {
            return try Store.open(disk: disk, path: path)
        } catch {
            throw .store(error)
        }
    }

    /// What is in a store, read once from its beginning to its end.
    ///
    /// - Parameter report: told now and then how far the reading is.
    func openApplier(_ store: Store, _ report: (RestoreProgress) -> Void) throws(NodeError) -> Applier {
        try checkSchema(of: store)
        let mvcc: MVCCStore
        do throws(MVCCError) {
            mvcc = try MVCCStore(store: store, settings: MVCCSettings(), report: report)
        } catch {
            throw .mvcc(error)
        }
        var applySettings = ApplySettings()
        applySettings.quota = Quota(setting: settings.quotaByteCount)
        applySettings.maxLearnerCount = settings.maxLearnerCount
        applySettings.minLeaseTTLSeconds = settings.minLeaseTTLSeconds
        applySettings.persistsLeaseCheckpoints = settings.persistsLeaseCheckpoints
        let applier: Applier
        do throws(ApplyError) {
            applier = try Applier.open(store: store, mvcc: mvcc, settings: applySettings)
        } catch {
            throw .apply(error)
        }
        // All of the file was read to open it; most of it will not be read again soon.
        store.releaseReadPages()
        return applier
    }

    /// Whether a store's schema is one that this version knows (etcd v3.6 `server/storage/schema/schema.go`).
    private func checkSchema(of store: Store) throws(NodeError) {
        guard store.appliedIndex > .zero else { return }
        guard store.appliedTerm > .zero else {
            throw .inconsistent(
                "the store has no term: it was written by etcd 3.4 or before; start it with etcd 3.5 first")
        }
        let record: Bytes?
        do throws(StoreError) {
            record = try store.value(.meta, key: MetaKey.storageVersion)
        } catch {
            throw .store(error)
        }
        guard let record else { return }
        guard let version = EtcdVersion(record.text) else {
            throw .inconsistent("the store's version is not one: \(record.text)")
        }
        guard version.release <= EtcdVersion.newestReadable else {
            throw .inconsistent("the store is of version \(version), newer than this server knows")
        }
    }
}
