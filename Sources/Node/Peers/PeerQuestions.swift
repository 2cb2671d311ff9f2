internal import Primitives

/// Questions to other members that are not answered yet, and what each was asked for.
struct PeerQuestions {
    /// What an answer is wanted for.
    enum Purpose {
        /// A client's question about a lease: `LeaderQuestions` knows which.
        case lease
        /// A comparison of hashes: `CorruptionChecks` knows which.
        case corruption
        /// The leader of a term looks at the versions of all members.
        case version(Term)
    }

    private var purposes: [UInt64: Purpose] = [:]
    private var lastNumber: UInt64 = 0

    var count: Int { purposes.count }

    /// Takes note of a question, and answers its number.
    mutating func add(_ purpose: Purpose) -> UInt64 {
        lastNumber += 1
        purposes[lastNumber] = purpose
        return lastNumber
    }

    /// What the question was asked for, which is now answered; nil if there is none of that number.
    mutating func take(_ number: UInt64) -> Purpose? {
        purposes.removeValue(forKey: number)
    }
}
