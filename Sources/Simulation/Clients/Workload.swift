internal import Environment
internal import EtcdMessages
internal import Primitives

/// Makes requests up, from a seed: few keys, so that they meet, and every kind of request and of refusal.
struct Workload {
    var entropy: SeededEntropy
    let settings: SimulationSettings
    private var valueCount: UInt64 = 0

    init(settings: SimulationSettings, entropy: SeededEntropy) {
        self.settings = settings
        self.entropy = entropy
    }

    /// - Parameter model: the state when the request is made, to aim at what exists.
    mutating func next(_ model: KeyValueModel) -> WorkloadRequest {
        let mix = settings.mix
        var draw = entropy.below(mix.sum)
        /// Whether the draw falls into the next `parts`.
        func falls(in parts: Int) -> Bool {
            draw -= parts
            return draw < 0
        }
        if falls(in: mix.put) { return put(model) }
        if falls(in: mix.deleteRange) { return deleteRange() }
        if falls(in: mix.compareAndPut) { return compareAndPut(model) }
        if falls(in: mix.compact) { return compact(model) }
        if falls(in: mix.leases) { return lease(model) }
        if falls(in: mix.transaction) { return transaction(model) }
        return .range(range(model))
    }

    mutating func key() -> Bytes {
        Self.key(entropy.below(settings.keyCount))
    }

    /// The keys that there are, by number.
    static func key(_ number: Int) -> Bytes { Bytes(text: "key-\(number)") }

    mutating func value() -> Bytes {
        valueCount += 1
        // Mostly small; some fill pages, and a few take several.
        let byteCount = entropy.below(20) == 0 ? entropy.below(settings.greatestValueByteCount) : entropy.below(64)
        return Bytes(bigEndian: valueCount) + Bytes(repeating: UInt8(truncatingIfNeeded: valueCount), count: byteCount)
    }

    private mutating func put(_ model: KeyValueModel) -> WorkloadRequest {
        var request = PutRequest()
        request.key = key()
        request.prevKv = entropy.below(3) == 0
        if entropy.below(10) == 0 { request.ignoreValue = true } else { request.value = value() }
        if settings.mix.leases > 0 {
            if entropy.below(3) == 0 { request.lease = leaseID(model).rawValue }
            request.ignoreLease = request.lease == 0 && entropy.below(10) == 0
        }
        return .put(request)
    }

    /// Mostly of a lease that exists.
    mutating func leaseID(_ model: KeyValueModel) -> LeaseID {
        let known = model.leases.keys.sorted()
        if known.isEmpty || entropy.below(6) == 0 { return LeaseID(Int64(1 + entropy.below(8))) }
        return known[entropy.below(known.count)]
    }

    private mutating func lease(_ model: KeyValueModel) -> WorkloadRequest {
        switch entropy.below(6) {
        case 0, 1:
            var request = LeaseGrantRequest()
            request.id = Int64(1 + entropy.below(8))
            request.ttl = Int64(entropy.below(10))
            return .leaseGrant(request)
        case 2:
            var request = LeaseRevokeRequest()
            request.id = leaseID(model).rawValue
            return .leaseRevoke(request)
        default: return .leaseRenewal(leaseID(model))
        }
    }

    private mutating func deleteRange() -> WorkloadRequest {
        var request = DeleteRangeRequest()
        request.key = key()
        request.prevKv = entropy.below(3) == 0
        if entropy.below(3) == 0 { request.rangeEnd = entropy.below(8) == 0 ? [0] : key() }
        return .deleteRange(request)
    }

    private mutating func compareAndPut(_ model: KeyValueModel) -> WorkloadRequest {
        let key = key()
        let current = model.records(key, [], at: model.revision).first?.modRevision ?? 0
        let isStale = entropy.below(4) == 0
        return .compareAndPut(key: key, modRevision: isStale ? current + 1 : current, value: value())
    }

    private mutating func compact(_ model: KeyValueModel) -> WorkloadRequest {
        var request = CompactionRequest()
        // From what is compacted already to what is still to come.
        request.revision = model.revision + 3 - Int64(entropy.below(30))
        // At the head even the newest change may go.
        if entropy.below(3) == 0 { request.revision = model.revision }
        request.physical = entropy.below(3) == 0
        return .compact(request)
    }

    mutating func range(_ model: KeyValueModel) -> RangeRequest {
        var request = RangeRequest()
        request.key = entropy.below(4) == 0 ? [0] : key()
        if request.key == [0] { request.rangeEnd = [0] } else if entropy.below(3) == 0 { request.rangeEnd = key() }
        if entropy.below(3) == 0 { request.revision = model.revision + 2 - Int64(entropy.below(20)) }
        if entropy.below(3) == 0 { request.limit = Int64(entropy.below(5)) }
        request.keysOnly = entropy.below(6) == 0
        request.countOnly = entropy.below(8) == 0
        request.serializable = entropy.below(3) == 0
        if settings.mix.transaction > 0, entropy.below(4) == 0 { narrow(&request, model) }
        return request
    }

    /// Filters, and another order than that of keys.
    private mutating func narrow(_ request: inout RangeRequest, _ model: KeyValueModel) {
        request.sortTarget = SortTarget(rawValue: Int32(entropy.below(5)))
        request.sortOrder = SortOrder(rawValue: Int32(entropy.below(3)))
        let bound = max(1, model.revision - Int64(entropy.below(20)))
        switch entropy.below(8) {
        case 0: request.minModRevision = bound
        case 1: request.maxModRevision = bound
        case 2: request.minCreateRevision = bound
        case 3: request.maxCreateRevision = bound
        default: break
        }
    }
}

extension SeededEntropy {
    /// A number from 0 up to, but without, `bound`; 0 if there is none.
    mutating func below(_ bound: Int) -> Int {
        bound > 0 ? Int(next() % UInt64(bound)) : 0
    }
}
