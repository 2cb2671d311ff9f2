/// How often each kind of request is made, in parts of the sum.
package struct WorkloadMix: Equatable, Sendable {
    package var put = 40
    package var deleteRange = 10
    package var compareAndPut = 15
    package var compact = 5
    package var range = 30
    /// Grants, revocations and renewals; if there are any, some puts name a lease.
    package var leases = 15
    /// Transactions of several operations, and in others; if there are any, ranges have filters and orders too.
    package var transaction = 10

    package init() {}

    package init(
        put: Int, deleteRange: Int, compareAndPut: Int, compact: Int, range: Int, leases: Int = 0, transaction: Int = 0
    ) {
        self.put = put
        self.deleteRange = deleteRange
        self.compareAndPut = compareAndPut
        self.compact = compact
        self.range = range
        self.leases = leases
        self.transaction = transaction
    }

    var sum: Int { put + deleteRange + compareAndPut + compact + range + leases + transaction }
}
