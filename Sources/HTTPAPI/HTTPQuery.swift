/// The parameters of a query, as Go's `url.ParseQuery` finds them: a pair that is malformed is left out, the others count.
package struct HTTPQuery: Hashable, Sendable {
    private struct Pair: Hashable, Sendable {
        let name: String
        let value: String
    }

    private let pairs: [Pair]

    /// - Parameter text: what stands after the question mark.
    package init(_ text: String) {
        pairs = text.split(separator: "&").compactMap { part in
            guard !part.contains(";") else { return nil }
            let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = PercentEncoding.decode(sides[0], plusIsSpace: true)
            let value = PercentEncoding.decode(sides.count > 1 ? sides[1] : "", plusIsSpace: true)
            guard let name, let value else { return nil }
            return Pair(name: name, value: value)
        }
    }

    /// Whether a parameter is there, with or without a value.
    package func contains(_ name: String) -> Bool { pairs.contains { $0.name == name } }

    /// The values of a parameter, in order.
    package func values(of name: String) -> [String] { pairs.filter { $0.name == name }.map(\.value) }
}
