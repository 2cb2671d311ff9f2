internal import CEtcdMessages
internal import CProtobufC

/// The memory that protobuf-c unpacks a message into: one block, given out from the front and never given back by
/// pieces.
///
/// The scan has computed how much a message needs at most, so the block never grows while a message is unpacked. It is
/// kept from message to message unless it had to be large.
///
/// ```
/// block [ message | key | value | nested message | ...      free      ]
///                                                  ^ next              ^ end
/// ```
@safe
struct MessageArena: ~Copyable {
    /// What the functions that protobuf-c calls are given.
    @unsafe
    private struct State {
        var block: UnsafeMutableRawPointer?
        var next: Int
        var end: Int
    }

    /// Alignment in bytes of all that is given out: that of pointers and 64-bit numbers.
    static let alignment = 8

    /// A size rounded up to the alignment. It must be less than `Int.max - alignment`, as all sizes of things in memory
    /// are.
    @inline(__always)
    static func aligned(_ byteCount: Int) -> Int {
        (byteCount + alignment - 1) & ~(alignment - 1)
    }

    private let state: UnsafeMutablePointer<State>
    private let allocatorPointer: UnsafeMutablePointer<ProtobufCAllocator>
    /// Up to what size, in bytes, the block is kept.
    private let retainedByteCount: Int

    init(retainedByteCount: Int) {
        self.retainedByteCount = retainedByteCount
        unsafe state = .allocate(capacity: 1)
        unsafe state.initialize(to: State(block: nil, next: 0, end: 0))
        unsafe allocatorPointer = .allocate(capacity: 1)
        unsafe allocatorPointer.initialize(
            to: ProtobufCAllocator(
                alloc: { data, byteCount in unsafe MessageArena.allocate(data, byteCount) },
                free: { _, _ in },
                allocator_data: state))
    }

    deinit {
        unsafe state.pointee.block?.deallocate()
        unsafe state.deallocate()
        unsafe allocatorPointer.deallocate()
    }

    /// For protobuf-c; it is valid as long as the arena.
    var allocator: UnsafeMutablePointer<ProtobufCAllocator> { unsafe allocatorPointer }

    /// Makes room for a message.
    mutating func prepare(byteCount: Int) {
        unsafe state.pointee.next = 0
        guard unsafe byteCount > state.pointee.end else { return }
        unsafe state.pointee.block?.deallocate()
        let capacity = byteCount > retainedByteCount ? byteCount : min(max(2 * byteCount, 1024), retainedByteCount)
        unsafe state.pointee.block = .allocate(byteCount: capacity, alignment: Self.alignment)
        unsafe state.pointee.end = capacity
    }

    /// Takes back all that was given out.
    mutating func reset() {
        unsafe state.pointee.next = 0
        guard unsafe state.pointee.end > retainedByteCount else { return }
        unsafe state.pointee.block?.deallocate()
        unsafe state.pointee.block = nil
        unsafe state.pointee.end = 0
    }

    private static func allocate(_ data: UnsafeMutableRawPointer?, _ byteCount: Int) -> UnsafeMutableRawPointer? {
        guard let state = unsafe data?.assumingMemoryBound(to: State.self) else { return nil }
        let start = unsafe state.pointee.next
        guard unsafe byteCount <= state.pointee.end - start, let block = unsafe state.pointee.block else { return nil }
        unsafe state.pointee.next = min(start + aligned(byteCount), state.pointee.end)
        return unsafe block + start
    }
}
