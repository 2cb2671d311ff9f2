/// What the shell knows a waiting request by. The core only gives it back.
package struct RequestToken: RawRepresentable, Hashable, Sendable {
    package var rawValue: UInt64

    package init(rawValue: UInt64) { self.rawValue = rawValue }
}
