// `@inlinable`, here and wherever else it stands: of what is `package` the optimizer of another module sees nothing else, and a
// comparison of two numbers would be a call.

/// The term of a Raft log entry or leader: 0 before the first election (Raft thesis, section 3.3).
@usableFromInline package struct Term: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    @usableFromInline package var rawValue: UInt64

    @inlinable package init(rawValue: UInt64) { self.rawValue = rawValue }
    @inlinable package init(_ value: UInt64) { self.rawValue = value }

    package static let zero = Term(0)
    @inlinable package static func < (left: Term, right: Term) -> Bool { left.rawValue < right.rawValue }
    @inlinable package var next: Term { Term(rawValue + 1) }
    @usableFromInline package var description: String { String(rawValue) }
}

/// The position of an entry in the Raft log. The first entry is 1; 0 means none.
@usableFromInline package struct LogIndex: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    @usableFromInline package var rawValue: UInt64

    @inlinable package init(rawValue: UInt64) { self.rawValue = rawValue }
    @inlinable package init(_ value: UInt64) { self.rawValue = value }

    package static let zero = LogIndex(0)
    @inlinable package static func < (left: LogIndex, right: LogIndex) -> Bool { left.rawValue < right.rawValue }
    @inlinable package var next: LogIndex { LogIndex(rawValue + 1) }
    @usableFromInline package var description: String { String(rawValue) }
}

/// A member of the cluster; 0 means none. People see it in lowercase hexadecimal without padding.
@usableFromInline package struct MemberID: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    @usableFromInline package var rawValue: UInt64

    @inlinable package init(rawValue: UInt64) { self.rawValue = rawValue }
    @inlinable package init(_ value: UInt64) { self.rawValue = value }

    package static let none = MemberID(0)
    @inlinable package static func < (left: MemberID, right: MemberID) -> Bool { left.rawValue < right.rawValue }
    @usableFromInline package var description: String { String(rawValue, radix: 16) }
}

/// A cluster. People see it in lowercase hexadecimal without padding.
@usableFromInline package struct ClusterID: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    @usableFromInline package var rawValue: UInt64

    @inlinable package init(rawValue: UInt64) { self.rawValue = rawValue }
    @inlinable package init(_ value: UInt64) { self.rawValue = value }

    @usableFromInline package var description: String { String(rawValue, radix: 16) }
}

/// A lease. Any 64-bit value but 0, which means none; negative ones are valid.
@usableFromInline package struct LeaseID: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    @usableFromInline package var rawValue: Int64

    @inlinable package init(rawValue: Int64) { self.rawValue = rawValue }
    @inlinable package init(_ value: Int64) { self.rawValue = value }

    package static let none = LeaseID(0)
    @inlinable package static func < (left: LeaseID, right: LeaseID) -> Bool { left.rawValue < right.rawValue }
    @usableFromInline package var description: String { String(rawValue, radix: 16) }
}
