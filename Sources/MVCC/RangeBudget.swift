/// How much one slice of a range may do.
package struct RangeBudget: Sendable {
    /// Greatest number of bytes to add to the answer; one record more may be added.
    package var byteCount: Int
    /// Greatest number of keys to pass in the index. A record that is read counts as many as `keysPerRecord`.
    package var keyCount: Int
    /// Greatest number of records to add to the answer.
    package var recordCount = Int.max

    /// What reading a record costs, in passed keys, roughly as measured.
    package static let keysPerRecord = 8

    package init(byteCount: Int, keyCount: Int) {
        self.byteCount = byteCount
        self.keyCount = keyCount
    }

    /// What a loop can do between two other things: some 0.5 ms.
    package static let slice = RangeBudget(byteCount: 256 * 1024, keyCount: 8 * 1024)
    /// All at once.
    package static let unbounded = RangeBudget(byteCount: .max, keyCount: .max)
}
