internal import Primitives

/// What the shell knows a waiting request by. The core only gives it back.
///
/// ```
///  63   61 60                                      0
/// +-------+-----------------------------------------+
/// | asker | number: of the asker's own choice       |
/// +-------+-----------------------------------------+
/// ```
package struct RequestToken: RawRepresentable, Hashable, Sendable {
    /// To whom in the shell an answer goes. All are listed here, so that no two take each other's.
    package enum Asker: UInt64 {
        /// A client's call. Its number has the index of a slot in its upper half, of which there are 2^28 at most.
        case call
        /// A lock or an election, for the steps that it takes.
        case recipe
        /// A request of HTTP.
        case http
        /// Another member.
        case peer
        /// This member itself.
        case member
    }

    package var rawValue: UInt64

    package init(rawValue: UInt64) { self.rawValue = rawValue }

    package init(_ asker: Asker, _ number: UInt64) {
        rawValue = asker.rawValue << Self.numberBitCount | number & Self.greatestNumber
    }

    package var asker: Asker {
        guard let asker = Asker(rawValue: rawValue >> Self.numberBitCount) else {
            unreachable("a token without an asker")
        }
        return asker
    }

    /// The asker's number for it.
    package var number: UInt64 { rawValue & Self.greatestNumber }

    private static let numberBitCount: UInt64 = 61
    /// What does not fit is cut off.
    package static let greatestNumber: UInt64 = 1 << numberBitCount - 1
}
