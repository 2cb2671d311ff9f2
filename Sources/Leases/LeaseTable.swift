internal import Primitives

/// The leases by their ids. Each has a place, a small number that is used again when the lease is gone.
struct LeaseTable {
    /// Places by id, in shards of which each grows on its own: a table of a million entries that grows at once would hold
    /// up everything else for a tenth of a second.
    private var shards: [[LeaseID: UInt32]] = Array(repeating: [:], count: shardCount)
    /// A place without a lease has one of id 0.
    private var leases: [Lease] = []
    private var freePlaces: [UInt32] = []

    private static let shardBitCount = 6
    private static let shardCount = 1 << shardBitCount
    private static let vacant = Lease(id: .none, grantedTTLSeconds: 0, checkpointedTTLSeconds: 0)

    var count: Int { leases.count - freePlaces.count }

    /// Places with a lease, in their order.
    var places: [Int] { leases.indices.filter { leases[$0].id != .none } }

    subscript(place: Int) -> Lease {
        get { leases[place] }
        _modify { yield &leases[place] }
    }

    func place(of id: LeaseID) -> Int? {
        shards[Self.shard(of: id)][id].map { Int($0) }
    }

    /// Adds a lease that is not there, and answers its place.
    mutating func insert(_ lease: Lease) -> Int {
        let place: Int
        if let free = freePlaces.popLast() {
            place = Int(free)
            leases[place] = lease
        } else {
            place = leases.count
            leases.append(lease)
        }
        shards[Self.shard(of: lease.id)][lease.id] = UInt32(place)
        return place
    }

    /// Removes a lease, and answers the place that it had; nil if it is not there.
    mutating func remove(_ id: LeaseID) -> Int? {
        guard let place = shards[Self.shard(of: id)].removeValue(forKey: id) else { return nil }
        leases[Int(place)] = Self.vacant
        freePlaces.append(place)
        return Int(place)
    }

    /// Fibonacci hashing: clients choose ids, often in sequence.
    private static func shard(of id: LeaseID) -> Int {
        Int((UInt64(bitPattern: id.rawValue) &* 0x9e37_79b9_7f4a_7c15) >> UInt64(64 - shardBitCount))
    }
}
