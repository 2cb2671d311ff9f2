/// How often each kind of request is made, in parts of the sum.
package struct WorkloadMix: Equatable, Sendable {
    package var put = 40
    package var deleteRange = 10
    package var compareAndPut = 15
    package var compact = 5
    package var range = 30

    package init() {}

    package init(put: Int, deleteRange: Int, compareAndPut: Int, compact: Int, range: Int) {
        self.put = put
        self.deleteRange = deleteRange
        self.compareAndPut = compareAndPut
        self.compact = compact
        self.range = range
    }

    var sum: Int { put + deleteRange + compareAndPut + compact + range }
}
