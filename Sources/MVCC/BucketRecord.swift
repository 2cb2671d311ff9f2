internal import Primitives
internal import Store

/// A record of the `key` bucket as it is found there.
struct BucketRecord {
    let revision: Revision
    let isTombstone: Bool
    let fields: StoredKeyValue

    /// - Throws: `.corrupt` if it is no revision with a `KeyValue`.
    init(key: RawSpan, value: RawSpan) throws(StoreError) {
        guard let (revision, isTombstone) = unsafe key.withUnsafeBytes({ unsafe Revision.parse(bucketKey: $0) }) else {
            throw .corrupt("a key of bucket key is no revision")
        }
        guard let fields = StoredKeyValue(value) else {
            throw .corrupt("the record of revision \(revision) is no KeyValue")
        }
        self.revision = revision
        self.isTombstone = isTombstone
        self.fields = fields
    }

    /// The key that changed, copied out of the value that the record was made from.
    func name(in value: RawSpan) -> Bytes {
        Bytes(copying: value.extracting(fields.key))
    }
}

extension Store {
    /// Visits the records of the `key` bucket until `visit` answers false or throws.
    func scanRecords(
        from lower: Bytes, to upper: Bytes?, _ visit: (RawSpan, RawSpan) throws(StoreError) -> Bool
    ) throws(MVCCError) {
        var problem: StoreError?
        do throws(StoreError) {
            try scan(.key, from: lower, to: upper) { key, value in
                do throws(StoreError) {
                    return try visit(key, value)
                } catch {
                    problem = error
                    return false
                }
            }
            if let problem { throw problem }
        } catch {
            throw .store(error)
        }
    }
}

extension StoreView {
    /// Visits the records of the `key` bucket until `visit` answers false or throws.
    func scanRecords(
        from lower: Bytes, to upper: Bytes?, _ visit: (RawSpan, RawSpan) throws(StoreError) -> Bool
    ) throws(MVCCError) {
        var problem: StoreError?
        do throws(StoreError) {
            try scan(.key, from: lower, to: upper) { key, value in
                do throws(StoreError) {
                    return try visit(key, value)
                } catch {
                    problem = error
                    return false
                }
            }
            if let problem { throw problem }
        } catch {
            throw .store(error)
        }
    }
}
