package import Primitives

/// Tokens that name a user by being known: `<16 random letters>.<index of the entry that made it>`
/// (etcd v3.6 `server/auth/simple_token.go`).
///
/// Every member makes a token when it applies its entry, and keeps it in memory only. How long since its last use it stays
/// is a clock's matter, and so that of the member's shell.
package struct SimpleTokens: Sendable {
    private var users: [Bytes: Bytes] = [:]

    package var count: Int { users.count }

    /// The user a token stands for; nil if it is not known, or no more.
    package func user(of token: Bytes) -> Bytes? { users[token] }

    /// Forgets a token, because it was long unused.
    package mutating func remove(_ token: Bytes) {
        users[token] = nil
    }

    /// Makes the token of an entry. Its random part was chosen by the member that proposed it.
    mutating func assign(prefix: Bytes, index: LogIndex, to user: Bytes) -> Bytes {
        let token = prefix + Bytes(text: ".\(index)")
        users[token] = user
        return token
    }

    mutating func removeAll(of user: Bytes) {
        users = users.filter { $0.value != user }
    }

    mutating func removeAll() {
        users = [:]
    }
}
